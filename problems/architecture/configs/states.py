"""Builders of mixers that hold a state; a row's table `linear` names their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.configs.traits import flag, size
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import Mixer, NoAttention
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2

AUTO = "auto"
_RANK = 16  # of Mamba's time step: d_model / 16, rounded up (arXiv 2312.00752, section 3.6)


def mamba(f: Fields, t: ModelType) -> Mixer:
    """Mamba."""
    names, d = t.linear, f.count("hidden_size")
    rank = -(-d // _RANK) if f.take(names["rank"], AUTO) == AUTO else f.count(names["rank"])
    return Mamba(
        f.count(names["expand"]) * d,
        f.count(names["state"]),
        rank,
        f.count(names["conv"]),
        flag(f, names.get("conv_bias", False)),
        flag(f, names.get("bias", False)),
        flag(f, names.get("inner_norms", False)),
    )


def _channels(f: Fields, names: Mapping[str, Any]) -> int | None:
    """Channels of Mamba-2, of which the heads must make up all; None if only these say them."""
    if "inner" in names and (given := f.maybe(names["inner"])) is not None:
        return given
    return f.count(names["expand"]) * f.count("hidden_size") if "expand" in names else None


def mamba2(f: Fields, t: ModelType) -> Mixer:
    """Mamba-2.

    Raises
    ------
    ConfigError
        If its heads do not make up its channels.
    """
    names = t.linear
    heads, channels = f.count(names["heads"]), _channels(f, names)
    width = names.get("head_dim")
    if channels is None:
        head_dim = f.count(names["head_dim"])
    elif channels % heads:
        raise ConfigError(
            f"{f.named(names['heads'])} = {heads} does not divide {channels} channels"
        )
    else:
        head_dim = channels // heads
        if width is not None and f.take(width, AUTO) != AUTO and f.count(width) != head_dim:
            raise ConfigError(
                f"{f.named(names['heads'])} x {f.named(width)} is not the {channels} channels"
            )
    return Mamba2(
        heads,
        head_dim,
        f.count(names["state"]),
        f.count(names["groups"]),
        f.count(names["conv"]),
        flag(f, names.get("conv_bias", False)),
        flag(f, names.get("bias", False)),
        flag(f, names.get("output_bias", names.get("bias", False))),
        flag(f, names.get("gated_norm", True)),
    )


def gated_deltanet(f: Fields, t: ModelType) -> Mixer:
    """Gated delta rule, with what a row's `linear` does not say as the type's attention has it."""
    names = t.linear
    key_heads = f.maybe(names["key_heads"]) or f.count("num_attention_heads")
    value_heads = f.maybe(names["value_heads"]) or f.count("num_attention_heads")
    # OLMo Hybrid: three quarters of d_model for the keys, and twice as wide values.
    key_dim = f.maybe(names["key_dim"]) or 3 * f.count("hidden_size") // (4 * key_heads)
    value_dim = f.maybe(names["value_dim"]) or 2 * key_dim
    return GatedDeltaNet(key_heads, value_heads, key_dim, value_dim, f.count(names["conv"]))


_KIMI = {"heads": "num_heads", "head_dim": "head_dim", "conv": "short_conv_kernel_size"}
"""Names in `linear_attn_config` of Kimi Linear's published files."""


def kimi_delta(f: Fields, t: ModelType) -> Mixer:
    """Kimi Delta Attention: heads, their width and taps, from a nested table where there is one."""
    nested = f.take("linear_attn_config")
    inner = Fields(nested if isinstance(nested, Mapping) else {}, {})
    heads, head_dim, conv = (
        inner.count(own) if inner.written(own) else f.count(t.linear[name])
        for name, own in _KIMI.items()
    )
    rank = head_dim if t.linear.get("ranks") else 0
    return GatedDeltaNet(heads, heads, head_dim, head_dim, conv, True, rank, rank)


def lightning(f: Fields, t: ModelType) -> Mixer:  # noqa: ARG001 - as every builder
    """Lightning attention, with the heads of the attention."""
    heads = f.count("num_attention_heads")
    return LightningAttention(heads, f.maybe("head_dim") or f.count("hidden_size") // heads)


def convolution(f: Fields, t: ModelType) -> Mixer:
    """Short convolution over d_model."""
    names = t.linear
    return ShortConvolution(f.count("hidden_size"), f.count(names["conv"]), flag(f, names["bias"]))


def recurrence(f: Fields, t: ModelType) -> Mixer:
    """Gated linear recurrence.

    Raises
    ------
    ConfigError
        If its blocks do not divide its width.
    """
    names = t.linear
    inner = f.maybe(names["inner"]) or f.count("hidden_size")
    blocks = size(f, names["blocks"])
    if inner % blocks:
        raise ConfigError(f"{f.named(names['blocks'])} = {blocks} does not divide {inner} channels")
    return GatedRecurrence(inner, blocks, f.count(names["conv"]))


def none(f: Fields, t: ModelType) -> Mixer:  # noqa: ARG001 - as every builder
    """No mixer."""
    return NoAttention()


STATE_MIXERS: Mapping[str, Callable[[Fields, ModelType], Mixer]] = MappingProxyType(
    {
        "mamba": mamba,
        "mamba2": mamba2,
        "gated_deltanet": gated_deltanet,
        "kimi_delta": kimi_delta,
        "lightning": lightning,
        "convolution": convolution,
        "recurrence": recurrence,
        "none": none,
    }
)
"""Builders of mixers without scores, by the names in ``types.toml``."""
