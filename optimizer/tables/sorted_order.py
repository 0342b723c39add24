"""Sort rows by several keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.columns import LARGEST_INT64


def sorted_order(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return indices that sort rows by keys, the first one first; equal rows stay in their order.

    As `numpy.lexsort`, but of keys that are integers of few values many are compared at once, and
    only rows that the first ones leave equal by the others.

    Parameters
    ----------
    keys : sequence of array of shape (B,)
        At least one; floats, or integers.
    """
    words = packed(keys)
    if not words:
        return np.arange(len(keys[0]))
    order = np.argsort(words[0], kind="stable")
    if len(words) == 1:
        return order
    first = words[0][order]
    same = first[1:] == first[:-1]
    inside = np.zeros(len(order), dtype=bool)
    inside[1:] |= same
    inside[:-1] |= same
    at = np.flatnonzero(inside)
    if len(at):
        group = np.concatenate([[0], np.cumsum(~same)])[at]
        rows = order[at]
        within = packed([group, *(word[rows] for word in words[1:])])
        order[at] = rows[np.lexsort(within[::-1])] if within else rows
    return order


def packed(keys: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return fewer keys of the same order: constants left out, and integers joined to larger ones.

    Integers whose ranges allow it become digits of one number below `LARGEST_INT64`.
    """
    words: list[NDArray[Any]] = []
    values = LARGEST_INT64  # that the last word may have
    for key in keys:
        if not len(key) or not key.strides[0] or (low := key.min()) == (high := key.max()):
            continue  # one value, perhaps one in memory
        if key.dtype.kind not in "iu":
            words.append(key)
            values = LARGEST_INT64
            continue
        extent = int(high) - int(low) + 1
        digit = key.astype(np.int64) - int(low)
        if values * extent <= LARGEST_INT64:
            words[-1] = words[-1] * extent + digit
            values *= extent
        else:
            words.append(digit)
            values = extent
    return words
