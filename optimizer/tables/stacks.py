"""Designs of a table as architectures of arrays, and choices read from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.choices import BY_NAME, tie_key
from modelsizer.problems.architecture.structures import Structure

Ints = NDArray[np.int64]


def stacks_of(
    structures: Sequence[Structure], of: Ints, widths: Mapping[str, Ints], counts: Ints
) -> Iterator[tuple[Ints, Architecture]]:
    """Yield designs as architectures of arrays, by structure; groups may have no layers.

    Parameters
    ----------
    structures : sequence of Structure
    of : array of shape (B,)
        Index of each design's structure.
    widths : mapping of str to array of shape (B,)
    counts : array of shape (B, K)
        Layers of each kind.

    Yields
    ------
    at : array of shape (n,)
        Positions among the designs.
    stacks : Architecture
    """
    alone = len(of) > 0 and bool((of == of[0]).all())
    for number in of[:1] if alone else np.unique(of):
        at = np.arange(len(of)) if alone else np.flatnonzero(of == number)
        structure = structures[number]
        mine = {name: widths[name] if alone else widths[name][at] for name in structure.widths}
        trunk, kinds = structure.parts(mine, 0)
        each = counts if alone else counts[at]
        groups = (LayerGroup(kind, n) for kind, n in zip(kinds, each.T, strict=False))
        yield at, Architecture(trunk, tuple(groups), structure.block)


def ties_of(
    structures: Sequence[Structure],
    of: Ints,
    widths: Mapping[str, Ints],
    counts: Ints,
    size: NDArray[Any],
) -> list[NDArray[Any]]:
    """Return `modelsizer.problems.architecture.choices.tie_key` of designs, then the block name.

    Parameters
    ----------
    structures, of, widths, counts
        See `stacks_of`.
    size : array of shape (B,)
        Parameters.

    Returns
    -------
    list of arrays of shape (B,)
    """
    blocks = np.array([structure.block for structure in structures])
    rank = np.unique(blocks, return_inverse=True)[1][of]
    found: list[NDArray[Any]] = []
    for at, stacks in stacks_of(structures, of, widths, counts):
        keys = tie_key(stacks, size[at])
        if len(at) == len(of):
            return [*(np.broadcast_to(key, len(of)) for key in keys), rank]
        found = found or [np.empty(len(of), np.asarray(key).dtype) for key in keys]
        for column, key in zip(found, keys, strict=True):
            column[at] = key
    return [*found, rank]


def choice_of(
    name: str,
    structures: Sequence[Structure],
    of: Ints,
    widths: Mapping[str, Ints],
    counts: Ints,
) -> NDArray[Any]:
    """Return a choice of designs by name, 0 or an empty word where a design has none; shape (B,).

    Parameters
    ----------
    name : str
        Of `modelsizer.problems.architecture.choices.CHOICES`.
    structures, of, widths, counts
        See `stacks_of`.
    """
    if name == "block":
        return np.array([structure.block for structure in structures])[of]
    if name == "layers":
        total: NDArray[Any] = counts.sum(axis=1, dtype=np.int64)
        return total
    choice = BY_NAME[name]
    if choice.width:
        return widths[name] if name in widths else np.zeros(len(of), dtype=np.int64)
    found = np.zeros(len(of), dtype=np.int64)
    for at, stacks in stacks_of(structures, of, widths, counts):
        found[at] = choice.of(stacks)
    return np.array(choice.words)[found] if choice.words else found
