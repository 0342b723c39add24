"""The general reader: a trunk, and a stack of layers that a row of the table of types describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.configs.ffn_widths import ffn_width
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.layouts import FFN_LAYERS, LAYERS, SPARSE, words_of
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.configs.refinements import (
    by_blocks,
    doubled_with_sinks,
    gated,
    indexed,
    with_sliding_heads,
)
from modelsizer.problems.architecture.configs.states import STATE_MIXERS, mamba2
from modelsizer.problems.architecture.configs.traits import choice, flag
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
    NoFeedForward,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.mixers import Mixer, Several

_XIELU_PARAMETERS = 2  # alpha_p and alpha_n, arXiv 2411.13010; transformers 5.24 activations.py


def heads_of(f: Fields, t: ModelType) -> tuple[int, int, int]:
    """Query heads, kv heads and head_dim, with the usual fallbacks.

    Raises
    ------
    ConfigError
        If kv heads do not divide heads, or heads not hidden_size where that gives head_dim.
    """
    d = f.count("hidden_size")
    h = f.count("num_attention_heads")
    # A missing number of kv heads takes the type's default; null means one per query head.
    fixed = {"multi": h, "single": 1}.get(choice(f, t.heads))
    kv = fixed or f.maybe("num_key_value_heads") or h
    if "num_key_value_heads" in t.defaults and f.null("num_key_value_heads"):
        f.notes.append(f"num_key_value_heads is null: one for each query head is taken, {h}")
    # Where the type has a head_dim of its own, null is not given.
    dim = None
    if t.head_dim != "quotient" and fixed is None:
        own = "head_dim" in t.defaults and t.head_dim != "or_quotient"
        dim = f.count("head_dim") if own else f.maybe("head_dim")
    if dim is None and d % h:
        raise ConfigError(
            f"{f.named('num_attention_heads')} = {h} does not divide {f.named('hidden_size')} = {d}"
        )
    if h % kv:
        raise ConfigError(f"num_key_value_heads = {kv} does not divide num_attention_heads = {h}")
    return h, kv, dim or d // h


def window_of(f: Fields, t: ModelType) -> int | None:
    """`sliding_window`, or the field in its place; None where it has no effect."""
    used = f.flag(t.window_flag, False) if t.window_flag else True
    window = f.maybe(t.window, least=0)
    if t.window_before and (before := f.maybe(t.window_before)) is not None:
        window = before + 1
    return (window or None) if used else None


def grouped(f: Fields, t: ModelType, *, windowed: bool = False) -> FullAttention:
    """Grouped attention with the biases and norms of the type."""
    h, kv, dim = heads_of(f, t)
    return FullAttention(
        h,
        kv,
        dim,
        flag(f, t.qkv_bias),
        flag(f, t.output_bias),
        choice(f, t.qk_norm),
        window_of(f, t) if windowed else None,
        flag(f, t.sinks),
        f.count("hidden_size") // h if t.qk_norm_width == "quotient" else None,
        f.count(t.value_dim) if t.value_dim else None,
        gate=flag(f, t.gate),
        gate_bias=flag(f, t.gate_bias),
        head_gate=flag(f, t.head_gate),
    )


def windowed(f: Fields, t: ModelType) -> FullAttention:
    """Grouped attention within `sliding_window`, or what the row names in its place."""
    return grouped(f, t, windowed=True)


def _value_dim(f: Fields) -> int:
    return f.maybe("v_head_dim") or f.count("hidden_size") // f.count("num_attention_heads")


def latent(f: Fields, t: ModelType) -> LatentAttention:
    """Latent attention."""
    return LatentAttention(
        f.count("num_attention_heads"),
        f.count("kv_lora_rank"),
        f.count("qk_rope_head_dim"),
        f.count("qk_nope_head_dim"),
        f.count("v_head_dim") if "v_head_dim" in t.defaults else _value_dim(f),
        f.maybe("q_lora_rank"),
        flag(f, t.qkv_bias),
        head_gate=flag(f, t.latent.get("head_gate", False)),
    )


def beside_mamba2(f: Fields, t: ModelType) -> Mixer:
    """Grouped attention and Mamba-2 in parallel."""
    return Several((grouped(f, t), mamba2(f, t)))


MIXERS: Mapping[str, Callable[[Fields, ModelType], Mixer]] = MappingProxyType(
    {
        "grouped": grouped,
        "windowed": windowed,
        "windowed_doubled": lambda f, t: doubled_with_sinks(windowed(f, t)),
        "latent": latent,
        "indexed": lambda f, t: indexed(latent(f, t), f),
        "shared_index": lambda f, t: indexed(latent(f, t), f, shared=True),
        "gated": lambda f, t: gated(grouped(f, t), f),
        "gated_windowed": lambda f, t: gated(windowed(f, t), f),
        "gated_sliding": lambda f, t: with_sliding_heads(gated(windowed(f, t), f), f),
        "by_blocks": lambda f, t: by_blocks(grouped(f, t), f),
        "two_latents": lambda f, t: Several((latent(f, t), latent(f, t))),
        "beside_mamba2": beside_mamba2,
        **STATE_MIXERS,
    }
)
"""Builders of attention, and of what stands in its place, by the names in ``types.toml``."""


def dense(f: Fields, t: ModelType) -> FeedForward:
    """One feed-forward."""
    learned = t.activation and f.take("hidden_act", t.activation) == t.activation
    return DenseFeedForward(
        ffn_width(f, t),
        flag(f, t.gated),
        flag(f, t.ffn_bias),
        _XIELU_PARAMETERS if learned else 0,
    )


def experts(f: Fields, t: ModelType) -> FeedForward:
    """A mixture of experts, with the fields that the row names; dense if it has no expert."""
    names = t.experts
    total = f.count(names["total"], least=0 if names.get("none") else 1)
    if not total:
        f.ignore([names["active"], names["width"], names.get("shared_width", "")])
        return dense(f, t)
    width = f.count(names["width"])
    idle = (f.maybe(names["idle"], least=0) or 0) if "idle" in names else 0
    if idle:
        f.notes.append(
            f"{names['idle']} = {idle}: these experts return their input; their gate and up "
            "projections are counted, as the library holds them, and are never used"
        )
    shared = 0
    if "shared_width" in names:
        shared = f.count(names["shared_width"], least=0)
        if not shared and "shared_usual" in names:
            shared = f.count(names["shared_usual"])
    elif names.get("shared"):
        shared = width * (f.maybe(names["shared"], least=0) or 0)
    return MixtureOfExperts(
        width,
        total,
        f.routed(names["active"], names["total"], total),
        gated=flag(f, t.gated),
        shared_d_ff=shared,
        expert_bias=flag(f, names.get("expert_bias", False)),
        router_bias=flag(f, names.get("router_bias", False)),
        shared_bias=flag(f, names.get("shared_bias", False)),
        shared_gate=flag(f, names.get("shared_gate", False)),
        latent=f.maybe(names["latent"]) or 0 if "latent" in names else 0,
        latent_bias=flag(f, names.get("latent_bias", False)),
        idle_experts=idle,
    )


def no_feed_forward(f: Fields, t: ModelType) -> FeedForward:  # noqa: ARG001 - as every builder
    """No feed-forward."""
    return NoFeedForward()


def dense_twice_and_experts(f: Fields, t: ModelType) -> FeedForward:
    """Two dense feed-forwards, and a mixture beside them (LongCat-Flash, arXiv 2509.01322)."""
    return SeveralFeedForwards((dense(f, t), dense(f, t), experts(f, t)))


FEED_FORWARDS: Mapping[str, Callable[[Fields, ModelType], FeedForward]] = MappingProxyType(
    {
        "dense": dense,
        "experts": experts,
        "none": no_feed_forward,
        "dense_twice_and_experts": dense_twice_and_experts,
    }
)
"""Builders of feed-forwards, by the names in ``types.toml``."""


def stack(f: Fields, t: ModelType) -> list[Layer]:
    """The layers, in their order."""
    depth = f.layers(t.depth)
    words = words_of(f, "layer_types", depth, tuple(t.mixers)) if t.layer_types else None
    if words is None:
        words = LAYERS[t.layers](f, t, depth)
    inner = words_of(f, "mlp_layer_types", depth, tuple(t.feed_forwards)) if t.ffn_types else None
    if inner is None:
        inner = words if t.ffn_layers == "same" else FFN_LAYERS[t.ffn_layers](f, t, depth)
    norms = choice(f, t.norms)
    mixer = cache(lambda word: MIXERS[t.mixers[word]](f, t))
    ffn = cache(lambda word: FEED_FORWARDS[t.feed_forwards[word]](f, t))
    more = {SPARSE: t.experts.get("norms", 0)}
    found = [
        Layer(mixer(a), ffn(b), norms + more.get(b, 0)) for a, b in zip(words, inner, strict=True)
    ]
    return _own_heads(f, t, found) if t.layer_heads else found


def _own_heads(f: Fields, t: ModelType, layers: list[Layer]) -> list[Layer]:
    """The layers with the number of query heads that a field lists for each."""
    heads = f.list_of(t.layer_heads, int, "numbers of heads")
    if heads is None:
        return layers
    if len(heads) != len(layers):
        raise ConfigError(f"{t.layer_heads} has {len(heads)} entries for {len(layers)} layers")
    return [
        replace(layer, attention=replace(layer.attention, heads=own))
        if isinstance(layer.attention, FullAttention)
        else layer
        for layer, own in zip(layers, heads, strict=True)
    ]


def _tied(f: Fields, t: ModelType) -> bool:
    """Whether the head is the embedding; some classes of the library cannot tie it."""
    tied = f.flag("tie_word_embeddings")
    if tied and not t.ties:
        f.notes.append(f"tie_word_embeddings is true, but {t.name} of the library ties no head")
    return tied and t.ties


def trunk(f: Fields, t: ModelType) -> Trunk:
    """Embedding, final norm and head."""
    return Trunk(
        f.count("hidden_size"),
        f.count("vocab_size"),
        _tied(f, t),
        flag(f, t.norm_bias),
        f.count(t.positions) if t.positions else 0,
        norm_scale=flag(f, t.norm_scale),
        head_bias=flag(f, t.head_bias),
    )


def decoder(f: Fields, t: ModelType) -> Architecture:
    """Read a configuration of a type that a row describes."""
    return Architecture.of_layers(trunk(f, t), stack(f, t))
