"""Features of laws that are of whole stacks of layers, over the designs of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.laws.features import (
    Seen,
    from_parts,
    of_stack,
    parts_of_stack,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Stacks = Iterable[tuple[Ints, Architecture]]
"""Architectures of arrays, each with its positions among the designs of a table."""


def stack_feature(name: Seen, stacks: Stacks, designs: int) -> Floats:
    """Compute a feature of designs; shape (B,)."""
    if not designs:
        return np.empty(0)
    return _over(partial(of_stack, name), designs, stacks)


def stack_range(
    name: Seen, stacks: Callable[[Ints], Stacks], low: Ints, high: Ints
) -> tuple[Floats, Floats]:
    """Return the minimum and maximum of a feature over boxes of depths of rows.

    The parts of a feature are ratios of functions that are affine in each depth, or monotone
    functions of one, so each has its ends at corners of a box.

    Parameters
    ----------
    name : Seen
    stacks : callable
        From depths to the designs.
    low, high : array of shape (B, A)
    """
    if not len(low):
        return np.empty(0), np.empty(0)
    axes = low.shape[1] if (low != high).any() else 0
    found = []
    for at in product((False, True), repeat=axes):
        j = np.where(np.array(at), high, low) if axes else low
        found.append(_over(partial(parts_of_stack, name), len(low), stacks(j)))
    least, most = (from_parts(name, list(end(found, axis=0))) for end in (np.min, np.max))
    return least, most


def _over(value: Callable[..., Any], designs: int, *stacks: Stacks) -> Floats:
    """Evaluate a function of architectures of arrays; the last axis is of shape (B,)."""
    parts = [(each[0][0], value(*(s for _, s in each))) for each in zip(*stacks, strict=True)]
    found = np.empty((*np.shape(parts[0][1])[:-1], designs))
    for at, values in parts:
        found[..., at] = values
    return found
