"""The small models that a plan chooses from: members of the target's family, of every width."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from modelsizer.optimizer.planning.choices import LEAST_HEADS, Choice, Choices, choices_of
from modelsizer.problems.architecture.accounting import count_parameters, training_flops_per_token
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.menus import Interval

LEAST_STEP = 64  # between widths: what tensor cores and their kernels like
WIDER = 1.1  # than the last width of the ladder: about a quarter more parameters
_LEAST_LAYERS = 4
ASPECTS = (32.0, 256.0)
"""Limits of d_model / layers where the problem gives none: published dense models lie within."""
_SHAPES = 5  # aspect ratios of each width, where the law sees the shape
_FEWER_SHAPES = 3  # where it sees more besides
_SHAPE = frozenset(("width", "depth", "aspect"))
_MEMBERS = 60  # of one width, about


@dataclass(frozen=True)
class Family:
    """What small models share with the target.

    Parameters
    ----------
    problem : Problem
    target : Architecture
        Dense and uniform; block, vocabulary, head_dim, query heads a kv head and the ratio of the
        feed-forward are its own, but for those that the law sees.
    kind : {"total", "non_embedding", "active"}
        What the law's N counts.
    seen : frozenset of str
        Features of the law's form that runs are to vary.
    """

    problem: Problem
    target: Architecture
    kind: ParameterKind
    seen: frozenset[str] = frozenset()

    @property
    def shapes(self) -> bool:
        """Whether a width comes in several depths."""
        return not self.seen.isdisjoint(_SHAPE)

    @cached_property
    def _aspect_ratios(self) -> int:
        """How many of each width."""
        return _SHAPES if self.seen <= _SHAPE | {"N", "D"} else _FEWER_SHAPES

    @cached_property
    def choices(self) -> Choices:
        """What members have beside width and depth."""
        most = _MEMBERS // (self._aspect_ratios if self.shapes else 1)
        return choices_of(self.problem.space, self.target, self.seen, most)

    def architecture(self, d_model: int, layers: int, choice: Choice) -> Architecture:
        """The member of a width, a depth and a choice of the rest."""
        block, trunk = BLOCKS[self.target.block], self.target.trunk
        heads = d_model // choice.head_dim
        small = block.layer(heads, choice.kv_heads, choice.head_dim, choice.d_ff)
        sequence = self.problem.training.sequence_length
        of_width = block.trunk(d_model, choice.vocab_size, trunk.tied_embeddings, sequence)
        return Architecture(of_width, (LayerGroup(small, layers),), block.name)

    @property
    def aspects(self) -> tuple[float, float]:
        """Limits of d_model / layers."""
        given = self.problem.space.aspect_ratio
        if isinstance(given, Interval):
            low = ASPECTS[0] if given.min is None else float(given.min)
            high = ASPECTS[1] if given.max is None else float(given.max)
            return min(low, high), max(low, high)
        return ASPECTS

    def depths(self, d_model: int) -> tuple[int, ...]:
        """Depths of a width: several aspect ratios, or the best one alone.

        The best is the one of least excess by the problem's shape law, or of the target's aspect
        ratio where that law sees no shape; within the aspect ratios of the space.
        """
        low, high = self.aspects
        least = max(_LEAST_LAYERS, math.ceil(d_model / high))
        most = max(least, math.floor(d_model / low))
        if self.shapes:
            ratios = np.geomspace(low, high, self._aspect_ratios)
            found = {min(max(round(d_model / r), least), most) for r in ratios}
            return tuple(sorted(found))
        depths = np.arange(least, most + 1)
        excess = np.asarray(self.problem.shape.excess(float(d_model), depths.astype(float)))
        if np.ptp(excess) > 0:
            return (int(depths[excess.argmin()]),)
        wanted = round(d_model * self.target.layers / self.target.trunk.d_model)
        return (min(max(wanted, least), most),)

    def counted(self, architecture: Architecture) -> tuple[int, int, float]:
        """N as the law counts it, all parameters, and training FLOPs a token."""
        counts, training = count_parameters(architecture), self.problem.training
        each = training_flops_per_token(
            architecture.trunk,
            [group.layer for group in architecture.groups],
            training.sequence_length,
            training.flops,
            full_recompute=training.recompute == "full",
        ).at([group.count for group in architecture.groups])
        n = counts.non_embedding if self.kind == "non_embedding" else counts.total
        return n, counts.total, float(each)

    def _widths(self, wider: float) -> Iterator[int]:
        """Widths that heads divide, each so much wider than the last."""
        step, head_dim = min((math.lcm(LEAST_STEP, h), h) for h in self.choices.head_dims)
        width, last = math.ceil(LEAST_HEADS * head_dim / step) * step, 0
        while True:
            if width >= wider * last:
                last = width
                yield width
            width += step

    def ladder(
        self, most: float, *, smallest: float, wider: float = WIDER
    ) -> Iterator[tuple[Architecture, tuple[int, int, float]]]:
        """Configs of at most so many parameters as `counted`, smallest width first.

        Parameters
        ----------
        most, smallest : float
            Parameters.
        wider : float
            Than the last width.
        """
        for width in self._widths(wider):
            made = [
                self.architecture(width, depth, choice)
                for depth in self.depths(width)
                for choice in self.choices.of(width)
            ]
            found = [(one, self.counted(one)) for one in made]
            if min((counted[1] for _, counted in found), default=0) > most:
                return
            yield from ((one, n) for one, n in found if smallest <= n[1] <= most)
