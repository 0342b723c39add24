"""The reader of Gemma 3n: embeddings of each layer, LAUREL, AltUp, and shared keys and values.

Sizes are those of transformers 5.24, ``modeling_gemma3n.py``. AltUp (arXiv 2301.13310) holds
several streams and predicts and corrects them; LAUREL (arXiv 2411.07501) is a low-rank branch
beside the residual.
"""

from __future__ import annotations

from dataclasses import replace

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.configs.decoder import grouped as full
from modelsizer.problems.architecture.configs.decoder import trunk, windowed
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.layouts import FULL, LAYERS, SLIDING, words_of
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.feedforward import DenseFeedForward

_NORMS = 5  # two around attention, two around the feed-forward, one of the layer's embedding


def _widths(f: Fields, depth: int) -> list[int]:
    """Width of each layer's feed-forward: one number, or a list."""
    given = f.take("intermediate_size")
    if not isinstance(given, list):
        return [f.count("intermediate_size")] * depth
    widths = f.list_of("intermediate_size", int, "whole numbers") or []
    if len(widths) != depth or min(widths) < 1:
        raise ConfigError(f"intermediate_size has {len(widths)} entries for {depth} layers")
    return widths


def _altup(f: Fields, d: int) -> tuple[int, int]:
    """Weights that multiply each token, and other parameters, of one layer's AltUp."""
    streams = f.count("altup_num_inputs")
    router = d * streams
    predicted = streams * streams**2
    corrected = streams * streams
    return router + predicted + corrected, 2 * d  # a scale, and the router's norm


def _mixing(f: Fields, d: int) -> int:
    """FLOPs a token of one layer's mixing: n x n coefficients to predict, n to correct."""
    n = f.count("altup_num_inputs")
    return 2 * d * n * (n + 1)


def gemma3n(f: Fields, t: ModelType) -> Architecture:
    """Read ``model_type = "gemma3n_text"``."""
    depth, d = f.layers("num_hidden_layers"), f.count("hidden_size")
    words = words_of(f, "layer_types", depth, (FULL, SLIDING)) or LAYERS[t.layers](f, t, depth)
    first = depth - f.count("num_kv_shared_layers", least=0)
    widths = _widths(f, depth)
    embedded, rank = f.count("hidden_size_per_layer_input"), f.count("laurel_rank")
    weights, others = _altup(f, d)
    weights += 2 * d * rank + 2 * d * embedded
    others += d  # the norm of LAUREL
    kinds = {FULL: full(f, t), SLIDING: windowed(f, t)}
    stack = []
    for i, (word, width) in enumerate(zip(words, widths, strict=True)):
        mixer = kinds[word]
        if i >= first > 0:
            assert isinstance(mixer, FullAttention)
            mixer = replace(mixer, shares_cache=True)
        stack.append(
            Layer(mixer, DenseFeedForward(width), _NORMS, extra_weights=weights,
                  extra_parameters=others, extra_flops=_mixing(f, d))
        )  # fmt: skip
    return Architecture.of_layers(_trunk(f, t, depth, embedded), stack)


def _trunk(f: Fields, t: ModelType, depth: int, embedded: int) -> Trunk:
    d, streams = f.count("hidden_size"), f.count("altup_num_inputs")
    return replace(
        trunk(f, t),
        extra_embedding=f.count("vocab_size_per_layer_input") * embedded * depth,
        extra_weights=d * embedded * depth + 2 * (streams - 1) * d * d,
        extra_parameters=embedded,  # a norm
    )
