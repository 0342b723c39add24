"""Readers of GPT-2, OPT, BLOOM and Falcon: multi-head or multi-query attention, LayerNorm."""

from __future__ import annotations

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.architecture.mixers import Mixer


def _plain(
    depth: int, attention: Mixer, ffn: DenseFeedForward, norms: int, trunk: Trunk
) -> Architecture:
    return Architecture.of_layers(trunk, [Layer(attention, ffn, norms)] * depth)


def _split(f: Fields, width: str, d: int, number: str, heads: int) -> int:
    if d % heads:
        raise ConfigError(f"{f.named(number)} = {heads} does not divide {f.named(width)} = {d}")
    return d // heads


def gpt2(f: Fields, _: ModelType) -> Architecture:
    """``model_type = "gpt2"``."""
    d, heads = f.count("n_embd"), f.count("n_head")
    attention = FullAttention(heads, heads, _split(f, "n_embd", d, "n_head", heads), True, True)
    ffn = DenseFeedForward(f.count("n_inner", 4 * d), gated=False, bias=True)
    positions = f.count("n_positions")
    tied = f.flag("tie_word_embeddings")
    trunk = Trunk(d, f.count("vocab_size"), tied, norm_bias=True, positions=positions)
    return _plain(f.layers("n_layer"), attention, ffn, 2, trunk)


def opt(f: Fields, _: ModelType) -> Architecture:
    """``model_type = "opt"``."""
    d, heads = f.count("hidden_size"), f.count("num_attention_heads")
    bias = f.flag("enable_bias")
    attention = FullAttention(
        heads, heads, _split(f, "hidden_size", d, "num_attention_heads", heads), bias, bias
    )
    ffn = DenseFeedForward(f.count("ffn_dim"), gated=False, bias=bias)
    before, removed = (
        f.flag("do_layer_norm_before"),
        f.flag("_remove_final_layer_norm"),
    )
    width = f.count("word_embed_proj_dim", d)
    trunk = Trunk(
        d,
        f.count("vocab_size"),
        f.flag("tie_word_embeddings"),
        norm_bias=True,
        positions=f.count("max_position_embeddings") + 2,  # OPT offsets positions by 2
        norms=1 if before and not removed else 0,
        norm_scale=f.flag("layer_norm_elementwise_affine"),
        embedding_width=width if width != d else None,
    )
    return _plain(f.layers("num_hidden_layers"), attention, ffn, 2, trunk)


def bloom(f: Fields, _: ModelType) -> Architecture:
    """``model_type = "bloom"``."""
    d, heads = f.count("hidden_size"), f.count("n_head")
    attention = FullAttention(
        heads, heads, _split(f, "hidden_size", d, "n_head", heads), True, True
    )
    ffn = DenseFeedForward(4 * d, gated=False, bias=True)
    # The embedding has a normalisation too.
    tied = f.flag("tie_word_embeddings")
    trunk = Trunk(d, f.count("vocab_size"), tied, norm_bias=True, norms=2)
    return _plain(f.layers("n_layer"), attention, ffn, 2, trunk)


def falcon(f: Fields, _: ModelType) -> Architecture:
    """``model_type = "falcon"``."""
    d, heads = f.count("hidden_size"), f.count("num_attention_heads")
    new = f.flag("new_decoder_architecture")
    multi_query = f.flag("multi_query")
    written = f.maybe("num_kv_heads") or heads
    kv = written if new else 1 if multi_query else heads
    bias = f.flag("bias")
    attention = FullAttention(
        heads, kv, _split(f, "hidden_size", d, "num_attention_heads", heads), bias, bias
    )
    ffn = DenseFeedForward(f.count("ffn_hidden_size", 4 * d), gated=False, bias=bias)
    parallel = f.flag("parallel_attn")
    in_parallel = f.maybe("num_ln_in_parallel_attn") or (2 if new else 1)
    norms = 2 if not parallel or in_parallel == 2 else 1
    tied = f.flag("tie_word_embeddings")
    trunk = Trunk(d, f.count("vocab_size"), tied, norm_bias=True)
    return _plain(f.layers("num_hidden_layers"), attention, ffn, norms, trunk)
