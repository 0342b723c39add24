"""Hidden widths of feed-forwards that a type derives from its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import ModelType


def _half(f: Fields, _: ModelType) -> int:
    """Half of `intermediate_size` (RecurrentGemma)."""
    return f.count("intermediate_size", least=2) // 2


def _default_of_four(f: Fields, _: ModelType) -> int:
    """`intermediate_size`, or four times d_model (Zamba2)."""
    return f.maybe("intermediate_size", least=0) or 4 * f.count("hidden_size")


def _adjusted(f: Fields, _: ModelType) -> int:
    """`intermediate_size`, unless two thirds of it, times a factor, up to a multiple (LFM2)."""
    width = f.count("intermediate_size")
    if not f.flag("block_auto_adjust_ff_dim"):
        return width
    width = int(2 * width / 3)
    factor = f.take("block_ffn_dim_multiplier")
    if f.null("block_ffn_dim_multiplier"):
        return width
    if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
        raise ConfigError(f"block_ffn_dim_multiplier must be a positive number, got {factor!r}")
    multiple = f.count("block_multiple_of")
    return -(-int(factor * width) // multiple) * multiple


FFN_WIDTHS: Mapping[str, Callable[[Fields, ModelType], int]] = MappingProxyType(
    {"half": _half, "default_of_four": _default_of_four, "adjusted": _adjusted}
)
"""Rules by the names in ``types.toml``."""


def ffn_width(f: Fields, t: ModelType) -> int:
    """Hidden width of a dense feed-forward, by a rule or by the field that the row names."""
    name = t.dense_width
    if (rule := FFN_WIDTHS.get(name)) is not None:
        return rule(f, t)
    if width := f.count(name) if name in t.defaults else f.maybe(name):
        return width
    return t.ffn_ratio * f.count("hidden_size") if t.ffn_ratio else f.count("intermediate_size")
