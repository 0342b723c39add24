"""Reader of Gemma 4's text model: two kinds of head, shared caches, embeddings of each layer."""

from __future__ import annotations

from collections.abc import Mapping

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.layouts import FULL, LAYERS, SLIDING, words_of
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.errors import short

_NORMS = 4  # around attention and feed-forward
_NORMS_OF_EXPERTS = 3  # before the mixture, and after it and the feed-forward beside it


_BY_LAYER = "per_layer_config"
_HEAD_FIELDS = ("head_dim", "num_key_value_heads")


def _by_layer(f: Fields, depth: int) -> dict[int, dict[str, int]] | None:
    """Heads of the layers that `per_layer_config` lists, as transformers 5.24 writes it.

    Raises
    ------
    ConfigError
        If it lists anything else.
    """
    listed = f.take(_BY_LAYER)
    if listed is None:
        return None
    found = {}
    for key, own in listed.items() if isinstance(listed, Mapping) else [("", listed)]:
        number = int(key) if str(key).isdecimal() else depth
        if number >= depth or not isinstance(own, Mapping) or not set(own) <= set(_HEAD_FIELDS):
            raise ConfigError(
                f"{_BY_LAYER}: {short({key: own})} is not counted; only {', '.join(_HEAD_FIELDS)} "
                f"of layers 0 to {depth - 1}"
            )
        fields = Fields(own, {})
        found[number] = {name: fields.count(name) for name in own}
    return found


def _heads(f: Fields, kind: str, own: Mapping[str, int] | None) -> tuple[int, int]:
    """Kv heads and head_dim of a layer: its own if given, else those of its kind."""
    kv, dim = f.count("num_key_value_heads"), f.count("head_dim")
    if own is not None:
        return own.get("num_key_value_heads", kv), own.get("head_dim", dim)
    if kind != FULL:
        return kv, dim
    if f.flag("attention_k_eq_v", False):
        kv = f.maybe("num_global_key_value_heads") or kv
    return kv, f.count("global_head_dim")


def _attention(
    f: Fields, kind: str, own: Mapping[str, int] | None, *, shares: bool
) -> FullAttention:
    """Attention of one kind of layer; full attention has heads of its own.

    Raises
    ------
    ConfigError
        If kv heads do not divide heads.
    """
    full = kind == FULL
    same = full and f.flag("attention_k_eq_v", False)
    kv, dim = _heads(f, kind, own)
    heads, bias = f.count("num_attention_heads"), f.flag("attention_bias", False)
    if heads % kv:
        raise ConfigError(f"{kv} kv heads of {kind} do not divide num_attention_heads = {heads}")
    window = f.maybe("sliding_window")
    if window and f.take("use_bidirectional_attention") == "all":
        window = window // 2 + 1
    return FullAttention(
        heads,
        kv,
        dim,
        bias,
        bias,
        "head",
        None if full else window,
        shares_cache=shares,
        value_is_key=same,
    )


def _feed_forward(f: Fields, *, shares: bool) -> FeedForward:
    """A feed-forward, twice as wide in some layers, and the mixture beside it."""
    wide = shares and f.flag("use_double_wide_mlp", False)
    dense = DenseFeedForward(f.count("intermediate_size") * (2 if wide else 1))
    if not f.flag("enable_moe_block", False):
        f.ignore(["num_experts", "top_k_experts", "moe_intermediate_size"])
        return dense
    total = f.count("num_experts")
    active = f.routed("top_k_experts", "num_experts", total)
    # The bias is the scale of each expert.
    moe = MixtureOfExperts(f.count("moe_intermediate_size"), total, active, router_bias=True)
    return SeveralFeedForwards((dense, moe))


def _words(f: Fields, t: ModelType, depth: int) -> list[str]:
    """Kinds of the layers; the last is full attention whatever the configuration says."""
    words = words_of(f, "layer_types", depth, (FULL, SLIDING)) or LAYERS[t.layers](f, t, depth)
    if words[-1] != FULL:
        f.notes.append("the last layer is taken as full_attention, as the library takes it")
    return [*words[:-1], FULL]


def gemma4(f: Fields, t: ModelType) -> Architecture:
    """Read a configuration of ``model_type = "gemma4_text"``.

    Raises
    ------
    ConfigError
        If the last layers share a cache that none before them holds.
    """
    d, depth = f.count("hidden_size"), f.layers("num_hidden_layers")
    words = _words(f, t, depth)
    own = depth - f.count("num_kv_shared_layers", least=0)
    if 0 < own < depth and set(words[:own]) != set(words):
        raise ConfigError(f"num_kv_shared_layers = {depth - own}: no layer before holds the cache")
    width = f.maybe("hidden_size_per_layer_input", least=0) or 0
    routed, by_layer = f.flag("enable_moe_block", False), _by_layer(f, depth)
    layers = [
        Layer(
            _attention(f, word, None if by_layer is None else by_layer.get(i, {}), shares=i >= own),
            _feed_forward(f, shares=i >= own),
            _NORMS + (width > 0) + routed * _NORMS_OF_EXPERTS,
            extra_weights=2 * d * width,
            extra_parameters=d * routed,  # the scale of the router's input
        )
        for i, word in enumerate(words)
    ]
    table = f.count("vocab_size_per_layer_input")
    trunk = Trunk(
        d,
        f.count("vocab_size"),
        f.flag("tie_word_embeddings"),
        extra_embedding=table * depth * width,
        extra_weights=d * depth * width,
        extra_parameters=width,  # the norm of what is projected for the layers
    )
    return Architecture.of_layers(trunk, layers)
