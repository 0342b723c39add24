"""The small models that a plan selects from: the target's family at every width."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from modelsizer.optimizer.planning.choices import LEAST_HEADS, Choice, Choices, choices_of
from modelsizer.problems.architecture.accounting import count_parameters, training_flops_per_token
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import Interval

LEAST_STEP = 64  # between widths, for the kernels of tensor cores
WIDER = 1.1  # ratio of consecutive widths: about a quarter more parameters
_LEAST_LAYERS = 4
ASPECTS = (32.0, 256.0)
"""Default range of d_model / layers: published dense models lie within it."""
_SHAPES = 5  # aspect ratios per width, if the law depends on the shape
_FEWER_SHAPES = 3  # aspect ratios if the law depends on other choices too
_SHAPE = frozenset(("width", "depth", "aspect"))
_MEMBERS = 60  # approximate number of members per width


@dataclass(frozen=True)
class Family:
    """A family of small models with the target's settings.

    Parameters
    ----------
    problem : Problem
    target : Architecture
        Dense and uniform; members have its block, vocabulary, head_dim, query heads per kv head
        and feed-forward ratio, except those that the law depends on.
    kind : {"total", "non_embedding", "active"}
        Parameters that the law's N counts.
    seen : frozenset of str
        Features of the law's form that runs vary.
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
        """Number of aspect ratios per width."""
        return _SHAPES if self.seen <= _SHAPE | {"N", "D"} else _FEWER_SHAPES

    @cached_property
    def choices(self) -> Choices:
        """Settings of members other than width and depth."""
        most = _MEMBERS // (self._aspect_ratios if self.shapes else 1)
        return choices_of(self.problem.space, self.target, self.seen, most)

    def architecture(self, d_model: int, layers: int, choice: Choice) -> Architecture:
        """The member with a width, a depth and other settings."""
        block, trunk = BLOCKS[self.target.block], self.target.trunk
        heads = d_model // choice.head_dim
        widths = {"heads": heads, "kv_heads": choice.kv_heads, "head_dim": choice.head_dim,
                  "d_ff": choice.d_ff}  # fmt: skip
        small = block.layer(block.grouped(widths), block.dense(widths))
        sequence = self.problem.training.sequence_length
        of_width = block.trunk(d_model, choice.vocab_size, trunk.tied_embeddings, sequence)
        return Architecture(of_width, (LayerGroup(small, layers),), block.name)

    @property
    def aspects(self) -> tuple[float, float]:
        """Least and greatest d_model / layers."""
        given = self.problem.space.aspect_ratio
        if isinstance(given, Interval):
            low = ASPECTS[0] if given.min is None else float(given.min)
            high = ASPECTS[1] if given.max is None else float(given.max)
            return min(low, high), max(low, high)
        return ASPECTS

    def depths(self, d_model: int) -> tuple[int, ...]:
        """Depths at a width: several aspect ratios, or the best one alone.

        The best depth has the least excess by the problem's shape law, or the target's aspect
        ratio if the law does not depend on the shape; aspect ratios stay within the space's limits.
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
        """N as counted by the law, all parameters, and training FLOPs per token."""
        # Of settings that offer several values small runs have the preferred ones.
        counts, training = count_parameters(architecture), self.problem.setups[0].training
        each = training_flops_per_token(
            architecture.trunk,
            architecture.kinds,
            training.sequence_length,
            training.flops,
            full_recompute=training.recompute == "full",
        ).at(architecture.counts)
        n = counts.non_embedding if self.kind == "non_embedding" else counts.total
        return n, counts.total, float(each)

    def _widths(self, wider: float) -> Iterator[int]:
        """Widths divisible into heads, each wider than the last by this ratio."""
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
        """Configs with parameters, as `counted`, in a range; smallest width first.

        Parameters
        ----------
        most, smallest : float
            Least and greatest number of parameters.
        wider : float
            Ratio of consecutive widths.
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
