"""The space: every architecture that may be selected, as tables of width options.

A *width option* is everything except the depth: block, vocabulary, widths and heads. Divisibility
and the aspect limits apply when options are created, so every design satisfies them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.tables.menus import (
    Choice,
    Interval,
    Menu,
    Written,
    WrittenValue,
    choice_parser,
    interval_parser,
)

Ints = NDArray[np.int64]

DEFAULT_D_MODEL_STEP = 128
DEFAULT_HEAD_DIM = 128
DEFAULT_FFN_MULTIPLE = 256  # Llama's multiple_of (arXiv 2302.13971, reference code)
# Shazeer 2020 (arXiv 2002.05202) scales a gated feed-forward by 2/3 to keep its parameters.
DEFAULT_GATED_RATIO = Fraction(8, 3)
DEFAULT_PLAIN_RATIO = Fraction(4)


def _entries(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _read_names(value: object) -> tuple[str, ...] | str:
    names = _entries(value)
    if not names:
        raise ValueError("the menu is empty; list at least one block")
    for name in names:
        if not isinstance(name, str) or name not in BLOCKS:
            hint = did_you_mean(str(name), BLOCKS)
            raise ValueError(f"unknown block {short(name)}{hint}; known: {', '.join(BLOCKS)}")
    return tuple(names) if isinstance(value, list | tuple) else str(value)


def _read_flags(value: object) -> tuple[bool, ...] | bool:
    flags = _entries(value)
    if not flags:
        raise ValueError("the menu is empty; write true, false or [true, false]")
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError(f"{short(value)} is not true, false or a list of them")
    return tuple(flags) if isinstance(value, list | tuple) else bool(value)


_read_aspects = choice_parser("aspect_ratio", whole=False)
_read_aspect_interval = interval_parser("count")


def _read_aspect(value: object) -> Menu | Interval:
    """An interval limits d_model / layers; a number or a list gives the allowed ratios."""
    if isinstance(value, Interval) or hasattr(value, "keys"):
        return _read_aspect_interval(value)
    menu = _read_aspects(value)
    assert isinstance(menu, Menu)
    return menu


def _as_list(value: Any) -> object:
    return list(value) if isinstance(value, tuple) else value


def _choice(what: str, *, whole: bool = True, step: int | None = 1) -> WrittenValue:
    return WrittenValue(choice_parser(what, whole=whole, default_step=step))


class Space(BaseModel):
    """The designs that may be selected; ``[space]`` of a problem file.

    Every whole-number key takes a number, a list or ``{min, max, step}``.

    Parameters
    ----------
    layers, d_model, vocab_size
        Depth, width (with a default step of 128 in ranges), rows of the embedding.
    head_dim, heads
        With neither, head_dim is 128. With `head_dim` alone heads = d_model / head_dim, and with
        `heads` alone head_dim = d_model / heads; widths that are not divisible are left out. With
        both, ``heads x head_dim`` need not equal d_model.
    kv_heads, kv_group
        Key and value heads, or query heads per kv head; values that do not divide the heads are
        left out. With neither, one kv head per query head.
    d_ff, ffn_ratio, ffn_multiple
        Hidden width, or a ratio times d_model rounded to the nearest multiple (ties up). With
        neither, a ratio of 8/3 for a gated block and 4 for a plain one.
    tied_embeddings, block
        A value, or a list to choose from.
    aspect_ratio
        Limits ``{min, max}`` of d_model / layers, inclusive; or a list of the allowed ratios.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    layers: Annotated[Choice, _choice("layers")]
    d_model: Annotated[Choice, _choice("d_model", step=DEFAULT_D_MODEL_STEP)]
    head_dim: Annotated[Choice | None, _choice("head_dim")] = None
    heads: Annotated[Choice | None, _choice("heads")] = None
    kv_heads: Annotated[Choice | None, _choice("kv_heads")] = None
    kv_group: Annotated[Choice | None, _choice("kv_group")] = None
    d_ff: Annotated[Choice | None, _choice("d_ff")] = None
    ffn_ratio: Annotated[Choice | None, _choice("ffn_ratio", whole=False, step=None)] = None
    ffn_multiple: Annotated[Choice | None, _choice("ffn_multiple")] = None
    vocab_size: Annotated[Choice, _choice("vocab_size")]
    tied_embeddings: Annotated[
        bool | tuple[bool, ...], BeforeValidator(_read_flags), PlainSerializer(_as_list)
    ] = False
    block: Annotated[
        str | tuple[str, ...], BeforeValidator(_read_names), PlainSerializer(_as_list)
    ] = "llama"
    aspect_ratio: Annotated[Written | None, WrittenValue(_read_aspect)] = None
