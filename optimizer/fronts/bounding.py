"""Compute a front by branch and bound over boxes of designs.

Multi-objective branch and bound in the sense of Przybylski and Gandibleux 2017 (European Journal
of Operational Research 260(3), 856-872): the lower bound of a box is its ideal point, the upper
bound set is the front found so far. A box whose ideal point is dominated is pruned; others are
halved until few designs are left, which are then evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from modelsizer.optimizer.bounds.limits import feasible_boxes
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.fronts.archive import Archive, nondominated
from modelsizer.optimizer.fronts.front import Zone
from modelsizer.optimizer.fronts.scan import Report, Scan
from modelsizer.optimizer.fronts.scores import Columns, Scorer, as_points
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Floats, Table
from modelsizer.problems.laws.features import is_of_stack
from modelsizer.problems.quantities.rows import QUANTITIES

SMALL, SMALL_IF_DEAR = 4, 16
"""Number of designs in a box below which evaluating them is cheaper than another bound; and where
designs are compared with the front by the bound of their box first, as their features are dear."""
AT_ONCE = 20_000  # boxes bounded between two looks at the clock
MANY = 400_000  # limit of boxes that are still halved, for memory


class Bounding(Scan):
    """Compute a front by branch and bound; see `Scan`."""

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        report: Report | None = None,
        seconds_a_point: float = 0.0,
    ) -> None:
        super().__init__(archive, clock, report, seconds_a_point)
        self.bounded = 0
        self._left: tuple[Table, Columns] | None = None
        self._unread = True

    def _tables(self) -> Iterator[Table]:
        tables, scorer = super()._tables(), self.archive.scorer
        if scorer.model.store.listable(scorer.problem):
            joined = Table.join(list(tables))
            self._unread = False
            yield joined
            return
        yield from tables
        self._unread = False

    def _search(self, table: Table) -> None:
        """Search a table."""
        model = self.archive.scorer.model
        dear = any(is_of_stack(name) and name not in table.known for name in model.quality.features)
        small = SMALL_IF_DEAR if dear else SMALL
        boxes = feasible_boxes(table, model.rules(table))
        while len(boxes):
            self.bounded += len(boxes)
            best = self._ideal(table, boxes)
            self._left = table, best
            new = ~self.archive.rules_out(table, best)
            boxes, best = boxes.take(new), [column[new] for column in best]
            if not len(boxes):
                break
            self._tell()
            self._check()
            sizes = (boxes.high - boxes.low + 1).prod(axis=1)
            few = sizes <= small
            if boxes.designs <= DESIGNS_AT_ONCE or len(boxes) > MANY:
                few[:] = True
            near = [column[few] for column in best] if dear else None
            self._look(table, boxes.take(few), near)
            boxes = boxes.take(~few)
            if len(boxes):
                middle = (boxes.low + boxes.high) // 2
                self.archive.offer(table, boxes.row, middle, count=False)
                boxes = boxes.halved()
        self._left = None

    def _ideal(self, table: Table, boxes: Boxes) -> Columns:
        """Return the ideal points of boxes, some at a time."""
        parts = []
        for begin in range(0, len(boxes), AT_ONCE):
            self._check()
            some = boxes.take(slice(begin, begin + AT_ONCE))
            parts.append(ideal(self.archive.scorer, table, some))
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def unexplored(self) -> list[Zone]:
        """Zones above the ideal points last found; everything if tables were not read."""
        scorer = self.archive.scorer
        if self._unread or self._left is None:
            return super().unexplored()
        nothing = (None,) * len(scorer.goals)
        table, columns = self._left
        least = nondominated(as_points(columns), ties=False)
        points = scorer.in_own_units(table, [column[least] for column in columns])
        return [
            Zone(tuple(float(x) if np.isfinite(x) else None for x in corner), nothing)
            for corner in points
        ]


def ideal(scorer: Scorer, table: Table, boxes: Boxes) -> Columns:
    """Lower bound of each goal over the designs of a box, in the units of `Scorer.columns`.

    Returns
    -------
    list of arrays of shape (B,)
    """
    unknown = np.full(len(boxes), -np.inf)
    zero = np.zeros(len(boxes))
    at_low = scorer.columns(table, boxes.row, boxes.low, zero)
    at_high = scorer.columns(table, boxes.row, boxes.high, zero)
    found: Columns = []
    for i, goal in enumerate(scorer.goals):
        if goal.name == "loss":
            found.append(_least_loss(scorer, table, boxes) if goal.sign > 0 else unknown)
        elif i in scorer.noisy:
            found.append(unknown)
        else:
            # Affine quantities increase with depth; those of tokens are monotone in the FLOPs.
            found.append(np.minimum(at_low[i], at_high[i]))
    return found


def _least_loss(scorer: Scorer, table: Table, boxes: Boxes) -> Floats:
    model = scorer.model
    assert QUANTITIES[model.name].form == "loss"
    least = model.relax(table, boxes.row, boxes.low, boxes.high).least
    known = np.where(np.isfinite(least), least, 0.0)
    lower: Floats = np.where(np.isfinite(least), known - 100 * ROUNDING * np.abs(known), least)
    return lower
