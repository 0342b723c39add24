"""Divisibility of widths and depths that a parallel layout requires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.architecture.feedforward import (
    FeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
    mixtures,
)
from modelsizer.problems.architecture.mixers import Mixer, WithoutScores, mixers
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.serving import Serving


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
    experts : tuple of int
        Expert parallelism; must divide the routed experts of every layer that has any.
    slices : tuple of int, optional
        Tensor parallelism of each routed expert; must divide its hidden width. That of `ways` by
        default.
    mixture : bool, optional
        Whether layers must have experts, or must have none; either by default.
    """

    ways: tuple[int, ...] = ()
    stages: int = 1
    experts: tuple[int, ...] = ()
    slices: tuple[int, ...] | None = None
    mixture: bool | None = None

    @property
    def widths(self) -> Split:
        """The same without pipeline stages: what it requires of widths."""
        return replace(self, stages=1)

    @property
    def of_experts(self) -> tuple[int, ...]:
        """Tensor parallelism of each routed expert, with the default filled in."""
        return self.ways if self.slices is None else self.slices

    @property
    def divides_widths(self) -> bool:
        """Whether it requires anything of widths."""
        return bool(self.ways or self.experts or self.slices or self.mixture is not None)

    def takes(self, *, mixture: bool) -> bool:
        """Whether it is meant for designs with, or without, layers of experts."""
        return self.mixture is None or self.mixture is mixture

    def fits(self, architecture: Architecture) -> bool:
        """Whether an architecture satisfies the divisibility."""
        return (
            self.takes(mixture=is_mixture(architecture))
            and architecture.layers % self.stages == 0
            and bool(whole_divides(architecture.trunk.vocab_size, self.ways))
            and all(bool(_parallel(group.layer, self)) for group in architecture.groups)
        )


@lru_cache(maxsize=1024)
def splits(
    layouts: Sequence[Layout],
    serving: Split,
    interleave: int,
    experts: int = 1,
    slices: int | None = None,
) -> tuple[Split, ...]:
    """Divisibility that each layout requires.

    Parameters
    ----------
    layouts : tuple of Layout
    serving : Split
        What serving requires.
    interleave : int
        Groups of layers of each pipeline stage, if there are several stages.
    experts : int
        Expert parallelism of training.
    slices : int, optional
        Tensor parallelism of each expert in training; that of the layout by default.
    """
    of_experts = _ways(*serving.experts, experts)
    return tuple(
        Split(
            ways := _ways(*serving.ways, layout.tensor_parallel),
            layout.pipeline_parallel * (interleave if layout.pipeline_parallel > 1 else 1),
            of_experts,
            None if (each := _ways(*serving.of_experts, slices or layout.tensor_parallel)) == ways
            else each,
        )
        for layout in layouts
    )  # fmt: skip


def _ways(*ways: int) -> tuple[int, ...]:
    """Distinct ways that divide anything, in order."""
    return tuple(sorted({*ways} - {1}))


def served(serving: Serving) -> Split:
    """Divisibility that serving requires, of both pools if there are two."""
    pools = (serving, serving.prefilling)
    ways = _ways(*(pool.tensor_parallel for pool in pools))
    slices = _ways(*(pool.expert_slices for pool in pools))
    experts = _ways(*(pool.expert_parallel for pool in pools))
    return Split(ways, 1, experts, None if slices == ways else slices)


def common(splits: Sequence[Split]) -> Split:
    """Divisibility of widths that all splits require."""
    if len(splits) == 1:
        return splits[0]
    ways, experts, slices = (
        tuple(sorted(set.intersection(*map(set, each))))
        for each in zip(*((s.ways, s.experts, s.of_experts) for s in splits), strict=True)
    )
    kinds = {split.mixture for split in splits}
    mixture = kinds.pop() if len(kinds) == 1 else None
    return Split(ways, 1, experts, None if slices == ways else slices, mixture)


def fitting(splits: Sequence[Split], architecture: Architecture) -> list[bool]:
    """Whether each split fits an architecture; equal requirements of widths are tried once."""
    widths = {each: each.fits(architecture) for each in {split.widths for split in splits}}
    return [widths[split.widths] and architecture.layers % split.stages == 0 for split in splits]


def why_unsplit(splits: Sequence[Split], architecture: Architecture) -> tuple[str, str] | None:
    """Why no split fits an architecture, or None if one does.

    Returns
    -------
    (str, str) or None
        ``"tensor"``, ``"expert"`` or ``"pipeline"``, and ``"8 does not divide heads = 28"``.
    """
    if any(fitting(splits, architecture)):
        return None
    for split in splits:
        if split.widths.fits(architecture):
            return "pipeline", f"{split.stages} does not divide layers = {architecture.layers}"
    return next(_undivided(architecture, splits[0]))


def _undivided(architecture: Architecture, split: Split) -> Iterator[tuple[str, str]]:
    """Yield what a split does not divide, as `why_unsplit` returns it."""
    layers = architecture.kinds
    for ways in sorted(split.ways, reverse=True):
        widths = [("vocab_size", architecture.trunk.vocab_size)]
        for layer in layers:
            for part in mixers(layer.attention):
                widths += _split_widths(part).items()
                if not attention_divides(0, part.kv_heads, (ways,)):
                    widths.append(("kv_heads", part.kv_heads))
            widths += _hidden_widths(layer.ffn)
        for name, width in widths:
            if width % ways:
                yield "tensor", f"{ways} does not divide {name} = {width}"
    for mixture in (mixture for layer in layers for mixture in mixtures(layer.ffn)):
        for ways in sorted(split.of_experts, reverse=True):
            if mixture.d_ff % ways:
                yield "tensor", f"{ways} does not divide expert_d_ff = {mixture.d_ff}"
        for ways in split.experts:
            if mixture.experts % ways:
                yield "expert", f"{ways} does not divide routed_experts = {mixture.experts}"


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


def _parallel(layer: Layer, split: Split) -> Any:
    """Whether a split divides all widths of a layer, and its routed experts."""
    fits: Any = True
    for _, width in _hidden_widths(layer.ffn):
        fits = fits & whole_divides(width, split.ways)
    for part in mixtures(layer.ffn):
        fits = fits & whole_divides(part.d_ff, split.of_experts)
        fits = fits & whole_divides(part.experts, split.experts)
    for mixer in mixers(layer.attention):
        fits = fits & attention_divides(mixer.heads, mixer.kv_heads, split.ways)
        for width in _split_widths(mixer).values():
            fits = fits & whole_divides(width, split.ways)
    return fits


def _hidden_widths(ffn: FeedForward) -> list[tuple[str, Any]]:
    """Names and hidden widths that tensor parallelism splits, but those of routed experts."""
    if isinstance(ffn, SeveralFeedForwards):
        return [pair for part in ffn.parts for pair in _hidden_widths(part)]
    if isinstance(ffn, MixtureOfExperts):
        return [("shared_d_ff", ffn.shared_d_ff)]
    return [("d_ff", ffn.d_ff)]


def _split_widths(mixer: Mixer) -> dict[str, Any]:
    """Numbers of heads or channels of a mixer that tensor parallelism splits, kv heads aside."""
    if isinstance(mixer, WithoutScores):
        return dict(mixer.split_widths())
    return {"heads": mixer.heads}


def divides(split: Split, options: Options) -> NDArray[np.bool_]:
    """Whether a split divides the widths of each row, and the routed experts."""
    keep = np.ones(len(options), dtype=bool)
    if not split.divides_widths:
        return keep
    if not split.takes(mixture=options.structure.experts):
        return ~keep
    keep &= whole_divides(options["vocab_size"], split.ways)
    deepest = options.depths.deepest
    for k, kind in enumerate(options.structure.kinds(options.widths)):
        keep &= _parallel(kind, split) | (deepest[:, k] == 0)
    return keep


def divided(table: Options, split: Split) -> Options:
    """Return the rows and depths of a table that a split can divide."""
    if split.divides_widths:
        table = table.take(divides(split, table))
    if split.stages > 1 and len(table):
        row, depths = table.depths.divided(split.stages)
        table = replace(table.take(row), depths=depths)
    return table
