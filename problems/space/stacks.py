"""Stacks: which structures a space offers, and how many layers of each kind a design may have.

Numbers of layers are listed once: two periods of full layers that give a depth the same numbers
are one design. They are returned as rows of depths that are affine in one axis: the full layers
of L are ``floor(L / n)``, which is affine on each residue of L modulo n. Where the number of full
layers is free, rows have two axes, full layers and others, over rectangles that cover what the
depths allow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Between, FullKind, Structure
from modelsizer.problems.tables.menus import arithmetic_runs, integers
from modelsizer.problems.tables.space import Space

Ints = NDArray[np.int64]

BESIDE_LATENT: tuple[Between, ...] = ("", "gated-deltanet")
"""What latent attention goes with: a window of latents is no published attention."""


def listed(value: Any) -> list[Any]:
    """Return the distinct entries of a menu that is not a range, in order."""
    return sorted(set(value)) if isinstance(value, tuple) else [value]


def structures(space: Space) -> tuple[Structure, ...]:
    """Return the structures that some design of a space may have."""
    return tuple(
        Structure(block, attention, between, dense, experts)
        for block in listed(space.block)
        for attention in attentions(space, block)
        for between in _betweens(space, block)
        for dense, experts in feed_forwards(space)
        if attention == "grouped" or between in BESIDE_LATENT
    )


def _betweens(space: Space, block: str) -> Iterator[Between]:
    """Yield what may stand between full layers, first nothing where all layers may be full."""
    if space.full_layers is not None:
        alone, others = True, True
    else:
        alone, others = 1 in periods(space, block), max(periods(space, block)) > 1
    if alone:
        yield ""
    for kind in between(space, block) if others else ():
        if kind != "window" or len(windows(space, block)):
            yield kind


def feed_forwards(space: Space) -> Iterator[tuple[bool, bool]]:
    """Yield whether layers are dense, and whether layers have experts."""
    routed = [0] if space.experts is None else [int(n) for n in space.experts.routed.numbers]
    if 0 in routed:
        yield True, False
    if space.experts is not None and max(routed) > 0:
        dense = [int(n) for n in space.experts.dense_layers.numbers]
        if 0 in dense:
            yield False, True
        if max(dense) > 0:
            yield True, True


def attentions(space: Space, block: str) -> tuple[FullKind, ...]:
    """Return the attentions that full layers may have."""
    return tuple(listed(space.attention or BLOCKS[block].attention))


def between(space: Space, block: str) -> tuple[Between, ...]:
    """Return what may stand between full layers if some are not full."""
    return tuple(listed(space.between or BLOCKS[block].others))


def periods(space: Space, block: str) -> tuple[int, ...]:
    """Return the menu of `full_every`: that of the space, or the pattern of the block.

    A published window that no context exceeds does nothing, so all layers are full then.
    """
    if space.full_every is None:
        idle = between(space, block) == ("window",) and not len(windows(space, block))
        return (1 if idle else BLOCKS[block].full_every,)
    return tuple(int(n) for n in space.full_every.numbers)


def windows(space: Space, block: str) -> Ints:
    """Return the windows that are shorter than some context, ascending."""
    if space.window is None:
        published = BLOCKS[block].window
        menu = np.array([published] if published else [], dtype=np.int64)
    else:
        menu = integers(space.window)
    return menu[menu < space.longest_context]


def stacks(space: Space, structure: Structure) -> Depths:
    """Return the numbers of layers that designs of a structure may have.

    Each stack is in one row once. A kind of layer has layers either in every stack of a row or in
    none.

    Parameters
    ----------
    space : Space
    structure : Structure
        One of `structures`.

    Returns
    -------
    Depths
        Empty if no depth of the space allows the structure.
    """
    if space.full_layers is not None and structure.between and structure.feed_forwards == 1:
        return _planes(tuple(space.layers.numbers), tuple(space.full_layers.numbers))
    return stacks_by_pattern(space, structure)[0]


def stacks_by_pattern(space: Space, structure: Structure) -> tuple[Depths, Ints, Ints]:
    """Return stacks in rows of one axis, with the pattern and the dense layers that give each.

    Patterns are those of `patterns`; of several that give the same stacks the first is returned.
    """
    return _stacks(
        tuple(arithmetic_runs(space.layers.numbers)),
        structure,
        patterns(space, structure),
        space.full_layers is not None,
        dense_counts(space, structure),
    )


def patterns(space: Space, structure: Structure) -> tuple[int, ...]:
    """Periods, or numbers of full layers, that a structure may have; 1 if all layers are full."""
    if space.full_layers is not None:
        return tuple(int(n) for n in space.full_layers.numbers)
    if not structure.between:
        return (1,)
    return tuple(n for n in periods(space, structure.block) if n > 1)


def dense_counts(space: Space, structure: Structure) -> tuple[int, ...]:
    """Numbers of first layers that are dense beside layers of experts."""
    if not (structure.dense and structure.experts):
        return (0,)
    assert space.experts is not None
    return tuple(int(n) for n in space.experts.dense_layers.numbers if n > 0)


@lru_cache(maxsize=64)
def _stacks(
    runs: tuple[tuple[int, int, int], ...],
    structure: Structure,
    patterns: tuple[int, ...],
    numbered: bool,
    dense: tuple[int, ...],
) -> tuple[Depths, Ints, Ints]:
    if not structure.between and not numbered and dense == (0,):
        start, step, count = (np.array(part, dtype=np.int64) for part in zip(*runs, strict=True))
        return Depths.uniform(start, step, count), np.ones_like(start), np.zeros_like(start)
    layers = np.concatenate([start + step * np.arange(count) for start, step, count in runs])
    rows: list[tuple[Ints, Ints, int]] = []
    of: list[tuple[int, int]] = []
    seen: set[tuple[int, ...]] = set()
    for pattern, first in product(patterns, dense):
        found = _of_pattern(structure, layers, pattern, first, numbered)
        fresh = [i for i, row in enumerate(found.tolist()) if (*row,) not in seen]
        found = found[fresh]
        seen.update((*row,) for row in found.tolist())
        rows += _affine_rows(found, 1 if numbered else pattern)
        of += [(pattern, first)] * (len(rows) - len(of))
    if not rows:
        none = np.zeros((0, structure.kinds_of_layer), dtype=np.int64)
        return Depths(none, none[:, :, None], none[:, :1]), none[:, 0], none[:, 0]
    start = np.stack([each for each, _, _ in rows])
    step = np.stack([each for _, each, _ in rows])[:, :, None]
    depths = Depths(start, step, np.array([[n] for _, _, n in rows], dtype=np.int64))
    return depths, *np.array(of, dtype=np.int64).T


@lru_cache(maxsize=64)
def _planes(layers: tuple[int, ...], full: tuple[int, ...]) -> Depths:
    """Return rows of full layers and others, either free within a rectangle."""
    found: list[tuple[list[int], list[int], list[int]]] = []
    for least, step, count in arithmetic_runs(layers):
        for fewest, apart, many in arithmetic_runs(full):
            # Full layers of one residue modulo the step leave others of one residue.
            period = math.lcm(step, apart)
            for first in range(fewest, min(fewest + period, fewest + apart * many), apart):
                at = np.arange(first, fewest + apart * many, period)
                low, high = (least - at), (least + step * (count - 1) - at)
                low = np.maximum(low, (low - 1) % step + 1)  # at least one other layer
                rest = int(low[0] % step)
                bounds = (low - rest) // step, (high - rest) // step
                for begin, end, one, last in _rectangles(*bounds):
                    start = [int(at[begin]), rest + step * one]
                    found.append((start, [period, step], [end - begin, last - one + 1]))
    rows = np.array(found, dtype=np.int64).reshape(-1, 3, 2)
    return Depths(rows[:, 0], rows[:, 1, :, None] * np.eye(2, dtype=np.int64), rows[:, 2])


def _rectangles(low: Ints, high: Ints) -> Iterator[tuple[int, int, int, int]]:
    """Cover the integers between two bounds by rectangles, each once.

    Parameters
    ----------
    low, high : array of shape (n,)
        Inclusive ends of each column; an empty one has low > high.

    Yields
    ------
    begin, end, least, most : int
        Columns ``begin <= i < end``, and the integers from `least` to `most` in each.
    """
    some = np.flatnonzero(low <= high)
    if not len(some):
        return
    begin, end = int(some[0]), int(some[-1]) + 1
    here = slice(begin, end)
    least, most = int(low[here].max()), int(high[here].min())
    middle = (begin + end + 1) // 2
    parts = [(begin, middle, low, high), (middle, end, low, high)]
    # A rectangle of less than half is a slice of a triangle, of which there would be thousands.
    half = int((high[here] - low[here] + 1).sum()) <= 2 * (most - least + 1) * (end - begin)
    if half and len(some) == end - begin:
        yield begin, end, least, most
        below, above = np.minimum(high, least - 1), np.maximum(low, most + 1)
        parts = [(begin, end, low, below), (begin, end, above, high)]
    for first, last, lower, upper in parts:
        for one, two, *ends in _rectangles(lower[first:last], upper[first:last]):
            yield first + one, first + two, ends[0], ends[1]


def _of_pattern(
    structure: Structure, layers: Ints, pattern: int, dense: int, numbered: bool
) -> Ints:
    """Return the numbers of layers of one pattern, for each depth that allows it; shape (n, K)."""
    full = np.full_like(layers, pattern) if numbered else layers // pattern
    fits = (full > 0) & (dense < layers)
    fits &= (full < layers) if structure.between else (full == layers)
    layers, full = layers[fits], full[fits]
    both = dense * full // layers if numbered else np.full_like(layers, dense // pattern)
    first = np.full_like(layers, dense)
    if not structure.dense:
        first, both = 0 * first, 0 * both
    elif not structure.experts:
        first, both = layers, full
    return np.stack(structure.counts(layers, full, first, both), axis=1)


def _affine_rows(counts: Ints, period: int) -> Iterator[tuple[Ints, Ints, int]]:
    """Yield start, step and length of rows of depths whose numbers of layers are affine.

    Parameters
    ----------
    counts : array of shape (n, K)
        Ascending in the total.
    period : int
        Depths of one residue modulo it are affine where the same kinds have layers.
    """
    layers = counts.sum(axis=1)
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (total, row) in enumerate(zip(layers.tolist(), counts.tolist(), strict=True)):
        groups.setdefault((total % period, *(n > 0 for n in row)), []).append(i)
    for at in groups.values():
        begin = 0
        while begin < len(at):
            end = begin + 1
            step = counts[at[begin + 1]] - counts[at[begin]] if begin + 1 < len(at) else None
            while end < len(at) and (counts[at[end]] - counts[at[end - 1]] == step).all():
                end += 1
            if step is None or end - begin == 1:
                step, end = np.zeros(counts.shape[1], dtype=np.int64), begin + 1
            if (step < 0).any():
                step, end = np.zeros_like(step), begin + 1
            yield counts[at[begin]], step, end - begin
            begin = end
