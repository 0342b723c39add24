"""Readers of the families related to Llama: rotary positions, RMSNorm or LayerNorm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, QkNorm
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
)
from modelsizer.problems.errors import short

SLIDING = "sliding_attention"


def _heads(f: Fields, d_model: int, heads: int, kv_heads: int | None, head_dim: int | None) -> Any:
    """Query heads, kv heads and head_dim, with the usual fallbacks."""
    h = f.count("num_attention_heads", heads)
    # A missing number of kv heads takes the type's default; null means one per query head.
    kv = f.maybe("num_key_value_heads", kv_heads) or h
    if kv_heads is not None and f.null("num_key_value_heads"):
        f.notes.append(f"num_key_value_heads is null: one for each query head is taken, {h}")
    # Where the type has a head_dim of its own, null is not given.
    written = f.maybe("head_dim") if head_dim is None else f.count("head_dim", head_dim)
    if written is None and d_model % h:
        raise ConfigError(f"num_attention_heads = {h} does not divide hidden_size = {d_model}")
    if h % kv:
        raise ConfigError(f"num_key_value_heads = {kv} does not divide num_attention_heads = {h}")
    return h, kv, written or d_model // h


def _windows(
    f: Fields, layers: int, window: int | None, slides: Callable[[int], bool]
) -> list[Any]:
    """Window of each layer: from `layer_types` if given, else by the type's rule."""
    types = f.list_of("layer_types", str, "text")
    if types is None:
        return [window if window is not None and slides(i) else None for i in range(layers)]
    if len(types) != layers:
        raise ConfigError(f"layer_types has {len(types)} entries for {layers} layers")
    known = (SLIDING, "full_attention")
    for kind in types:
        if kind not in known:
            raise ConfigError(f"layer_types: {short(kind)} is not one of {', '.join(known)}")
    return [window if kind == SLIDING else None for kind in types]


def _llama_like(
    f: Fields,
    *,
    hidden: int,
    ffn: int,
    layers: int,
    heads: int,
    kv_heads: int | None,
    vocabulary: int,
    head_dim: int | None = None,
    tied: bool = False,
    qkv_bias: bool = False,
    output_bias: bool = False,
    mlp_bias: bool = False,
    gated: bool = True,
    norms: int = 2,
    norm_bias: bool = False,
    qk_norm: QkNorm = "none",
    qk_norm_is_split: bool = False,
    head_bias: bool = False,
    window: int | None = None,
    slides: Callable[[int], bool] = lambda _: True,
    sinks: bool = False,
    feed_forward: Callable[[int, DenseFeedForward], FeedForward] = lambda _, dense: dense,
) -> Architecture:
    """The common architecture; keywords are a type's defaults or values already read."""
    d = f.count("hidden_size", hidden)
    depth = f.layers("num_hidden_layers", layers)
    h, kv, dim = _heads(f, d, heads, kv_heads, head_dim)
    dense = DenseFeedForward(f.count("intermediate_size", ffn), gated, mlp_bias)
    windows = _windows(f, depth, window, slides)
    stack = [
        Layer(
            FullAttention(
                h,
                kv,
                dim,
                qkv_bias,
                output_bias,
                qk_norm,
                windows[i],
                sinks,
                d // h if qk_norm_is_split else None,
            ),
            feed_forward(i, dense),
            norms,
        )
        for i in range(depth)
    ]
    trunk = Trunk(
        d,
        f.count("vocab_size", vocabulary),
        f.flag("tie_word_embeddings", tied),
        norm_bias,
        head_bias=head_bias,
    )
    return Architecture.of_layers(trunk, stack)


def llama(f: Fields) -> Architecture:
    """``model_type = "llama"``."""
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=11008, layers=32, heads=32, kv_heads=None, vocabulary=32000,
        qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias", False),
    )  # fmt: skip


def smollm3(f: Fields) -> Architecture:
    """``model_type = "smollm3"``."""
    bias = f.flag("attention_bias", False)
    slide = f.flag("use_sliding_window", False)
    window = f.maybe("sliding_window")
    rope = f.list_of("no_rope_layers", int, "0 and 1")
    interval = f.count("no_rope_layer_interval", 4)

    def slides(i: int) -> bool:
        if rope and i >= len(rope):
            raise ConfigError(f"no_rope_layers has {len(rope)} entries, fewer than layers")
        has_rope = bool(rope[i]) if rope else bool((i + 1) % interval)
        return slide and not has_rope

    return _llama_like(
        f, hidden=2048, ffn=11008, layers=36, heads=16, kv_heads=4, vocabulary=128256, tied=True,
        qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias", False),
        window=window, slides=slides,
    )  # fmt: skip


def mistral(f: Fields) -> Architecture:
    """``model_type = "mistral"``."""
    window = 4096 if not f.written("sliding_window") else None
    return _llama_like(
        f, hidden=4096, ffn=14336, layers=32, heads=32, kv_heads=8, vocabulary=32000,
        window=f.maybe("sliding_window", window),
    )  # fmt: skip


def mixtral(f: Fields) -> Architecture:
    """``model_type = "mixtral"``."""
    experts = f.count("num_local_experts", 8)
    active = f.routed("num_local_experts", experts, 2)
    return _llama_like(
        f, hidden=4096, ffn=14336, layers=32, heads=32, kv_heads=8, vocabulary=32000,
        window=f.maybe("sliding_window"),
        feed_forward=lambda _, dense: MixtureOfExperts(dense.d_ff, experts, active),
    )  # fmt: skip


def _qwen_window(f: Fields, default: int | None = 4096) -> tuple[int | None, Callable[[int], bool]]:
    """Window of Qwen models, which have it only if enabled, and only in the upper layers."""
    slide = f.flag("use_sliding_window", False)
    window = f.maybe("sliding_window", default)
    first = f.count("max_window_layers", 28, least=0)
    return (window if slide else None), lambda i: i >= first


def qwen2(f: Fields) -> Architecture:
    """``model_type = "qwen2"``."""
    window, slides = _qwen_window(f)
    return _llama_like(
        f, hidden=4096, ffn=22016, layers=32, heads=32, kv_heads=32, vocabulary=151936,
        qkv_bias=True, window=window, slides=slides,
    )  # fmt: skip


def qwen3(f: Fields) -> Architecture:
    """``model_type = "qwen3"``."""
    window, slides = _qwen_window(f)
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=22016, layers=32, heads=32, kv_heads=32, vocabulary=151936,
        head_dim=128, qkv_bias=bias, output_bias=bias, qk_norm="head", window=window, slides=slides,
    )  # fmt: skip


def _sparse_layers(f: Fields) -> Callable[[int], bool]:
    """Which layers of a Qwen mixture have experts: every n-th, minus those listed."""
    step = f.count("decoder_sparse_step", 1)
    dense_layers = set(f.list_of("mlp_only_layers", int, "layer numbers") or [])
    return lambda i: i not in dense_layers and (i + 1) % step == 0


def qwen2_moe(f: Fields) -> Architecture:
    """``model_type = "qwen2_moe"``."""
    window, slides = _qwen_window(f)
    routes = _sparse_layers(f)
    experts = f.count("num_experts", 60, least=0)
    f.ignore(["moe_intermediate_size", "num_experts_per_tok", "shared_expert_intermediate_size"])
    moe = None
    if experts:
        moe = MixtureOfExperts(
            f.count("moe_intermediate_size", 1408),
            experts,
            f.routed("num_experts", experts, 4),
            shared_d_ff=f.count("shared_expert_intermediate_size", 5632),
            shared_gate=True,
        )
    return _llama_like(
        f, hidden=2048, ffn=5632, layers=24, heads=16, kv_heads=16, vocabulary=151936,
        qkv_bias=f.flag("qkv_bias", True), window=window, slides=slides,
        feed_forward=lambda i, dense: moe if moe is not None and routes(i) else dense,
    )  # fmt: skip


def qwen3_moe(f: Fields) -> Architecture:
    """``model_type = "qwen3_moe"``."""
    window, slides = _qwen_window(f)
    routes = _sparse_layers(f)
    bias = f.flag("attention_bias", False)
    experts = f.count("num_local_experts", 128, least=0)
    f.ignore(["moe_intermediate_size", "num_experts_per_tok"])
    moe = None
    if experts:
        width = f.count("moe_intermediate_size", 768)
        active = f.routed("num_local_experts", experts, 8)
        moe = MixtureOfExperts(width, experts, active)
    return _llama_like(
        f, hidden=2048, ffn=6144, layers=24, heads=32, kv_heads=4, vocabulary=151936,
        qkv_bias=bias, output_bias=bias, qk_norm="head", window=window, slides=slides,
        feed_forward=lambda i, dense: moe if moe is not None and routes(i) else dense,
    )  # fmt: skip


def gemma(f: Fields) -> Architecture:
    """``model_type = "gemma"``."""
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=3072, ffn=24576, layers=28, heads=16, kv_heads=16, vocabulary=256000,
        head_dim=256, tied=True, qkv_bias=bias, output_bias=bias,
    )  # fmt: skip


def gemma2(f: Fields) -> Architecture:
    """``model_type = "gemma2"``."""
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=2304, ffn=9216, layers=26, heads=8, kv_heads=4, vocabulary=256000, head_dim=256,
        tied=True, qkv_bias=bias, output_bias=bias, norms=4,
        window=f.maybe("sliding_window", 4096), slides=lambda i: i % 2 == 0,
    )  # fmt: skip


def gemma3_text(f: Fields) -> Architecture:
    """``model_type = "gemma3_text"``."""
    bias = f.flag("attention_bias", False)
    pattern = f.count("sliding_window_pattern", f.count("_sliding_window_pattern", 6))
    return _llama_like(
        f, hidden=2304, ffn=9216, layers=26, heads=8, kv_heads=4, vocabulary=262208, head_dim=256,
        tied=True, qkv_bias=bias, output_bias=bias, norms=4, qk_norm="head",
        window=f.maybe("sliding_window", 4096), slides=lambda i: bool((i + 1) % pattern),
    )  # fmt: skip


def phi(f: Fields) -> Architecture:
    """``model_type = "phi"``."""
    return _llama_like(
        f, hidden=2048, ffn=8192, layers=24, heads=32, kv_heads=None, vocabulary=51200,
        qkv_bias=True, output_bias=True, mlp_bias=True, gated=False, norms=1, norm_bias=True,
        qk_norm="head_with_bias" if f.flag("qk_layernorm", False) else "none", head_bias=True,
        qk_norm_is_split=True,  # hidden_size / heads, regardless of head_dim
    )  # fmt: skip


def phi3(f: Fields) -> Architecture:
    """``model_type = "phi3"``."""
    return _llama_like(
        f, hidden=3072, ffn=8192, layers=32, heads=32, kv_heads=None, vocabulary=32064,
        window=f.maybe("sliding_window"),
    )  # fmt: skip


def olmo2(f: Fields) -> Architecture:
    """``model_type = "olmo2"``."""
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=11008, layers=32, heads=32, kv_heads=None, vocabulary=50304,
        qkv_bias=bias, output_bias=bias, qk_norm="full",
    )  # fmt: skip


def starcoder2(f: Fields) -> Architecture:
    """``model_type = "starcoder2"``."""
    bias = f.flag("use_bias", True)
    return _llama_like(
        f, hidden=3072, ffn=12288, layers=30, heads=24, kv_heads=2, vocabulary=49152, tied=True,
        qkv_bias=bias, output_bias=bias, mlp_bias=bias, gated=False, norm_bias=True,
        window=f.maybe("sliding_window"),
    )  # fmt: skip


def stablelm(f: Fields) -> Architecture:
    """``model_type = "stablelm"``."""
    return _llama_like(
        f, hidden=2560, ffn=6912, layers=32, heads=32, kv_heads=32, vocabulary=50304,
        qkv_bias=f.flag("use_qkv_bias", False),
        norms=1 if f.flag("use_parallel_residual", False) else 2, norm_bias=True,
        qk_norm="full" if f.flag("qk_layernorm", False) else "none",
    )  # fmt: skip


def cohere(f: Fields) -> Architecture:
    """``model_type = "cohere"``."""
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=8192, ffn=22528, layers=40, heads=64, kv_heads=None, vocabulary=256000, tied=True,
        qkv_bias=bias, output_bias=bias, norms=1,
        qk_norm="full" if f.flag("use_qk_norm", False) else "none",
    )  # fmt: skip


def granite(f: Fields) -> Architecture:
    """``model_type = "granite"``."""
    return llama(f)


def glm4(f: Fields) -> Architecture:
    """``model_type = "glm4"``."""
    return _llama_like(
        f, hidden=4096, ffn=13696, layers=40, heads=32, kv_heads=2, vocabulary=151552,
        head_dim=128, qkv_bias=f.flag("attention_bias", True), norms=4,
    )  # fmt: skip


def gpt_oss(f: Fields) -> Architecture:
    """``model_type = "gpt_oss"``."""
    bias = f.flag("attention_bias", True)
    experts = f.count("num_local_experts", 128)
    active = f.routed("num_local_experts", experts, 4)
    return _llama_like(
        f, hidden=2880, ffn=2880, layers=36, heads=64, kv_heads=8, vocabulary=201088, head_dim=64,
        qkv_bias=bias, output_bias=bias, sinks=True,
        window=f.maybe("sliding_window", 128), slides=lambda i: i % 2 == 0,
        feed_forward=lambda _, dense: MixtureOfExperts(
            dense.d_ff, experts, active, expert_bias=True, router_bias=True
        ),
    )  # fmt: skip
