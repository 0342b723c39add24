"""Reader of DeepSeek-V4: compressed contexts, several residual streams, mixtures in every layer.

Sizes are those of transformers 5.24, ``modeling_deepseek_v4.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.compressed_attention import Compressor, SharedKeyAttention
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.layouts import SLIDING, words_of
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.feedforward import MixtureOfExperts
from modelsizer.problems.architecture.mixers import Mixer, Several
from modelsizer.problems.errors import short

_SPARSE, _HEAVY = "compressed_sparse_attention", "heavily_compressed_attention"
_RATIOS = {0: SLIDING, 4: _SPARSE, 128: _HEAVY}
_RATES = {_SPARSE: ("compress_rate_csa", 4), _HEAVY: ("compress_rate_hca", 128)}


def _words(f: Fields, depth: int) -> list[str]:
    """Kind of each layer's attention; lists may go on for prediction heads.

    Raises
    ------
    ConfigError
        If `compress_ratios` holds another ratio than 0, 4 and 128, or is too short.
    """
    listed, ratios = f.take("layer_types"), f.list_of("compress_ratios", int, "ratios")
    if listed is not None:
        return words_of(f, "layer_types", depth, (SLIDING, _SPARSE, _HEAVY)) or []
    if ratios is None:
        return [_SPARSE if i > 1 and i % 2 else _HEAVY for i in range(depth)]
    if len(ratios) < depth:
        raise ConfigError(f"compress_ratios has {len(ratios)} entries for {depth} layers")
    for ratio in ratios[:depth]:
        if ratio not in _RATIOS:
            raise ConfigError(f"compress_ratios: {short(ratio)} is not one of 0, 4 and 128")
    return [_RATIOS[ratio] for ratio in ratios[:depth]]


def _rate(f: Fields, word: str) -> int:
    """Tokens to one compressed key."""
    name, default = _RATES[word]
    rates: Any = f.take("compress_rates")
    given = Fields(rates, {}) if isinstance(rates, Mapping) else Fields({}, {})
    return f.count(name, given.count(word, default))


def _mixer(f: Fields, word: str) -> Mixer:
    """Attention within a window, and the compressed context beside it."""
    heads, dim, rank = f.count("num_attention_heads"), f.count("head_dim"), f.count("q_lora_rank")
    groups = f.count("o_groups")
    if heads * dim % groups:
        raise ConfigError(f"o_groups = {groups} does not divide {heads} heads of {dim}")
    main = SharedKeyAttention(
        heads, dim, rank, groups, f.count("o_lora_rank"), f.count("sliding_window")
    )
    index = f.count("index_n_heads"), f.count("index_head_dim"), f.count("index_topk")
    if word == SLIDING:
        return main
    if word == _HEAVY:
        return Several((main, Compressor(heads, dim, _rate(f, word))))
    return Several((main, Compressor(heads, dim, _rate(f, word), 2, *index, rank)))


def deepseek_v4(f: Fields, t: ModelType) -> Architecture:  # noqa: ARG001 - as every reader
    """Read a configuration of ``model_type = "deepseek_v4"``."""
    d, depth = f.count("hidden_size"), f.layers("num_hidden_layers")
    width, total = f.count("moe_intermediate_size"), f.count("n_routed_experts")
    active = f.routed("num_experts_per_tok", "n_routed_experts", total)
    bias = f.flag("mlp_bias", False)
    moe = MixtureOfExperts(width, total, active, shared_d_ff=width, shared_bias=bias)
    # Hyper-connections (arXiv 2409.19606) mix n residual streams around attention and feed-forward.
    n = f.count("hc_mult")
    mixed = n * (n + 2)
    kinds = {word: _mixer(f, word) for word in (SLIDING, _SPARSE, _HEAVY)}
    stack = [
        Layer(
            kinds[word],
            moe,
            extra_weights=2 * mixed * n * d,
            extra_parameters=2 * (mixed + 3),
            extra_flops=2 * 2 * n * n * d,
        )
        for word in _words(f, depth)
    ]
    trunk = Trunk(
        d,
        f.count("vocab_size"),
        f.flag("tie_word_embeddings"),
        extra_weights=n * n * d,
        extra_parameters=n + 1,
    )
    return Architecture.of_layers(trunk, stack)
