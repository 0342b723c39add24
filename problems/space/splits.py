"""What a parallel layout asks of an architecture: widths and depths that divide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.space.widths import Options
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """What a parallel layout asks of an architecture.

    Parameters
    ----------
    ways : tuple of int
        Tensor parallelism that heads, kv_heads (or their replicas), d_ff and vocabulary divide by.
    stages : int
        Pipeline stages that the layers divide into, each with whole layers of any kind.
    """

    ways: tuple[int, ...] = ()
    stages: int = 1

    def fits(self, architecture: Architecture) -> bool:
        """Whether an architecture divides."""
        layers = [group.layer for group in architecture.groups]
        vocab_size = architecture.trunk.vocab_size
        return architecture.layers % self.stages == 0 and bool(
            all(_parallel(vocab_size, layers, ways) for ways in self.ways)
        )


def _parallel(vocab_size: Any, layers: Sequence[Layer], ways: int) -> Any:
    """Whether tensor parallelism divides everything; kv heads may be replicated instead."""
    fits = vocab_size % ways == 0
    for layer in layers:
        heads, kv_heads = layer.attention.heads, layer.attention.kv_heads
        # Where a table has no such layers its fields may be 0, and 0 divides.
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
    """The rows and depths of a table that a split can divide."""
    if split.ways:
        table = table.take(divides(split, table))
    if split.stages > 1 and len(table):
        row, depths = table.depths.divided(split.stages)
        table = replace(table.take(row), depths=depths)
    return table
