"""Divisibility of widths and depths that a parallel layout requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.space.widths import Options


@dataclass(frozen=True, slots=True)
class Split:
    """Divisibility that a parallel layout requires of an architecture.

    Parameters
    ----------
    ways : tuple of int
        Tensor parallelism; must divide heads, kv_heads (or replicas), d_ff and vocabulary.
    stages : int
        Pipeline stages; each must have a whole number of layers of every kind.
    """

    ways: tuple[int, ...] = ()
    stages: int = 1

    def fits(self, architecture: Architecture) -> bool:
        """Whether an architecture satisfies the divisibility."""
        layers = [group.layer for group in architecture.groups]
        vocab_size = architecture.trunk.vocab_size
        return architecture.layers % self.stages == 0 and bool(
            all(_parallel(vocab_size, layers, ways) for ways in self.ways)
        )


def _parallel(vocab_size: Any, layers: Sequence[Layer], ways: int) -> Any:
    """Whether tensor parallelism divides all widths; kv heads may be replicated instead."""
    fits = vocab_size % ways == 0
    for layer in layers:
        heads, kv_heads = layer.attention.heads, layer.attention.kv_heads
        # Fields are 0 in a table without such layers; 0 is divisible.
        kv = (kv_heads % ways == 0) | (ways % (kv_heads + (kv_heads == 0)) == 0)
        fits = fits & (heads % ways == 0) & kv & (layer.ffn.d_ff % ways == 0)
    return fits


def divides(split: Split, options: Options) -> NDArray[np.bool_]:
    """Whether tensor parallelism divides the widths of each row."""
    keep = np.ones(len(options), dtype=bool)
    if not split.ways:
        return keep
    kinds = BLOCKS[options.block].kinds(options.widths)
    deepest = options.depths.deepest
    for ways in split.ways:
        keep &= options["vocab_size"] % ways == 0
        for k, kind in enumerate(kinds):
            keep &= _parallel(0, [kind], ways) | (deepest[:, k] == 0)
    return keep


def divided(table: Options, split: Split) -> Options:
    """Return the rows and depths of a table that a split can divide."""
    if split.ways:
        table = table.take(divides(split, table))
    if split.stages > 1 and len(table):
        row, depths = table.depths.divided(split.stages)
        table = replace(table.take(row), depths=depths)
    return table
