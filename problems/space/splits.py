"""Divisibility of widths and depths that a parallel layout requires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.feedforward import (
    FeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.mixers import Mixer, WithoutScores, mixers
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options


@dataclass(frozen=True, slots=True)
class Split:
    """Divisibility that a parallel layout requires of an architecture.

    Parameters
    ----------
    ways : tuple of int
        Tensor parallelism; must divide heads, kv_heads (or replicas), hidden widths of dense
        feed-forwards, of experts and of all shared experts together, and the vocabulary.
    stages : int
        Pipeline stages; each must have a whole number of layers of every kind.
    """

    ways: tuple[int, ...] = ()
    stages: int = 1

    def fits(self, architecture: Architecture) -> bool:
        """Whether an architecture satisfies the divisibility."""
        return (
            architecture.layers % self.stages == 0
            and bool(whole_divides(architecture.trunk.vocab_size, self.ways))
            and all(bool(_parallel(group.layer, self.ways)) for group in architecture.groups)
        )


@lru_cache(maxsize=1024)
def splits(layouts: Sequence[Layout], serving_ways: int, interleave: int) -> tuple[Split, ...]:
    """Divisibility that each layout requires.

    Parameters
    ----------
    layouts : tuple of Layout
    serving_ways : int
        Tensor parallelism of serving.
    interleave : int
        Groups of layers of each pipeline stage, if there are several stages.
    """
    return tuple(
        Split(
            tuple(sorted({layout.tensor_parallel, serving_ways} - {1})),
            layout.pipeline_parallel * (interleave if layout.pipeline_parallel > 1 else 1),
        )
        for layout in layouts
    )


def fitting(splits: Sequence[Split], architecture: Architecture) -> list[bool]:
    """Whether each split fits an architecture; every ways are tried once."""
    ways = {ways: Split(ways).fits(architecture) for ways in {split.ways for split in splits}}
    return [ways[split.ways] and architecture.layers % split.stages == 0 for split in splits]


def why_unsplit(splits: Sequence[Split], architecture: Architecture) -> tuple[str, str] | None:
    """Why no split fits an architecture, or None if one does.

    Returns
    -------
    (str, str) or None
        ``"tensor"`` or ``"pipeline"``, and ``"8 does not divide heads = 28"``.
    """
    if any(fitting(splits, architecture)):
        return None
    for split in splits:
        if replace(split, stages=1).fits(architecture):
            return "pipeline", f"{split.stages} does not divide layers = {architecture.layers}"
    found = (
        (ways, name, width)
        for ways in sorted(splits[0].ways, reverse=True)
        for name, width in _undivided(architecture, ways)
    )
    ways, name, width = next(found)
    return "tensor", f"{ways} does not divide {name} = {width}"


def _undivided(architecture: Architecture, ways: int) -> Iterator[tuple[str, int]]:
    """Names and values of widths that tensor parallelism of so many ways does not divide."""
    widths = [("vocab_size", architecture.trunk.vocab_size)]
    for group in architecture.groups:
        for part in mixers(group.layer.attention):
            widths += _split_widths(part).items()
            if not attention_divides(0, part.kv_heads, (ways,)):
                widths.append(("kv_heads", part.kv_heads))
        widths += _hidden_widths(group.layer.ffn)
    return ((name, width) for name, width in widths if width % ways)


def whole_divides(size: Any, ways: Sequence[int]) -> Any:
    """Whether all ways of tensor parallelism divide a width or a vocabulary."""
    fits = size == size
    for each in ways:
        fits = fits & (size % each == 0)
    return fits


def attention_divides(heads: Any, kv_heads: Any, ways: Sequence[int]) -> Any:
    """Whether all ways of tensor parallelism divide the heads; kv heads may be replicated."""
    fits = whole_divides(heads, ways)
    for each in ways:
        # Fields are 0 in a table without such layers; 0 is divisible.
        fits = fits & ((kv_heads % each == 0) | (each % (kv_heads + (kv_heads == 0)) == 0))
    return fits


def _parallel(layer: Layer, ways: Sequence[int]) -> Any:
    """Whether tensor parallelism divides all widths of a layer."""
    fits: Any = True
    for _, width in _hidden_widths(layer.ffn):
        fits = fits & whole_divides(width, ways)
    for part in mixers(layer.attention):
        fits = fits & attention_divides(part.heads, part.kv_heads, ways)
        for width in _split_widths(part).values():
            fits = fits & whole_divides(width, ways)
    return fits


def _hidden_widths(ffn: FeedForward) -> list[tuple[str, Any]]:
    """Names and hidden widths of a feed-forward that tensor parallelism splits."""
    if isinstance(ffn, SeveralFeedForwards):
        return [pair for part in ffn.parts for pair in _hidden_widths(part)]
    if isinstance(ffn, MixtureOfExperts):
        return [("expert_d_ff", ffn.d_ff), ("shared_d_ff", ffn.shared_d_ff)]
    return [("d_ff", ffn.d_ff)]


def _split_widths(mixer: Mixer) -> dict[str, Any]:
    """Numbers of heads or channels of a mixer that tensor parallelism splits, kv heads aside."""
    if isinstance(mixer, WithoutScores):
        return dict(mixer.split_widths())
    return {"heads": mixer.heads}


def divides(split: Split, options: Options) -> NDArray[np.bool_]:
    """Whether tensor parallelism divides the widths of each row."""
    keep = np.ones(len(options), dtype=bool)
    if not split.ways:
        return keep
    keep &= whole_divides(options["vocab_size"], split.ways)
    deepest = options.depths.deepest
    for k, kind in enumerate(options.structure.kinds(options.widths)):
        keep &= _parallel(kind, split.ways) | (deepest[:, k] == 0)
    return keep


def divided(table: Options, split: Split) -> Options:
    """Return the rows and depths of a table that a split can divide."""
    if split.ways:
        table = table.take(divides(split, table))
    if split.stages > 1 and len(table):
        row, depths = table.depths.divided(split.stages)
        table = replace(table.take(row), depths=depths)
    return table
