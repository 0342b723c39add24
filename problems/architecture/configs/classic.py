"""Readers of GPT-2, GPT-NeoX, OPT, BLOOM and Falcon: multi-head or multi-query, LayerNorm."""

from __future__ import annotations

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import Attention, FullAttention
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.feedforward import DenseFeedForward


def _plain(
    depth: int, attention: Attention, ffn: DenseFeedForward, norms: int, trunk: Trunk
) -> Architecture:
    return Architecture.of_layers(trunk, [Layer(attention, ffn, norms)] * depth)


def _split(f: Fields, width: str, d: int, number: str, heads: int) -> int:
    if d % heads:
        raise ConfigError(f"{f.named(number)} = {heads} does not divide {f.named(width)} = {d}")
    return d // heads


def gpt2(f: Fields) -> Architecture:
    """``model_type = "gpt2"``."""
    d, heads = f.count("n_embd", 768), f.count("n_head", 12)
    if f.flag("add_cross_attention", False):
        raise ConfigError("add_cross_attention = true: only decoders without it are counted")
    attention = FullAttention(heads, heads, _split(f, "n_embd", d, "n_head", heads), True, True)
    ffn = DenseFeedForward(f.count("n_inner", 4 * d), gated=False, bias=True)
    positions = f.count("n_positions", 1024)
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 50257), tied, norm_bias=True, positions=positions)
    return _plain(f.layers("n_layer", 12), attention, ffn, 2, trunk)


def gpt_neox(f: Fields) -> Architecture:
    """``model_type = "gpt_neox"``."""
    d, heads = f.count("hidden_size", 6144), f.count("num_attention_heads", 64)
    f.ignore(["use_parallel_residual"])  # two normalisations with or without it
    bias = f.flag("attention_bias", True)
    attention = FullAttention(
        heads, heads, _split(f, "hidden_size", d, "num_attention_heads", heads), bias, bias
    )
    ffn = DenseFeedForward(f.count("intermediate_size", 24576), gated=False, bias=True)
    tied = f.flag("tie_word_embeddings", False)
    trunk = Trunk(d, f.count("vocab_size", 50432), tied, norm_bias=True)
    return _plain(f.layers("num_hidden_layers", 44), attention, ffn, 2, trunk)


def opt(f: Fields) -> Architecture:
    """``model_type = "opt"``."""
    d, heads = f.count("hidden_size", 768), f.count("num_attention_heads", 12)
    bias = f.flag("enable_bias", True)
    attention = FullAttention(
        heads, heads, _split(f, "hidden_size", d, "num_attention_heads", heads), bias, bias
    )
    ffn = DenseFeedForward(f.count("ffn_dim", 3072), gated=False, bias=bias)
    before, removed = (
        f.flag("do_layer_norm_before", True),
        f.flag("_remove_final_layer_norm", False),
    )
    width = f.count("word_embed_proj_dim", d)
    trunk = Trunk(
        d,
        f.count("vocab_size", 50272),
        f.flag("tie_word_embeddings", True),
        norm_bias=True,
        positions=f.count("max_position_embeddings", 2048) + 2,  # OPT offsets positions by 2
        norms=1 if before and not removed else 0,
        norm_scale=f.flag("layer_norm_elementwise_affine", True),
        embedding_width=width if width != d else None,
    )
    return _plain(f.layers("num_hidden_layers", 12), attention, ffn, 2, trunk)


def bloom(f: Fields) -> Architecture:
    """``model_type = "bloom"``."""
    d, heads = f.count("hidden_size", 64), f.count("n_head", 8)
    attention = FullAttention(
        heads, heads, _split(f, "hidden_size", d, "n_head", heads), True, True
    )
    ffn = DenseFeedForward(4 * d, gated=False, bias=True)
    # The embedding has a normalisation too.
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 250880), tied, norm_bias=True, norms=2)
    return _plain(f.layers("n_layer", 2), attention, ffn, 2, trunk)


def falcon(f: Fields) -> Architecture:
    """``model_type = "falcon"``."""
    d, heads = f.count("hidden_size", 4544), f.count("num_attention_heads", 71)
    new = f.flag("new_decoder_architecture", False)
    multi_query = f.flag("multi_query", True)
    written = f.maybe("num_kv_heads") or heads
    kv = written if new else 1 if multi_query else heads
    bias = f.flag("bias", False)
    attention = FullAttention(
        heads, kv, _split(f, "hidden_size", d, "num_attention_heads", heads), bias, bias
    )
    ffn = DenseFeedForward(f.count("ffn_hidden_size", 4 * d), gated=False, bias=bias)
    parallel = f.flag("parallel_attn", True)
    in_parallel = f.maybe("num_ln_in_parallel_attn") or (2 if new else 1)
    norms = 2 if not parallel or in_parallel == 2 else 1
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 65024), tied, norm_bias=True)
    return _plain(f.layers("num_hidden_layers", 32), attention, ffn, norms, trunk)
