"""Leave boxes of a cover out by what is known of them whatever the limits are.

`modelsizer.optimizer.search.block_bounds` bounds a box with the layers that the limits leave to it.
With all its layers the range of a cost, and what a law sees, depend on no limit. So they are kept
between questions (`modelsizer.optimizer.tables.known`), and most boxes need no more to be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Limit
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.search import stacks
from modelsizer.optimizer.search.block_bounds import BlockBounds
from modelsizer.optimizer.search.corners import Corners
from modelsizer.optimizer.search.law_pieces import pieces
from modelsizer.optimizer.search.law_sizes import LawSizes, law_sizes
from modelsizer.optimizer.search.seen import ranges_seen
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Bools, Ints
from modelsizer.optimizer.tables.known import MOST_KNOWN
from modelsizer.problems.columns import Columns
from modelsizer.problems.designs.costs import depends_on
from modelsizer.problems.laws.features import Features
from modelsizer.problems.quantities.auxiliary import TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.quantity import values_of
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]

LAW_READS = (
    "training.flops",
    "training.recompute",
    "parameter_kind",
    "experts",
    "leverage_flops",
    "tokenizer",
)
"""What `law_sizes` and `ranges_seen` read of settings, besides training FLOPs."""


SCREENED_AT_ONCE = 8192  # some 10 MB of costs

Facts = TypeVar("Facts", bound=Columns)


@dataclass(frozen=True, slots=True)
class _Some(Columns):
    """Whether boxes may have a design."""

    some: Bools


@dataclass(frozen=True, slots=True)
class _End(Columns):
    """An end of a cost in boxes: integers."""

    amount: NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Law(Columns):
    """What a law sees of boxes: sizes, ranges of features and the least training FLOPs a token."""

    flops: Floats
    sizes: LawSizes
    low: Features
    high: Features


class Screen:
    """Find the boxes of a cover that may have a design better than a value.

    Parameters
    ----------
    bounds : BlockBounds
    cover : Cover
    clock : Clock
        Stops it with a StoppedError.
    """

    def __init__(self, bounds: BlockBounds, cover: Cover, clock: Clock) -> None:
        self._bounds, self._cover, self._clock = bounds, cover, clock
        self._model, self._grid = bounds.model, bounds.grid
        self._of_most = (bounds.most,)

    @property
    def helps(self) -> bool:
        """Whether the law bounds what is sought, alone and under one setup, at few boxes."""
        model = self._model
        alone = len(model.models) == 1 and model.models[0] is model and not model.problem.several
        judged = model.kind == "loss" or model.most_loss is not None
        few = len(self._grid.roots) < len(self._cover) <= 2 * MOST_KNOWN
        return alone and judged and few and not model.terms(self._of_most).charges

    def left(self, boxes: Ints, value: float) -> Ints:
        """Return those of some boxes that may have a design no worse than a value."""
        root = self._cover.root[boxes]
        return np.concatenate([self._left(i, boxes[root == i], value) for i in np.unique(root)])

    def _left(self, index: int, boxes: Ints, value: float) -> Ints:
        some, row = self._facts((index, "some"), (), boxes, self._some)
        boxes = boxes[some.some[row]]
        if not len(boxes):
            return boxes
        one, keep = self._corners(index, boxes[:1]), np.ones(len(boxes), dtype=bool)
        for rule in self._bounds.rules(index, one):
            keep &= self._keeps(index, rule, boxes)
        law, row = self._facts((index, "law"), self._law_reads(), boxes, self._law)
        boxes, row, left = boxes[keep], row[keep], []
        for begin in range(0, len(boxes), SCREENED_AT_ONCE):
            part = slice(begin, begin + SCREENED_AT_ONCE)
            left.append(boxes[part][self._good(law.take(row[part]), one, value)])
        return np.concatenate([boxes[:0], *left])

    def _facts(
        self,
        name: tuple[Hashable, ...],
        reads: Hashable,
        boxes: Ints,
        found: Callable[[int, Ints], Facts],
    ) -> tuple[Facts, Ints]:
        """Return a fact, whose name begins with the index of a root, about boxes of the root."""
        index = self._cover.root[boxes[0]]

        def by_parts(some: Ints) -> Facts:
            parts = []
            for begin in range(0, max(len(some), 1), SCREENED_AT_ONCE):
                self._clock.check()
                parts.append(found(index, some[begin : begin + SCREENED_AT_ONCE]))
            return type(parts[0]).join(parts)

        return self._cover.known.facts(name, reads, boxes, by_parts)

    def _corners(self, index: int, boxes: Ints) -> Corners:
        """Return the corners of boxes that may have a design."""
        return self._bounds.corners(index, self._cover.low[boxes], self._cover.high[boxes])[0]

    def _some(self, index: int, boxes: Ints) -> _Some:
        low, high = self._cover.low[boxes], self._cover.high[boxes]
        return _Some(self._bounds.corners(index, low, high)[1])

    def _keeps(self, index: int, rule: Limit, boxes: Ints) -> Bools:
        """Whether boxes with all their layers may keep a limit."""
        name, keep = rule.quantity, np.ones(len(boxes), dtype=bool)
        cost, problem = name.partition(".")[0], self._model.problem
        for high in (False, True):

            def end(index: int, some: Ints, high: bool = high) -> _End:
                here = self._corners(index, some)
                held = here.compute([cost], high=high)[name]
                bound = stacks.most if high else stacks.least
                return _End(bound(held, here.root, here.ends))

            limit = rule.low if high else rule.high
            if limit is not None:
                reads = depends_on(problem, cost), problem.tokenizer, self._bounds.most
                ends, row = self._facts((index, name, high), reads, boxes, end)
                found = ends.amount[row]
                limit = stacks.clipped(limit, found)
                keep &= np.asarray(found >= limit if high else found <= limit, dtype=bool)
        return keep

    def _law_reads(self) -> Hashable:
        problem = self._model.problem
        flops = depends_on(problem, TRAINING_FLOPS_PER_TOKEN)
        law = problem.law.parameter_kind, self._model.quality.features
        return flops, values_of(problem.settings, LAW_READS), law, self._bounds.most

    def _law(self, index: int, boxes: Ints) -> _Law:
        corners = self._corners(index, boxes)
        low, high = (
            {name: np.broadcast_to(each, len(corners)) for name, each in side.items()}
            for side in ranges_seen(self._model.quality.features, corners)
        )
        return _Law(corners.least(TRAINING_FLOPS_PER_TOKEN), law_sizes(corners), low, high)

    def _good(self, law: _Law, one: Corners, value: float) -> Bools:
        """Whether boxes may have a design whose loss is no worse than a value and the limit."""
        self._clock.check()
        model, none = self._model, np.zeros(len(law), dtype=np.int64)
        terms = model.terms(self._of_most).of(none)
        caps = model.caps(one.table(()), none, none[:, None], terms)
        loss = np.full(len(law), np.inf)
        for piece in pieces(model.quality, law.sizes, (law.low, law.high), law.flops, caps):
            loss = np.minimum(loss, piece.loss)
        most = np.inf if model.most_loss is None else model.most_loss
        most = min(most, value) if model.kind == "loss" else most
        found: Bools = loss - ROUNDING * np.abs(loss) <= most
        return found
