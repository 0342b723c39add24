"""Tables of width options: everything of an architecture but its depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


WIDTHS = ("d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size", "tied")
"""What a width option fixes, its block aside."""


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


def joined(parts: Sequence[Options]) -> Options:
    """Tables of one block, one below another."""
    names = [f.name for f in fields(Options) if f.name != "block"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Options(parts[0].block, **columns)
