"""The space: every architecture that may be built, as tables of width options.

A *width option* is everything but the depth: block, vocabulary, widths and heads. Divisibility
and the aspect rule are applied while options are made, so no design ever breaks them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from problems.blocks import BLOCKS
from problems.errors import did_you_mean
from problems.menus import (
    MAX_VALUE,
    Choice,
    Interval,
    Menu,
    Written,
    WrittenValue,
    arithmetic_runs,
    choice_parser,
    integers,
    interval_parser,
)
from problems.units import exact

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
            raise ValueError(f"unknown block {name!r}{hint}; known: {', '.join(BLOCKS)}")
    return tuple(names) if isinstance(value, list | tuple) else str(value)


def _read_flags(value: object) -> tuple[bool, ...] | bool:
    flags = _entries(value)
    if not flags:
        raise ValueError("the menu is empty; write true, false or [true, false]")
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError(f"{value!r} is not true, false or a list of them")
    return tuple(flags) if isinstance(value, list | tuple) else bool(value)


_read_aspects = choice_parser("aspect_ratio", whole=False)
_read_aspect_interval = interval_parser("count")


def _read_aspect(value: object) -> Menu | Interval:
    """A range limits d_model / layers; a number or a list allows just these ratios."""
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
    """What may be built; ``[space]`` of a problem file.

    Every whole-number key takes a number, a list or ``{min, max, step}``.

    Parameters
    ----------
    layers, d_model, vocab_size
        Depth, width (ranges step by 128 unless told), rows of the embedding.
    head_dim, heads
        With neither, head_dim is 128. With `head_dim` alone heads = d_model / head_dim, and with
        `heads` alone head_dim = d_model / heads, widths that do not divide being left out. Both
        together lift ``heads x head_dim = d_model``.
    kv_heads, kv_group
        Key and value heads, or query heads for each of them; those that do not divide the heads
        are left out. With neither, one for each query head.
    d_ff, ffn_ratio, ffn_multiple
        Hidden width, or ratio x d_model to the nearest multiple (ties up). With neither, a ratio
        of 8/3 for a gated block and 4 for a plain one.
    tied_embeddings, block
        A value, or a list to choose from.
    aspect_ratio
        Limits ``{min, max}`` of d_model / layers, inclusive; or a list of the ratios allowed.
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


@dataclass(frozen=True, slots=True)
class Options:
    """A table of width options, one row each; every array has shape (W,).

    Depths of row i are ``start[i] + step[i] * j`` for j = 0 ... count[i] - 1. A menu of depths
    without an even step, or of several aspect ratios, takes several rows for each option.

    Parameters
    ----------
    block : str
        The block that all rows share.
    d_model, heads, kv_heads, head_dim, d_ff, vocab_size, tied, start, step, count : array of int64
    """

    block: str
    d_model: Ints
    heads: Ints
    kv_heads: Ints
    head_dim: Ints
    d_ff: Ints
    vocab_size: Ints
    tied: Ints
    start: Ints
    step: Ints
    count: Ints

    def __len__(self) -> int:
        return len(self.d_model)

    def take(self, rows: NDArray[Any]) -> Options:
        """The rows at these positions, or where this mask holds."""
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "block"}
        return Options(self.block, **arrays)

    @property
    def designs(self) -> int:
        """How many designs the rows hold."""
        return int(self.count.sum())


def _listed(value: Any) -> list[Any]:
    return sorted(set(value)) if isinstance(value, tuple) else [value]


def _head_pairs(space: Space, d_model: Ints) -> tuple[Ints, Ints, Ints]:
    """Row of d_model, heads and head_dim of every geometry that divides."""
    if space.heads is not None and space.head_dim is not None:
        grid = np.meshgrid(
            np.arange(len(d_model)), integers(space.heads), integers(space.head_dim), indexing="ij"
        )
        return grid[0].ravel(), grid[1].ravel(), grid[2].ravel()
    given = space.heads if space.heads is not None else space.head_dim
    menu = integers(given) if given is not None else np.array([DEFAULT_HEAD_DIM], dtype=np.int64)
    row, divisor = (g.ravel() for g in np.meshgrid(np.arange(len(d_model)), menu, indexing="ij"))
    keep = d_model[row] % divisor == 0
    row, divisor = row[keep], divisor[keep]
    other = d_model[row] // divisor
    return (row, divisor, other) if space.heads is not None else (row, other, divisor)


def _kv_heads(space: Space, heads: Ints) -> tuple[Ints, Ints]:
    """Row of heads and kv_heads that divide them."""
    rows = np.arange(len(heads))
    if space.kv_heads is None and space.kv_group is None:
        return rows, heads
    grouped = space.kv_group is not None
    given = space.kv_group if space.kv_group is not None else space.kv_heads
    assert given is not None
    menu = integers(given)
    row, divisor = (g.ravel() for g in np.meshgrid(rows, menu, indexing="ij"))
    keep = heads[row] % divisor == 0
    row, divisor = row[keep], divisor[keep]
    return row, (heads[row] // divisor if grouped else divisor)


def _d_ff(space: Space, d_model: Ints, gated: bool) -> tuple[Ints, Ints]:
    """Row of d_model and hidden width."""
    rows = np.arange(len(d_model))
    if space.d_ff is not None:
        row, width = np.meshgrid(rows, integers(space.d_ff), indexing="ij")
        return row.ravel(), width.ravel()
    ratios = (
        [exact(r) for r in space.ffn_ratio.numbers]
        if space.ffn_ratio is not None
        else [DEFAULT_GATED_RATIO if gated else DEFAULT_PLAIN_RATIO]
    )
    multiples = (
        space.ffn_multiple.numbers if space.ffn_multiple is not None else [DEFAULT_FFN_MULTIPLE]
    )
    columns = [
        _for_each(d_model, partial(_nearest, ratio, int(multiple)))
        for ratio in ratios
        for multiple in multiples
    ]
    return np.repeat(rows, len(columns)), np.stack(columns, axis=1).ravel()


def _nearest(ratio: Fraction, multiple: int, d_model: int) -> int:
    """Ratio x d_model to the nearest multiple, ties up."""
    return math.floor(ratio * d_model / multiple + Fraction(1, 2)) * multiple


def _depth_of(aspect: Fraction, d_model: int) -> int:
    """The depth of exactly this aspect, 0 if there is none."""
    depth = d_model / aspect
    return depth.numerator if depth.denominator == 1 else 0


def _least_depth(aspect: Fraction, d_model: int) -> int:
    """The least depth whose aspect is not above this."""
    return math.ceil(d_model / aspect)


def _most_depth(aspect: Fraction, d_model: int) -> int:
    """The greatest depth whose aspect is not below this."""
    return math.floor(d_model / aspect)


def _for_each(d_model: Ints, function: Callable[[int], int]) -> Ints:
    """A function of exact numbers for each width; ratios have too many digits for int64."""
    widths, at = np.unique(d_model, return_inverse=True)
    values = np.array([min(function(int(d)), MAX_VALUE) for d in widths], dtype=np.int64)
    found: Ints = values[at]
    return found


def _parallel(kv_heads: Ints, heads: Ints, d_ff: Ints, ways: int) -> NDArray[np.bool_]:
    """Whether tensor parallelism divides everything; kv heads may be replicated instead."""
    kv = (kv_heads % ways == 0) | (ways % kv_heads == 0)
    divides: NDArray[np.bool_] = (heads % ways == 0) & kv & (d_ff % ways == 0)
    return divides


def _depths(space: Space, d_model: Ints) -> list[tuple[Ints, Ints, Ints, Ints]]:
    """Rows of d_model with start, step and count of their depths; one entry for each run."""
    aspect = space.aspect_ratio
    rows = np.arange(len(d_model))
    if isinstance(aspect, Menu):
        depths = integers(space.layers)
        found = []
        for ratio in aspect.numbers:
            r = exact(ratio)
            layers = _for_each(d_model, partial(_depth_of, r))
            keep = rows[np.isin(layers, depths)]
            one = np.ones(len(keep), dtype=np.int64)
            found.append((keep, layers[keep], one, one))
        return found
    found = []
    for start, step, count in arithmetic_runs(tuple(int(v) for v in space.layers.numbers)):
        first, last = np.zeros(len(d_model), dtype=np.int64), np.full(len(d_model), count - 1)
        if isinstance(aspect, Interval):
            if aspect.max is not None:  # layers >= d_model / max
                top = exact(aspect.max)
                least = _for_each(d_model, partial(_least_depth, top))
                first = np.maximum(first, -(-(least - start) // step))
            if aspect.min is not None:  # layers <= d_model / min
                low = exact(aspect.min)
                most = _for_each(d_model, partial(_most_depth, low))
                last = np.minimum(last, (most - start) // step)
        keep = rows[first <= last]
        found.append(
            (
                keep,
                start + step * first[keep],
                np.full(len(keep), step, dtype=np.int64),
                (last - first + 1)[keep],
            )
        )
    return found


def _unique_rows(*columns: Ints) -> list[Ints]:
    """Each distinct row once, in ascending order of the columns."""
    stacked = np.stack(columns, axis=1)
    order = np.lexsort(stacked.T[::-1])
    stacked = stacked[order]
    fresh = np.ones(len(stacked), dtype=bool)
    fresh[1:] = (stacked[1:] != stacked[:-1]).any(axis=1)
    return list(stacked[fresh].T)


_WIDTH_NAMES = ("d_model", "heads", "kv_heads", "head_dim", "d_ff")


def _widths(
    space: Space, block: str, d_model: Ints, tensor_parallel: tuple[int, ...]
) -> list[Ints]:
    """Distinct (d_model, heads, kv_heads, head_dim, d_ff) of some widths."""
    row, heads, head_dim = _head_pairs(space, d_model)
    of_heads, kv_heads = _kv_heads(space, heads)
    row, heads, head_dim = row[of_heads], heads[of_heads], head_dim[of_heads]
    of_width, d_ff = _d_ff(space, d_model[row], BLOCKS[block].gated)
    row, heads, head_dim, kv_heads = (a[of_width] for a in (row, heads, head_dim, kv_heads))
    keep = d_ff > 0
    for ways in tensor_parallel:
        keep &= _parallel(kv_heads, heads, d_ff, ways)
    columns = [a[keep] for a in (d_model[row], heads, kv_heads, head_dim, d_ff)]
    return _unique_rows(*columns) if keep.any() else columns


def options(
    space: Space, tensor_parallel: tuple[int, ...] = (), rows_at_once: int = 200_000
) -> Iterator[Options]:
    """All width options, in tables of bounded size.

    Parameters
    ----------
    space : Space
    tensor_parallel : tuple of int
        Ways that heads, kv_heads (or their replicas), d_ff and vocabulary must divide by.
    rows_at_once : int
        Rows of a table, roughly: a table holds at least one whole d_model.

    Yields
    ------
    Options
        Never an empty one. No design appears twice.
    """
    all_widths = integers(space.d_model)
    vocabularies = [
        v for v in integers(space.vocab_size) if all(v % t == 0 for t in tensor_parallel)
    ]
    menus = (space.heads, space.head_dim, space.kv_heads, space.kv_group, space.d_ff)
    each = 1
    for menu in (*menus, space.ffn_ratio, space.ffn_multiple):
        each *= len(menu.numbers) if menu is not None else 1
    at_once = max(1, rows_at_once // each)
    for block in _listed(space.block):
        for begin in range(0, len(all_widths), at_once):
            columns = _widths(space, block, all_widths[begin : begin + at_once], tensor_parallel)
            for keep, start, step, count in _depths(space, columns[0]):
                if not len(keep):
                    continue
                kept = [column[keep] for column in columns]
                for vocabulary in vocabularies:
                    for tied in _listed(space.tied_embeddings):
                        vocab_size = np.full(len(keep), vocabulary)
                        flags = np.full(len(keep), int(tied))
                        widths = dict(zip(_WIDTH_NAMES, kept, strict=True))
                        yield Options(
                            block,
                            **widths,
                            vocab_size=vocab_size,
                            tied=flags,
                            start=start,
                            step=step,
                            count=count,
                        )
