"""Tightening: prune a problem by bounds.

A *box* is a row of the table with an interval for each depth. Boxes are reduced to the exact
feasible depths, pruned if their bound exceeds the incumbent, and split otherwise. All back ends
share this step, which only removes designs that are proven not to be optimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Breach, depth_intervals, feasible_boxes
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.search.blocks import BlockSearch, whole_floor
from modelsizer.optimizer.search.compare import at_once, best_of, box_designs
from modelsizer.optimizer.search.dominance import dominated
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.clock import Clock, Stop, StoppedError, stop_of
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.outcome import Counts, Progress
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.designs.evaluation import Evaluation

FEW_BOXES = 48
"""Number of boxes at which tightening ends and the program is formulated: a few dozen columns."""
FEW_DESIGNS = 20_000  # with an incumbent, faster to compare than to dive into
MANY_BOXES = 400_000  # further splitting would need more memory than the smaller program saves
BOXES_AT_ONCE = 50_000  # boxes bounded between two looks at the clock: some 50 ms
_DIVE_FRACTIONS = np.linspace(0.0, 1.0, 9)
_DIVE_BOXES = 24  # boxes enumerated by depth for a first incumbent
_ZOOMS = (4, 8, 16, 64)  # neighbourhoods of an incumbent: divisors of the range of each menu
_AGAIN = 8  # neighbourhoods of one size at most, as long as they improve the incumbent
_LOOK_AT = 64  # corners evaluated per round for a better incumbent


class Search:
    """State of a bounding search: remaining boxes, incumbent, and bound.

    Parameters
    ----------
    model : Model
    clock : Clock
    start : Evaluation, optional
        A known design: the first incumbent if it is feasible; otherwise one is first sought near.
    enough : float
        `open` may stop once the incumbent is below this value, for existence queries. Where it is
        infinite, the design that is found does not depend on earlier searches.
    breach : Breach, optional
        Search only designs that violate this constraint.

    Attributes
    ----------
    table : Table or None
        Rows of the remaining boxes; None if no row has a feasible depth.
    boxes : Boxes
    least : array of shape (B,)
        Lower bound on each box.
    incumbent : Evaluation or None
    floor : float
        Lower bound on all designs, valid whenever the search is interrupted.
    unread : float
        Lower bound on the part of the space left unread at a limit; infinite if all was read.
    stopped : Stop or None
        The limit at which reading stopped; None if the whole space was read.
    counts : Counts
    """

    def __init__(
        self,
        model: Model,
        clock: Clock,
        start: Evaluation | None = None,
        enough: float = -np.inf,
        breach: Breach | None = None,
    ) -> None:
        self.model, self.clock = model, clock
        self._start, self.enough, self.breach = start, enough, breach
        self.incumbent = start if start is not None and start.feasible else None
        names = needed(model.problem)
        if breach is not None:
            names = tuple(sorted({*names, *breach.names}))
        self.blocks: BlockSearch | None = None
        if model.store.listable(model.problem):
            self._source = model.store.tables(model.problem, names)
        else:
            cover = Cover.whole(model.store.grid(model.problem)) if enough == np.inf else None
            layouts = model.searched()
            self.blocks = BlockSearch(model, self.value, names, breach, clock, cover, layouts)
            self._source = self.blocks.tables()
        self.counts = Counts()
        self.table: Table | None = None
        empty = np.zeros((0, 1), dtype=np.int64)
        self.boxes = Boxes(empty[:, 0], empty, empty)
        self.least: Floats = np.zeros(0)
        self.floor = -np.inf
        self.unread = np.inf
        self.stopped: Stop | None = None

    # Set-up

    def open(self, progress: Progress | None = None) -> None:
        """Read the space one table at a time, keeping only rows that may contain the optimum.

        A space too large to enumerate is read by blocks, which are pruned in the same way.
        """
        kept: list[tuple[Table, Boxes, Floats]] = []
        try:
            self._read(kept, progress)
        except (StoppedError, MemoryError) as error:
            # Nothing more is done with what was kept but to bound it.
            self.stopped = stop_of(error)
            rest = -np.inf if self.blocks is None else self.blocks.floor
            rest = rest if rest > -np.inf else whole_floor(self.model)
            self.unread = min([rest, *(float(least.min()) for _, _, least in kept)])
            self.floor = max(self.floor, min(self.unread, self.value))
            return
        finally:
            if self.blocks is not None:
                self.counts.blocks = self.blocks.bounded
        if self.value < self.enough:
            return
        if not kept:
            self.floor = self.value
            return
        self.table = Table.join([table for table, _, _ in kept])
        offset = 0
        parts: list[Boxes] = []
        for table, boxes, _ in kept:
            parts.append(Boxes(boxes.row + offset, boxes.low, boxes.high))
            offset += len(table)
        self.boxes = Boxes.join(parts)
        self.least = np.concatenate([least for _, _, least in kept])
        self.prune()

    def _read(self, kept: list[tuple[Table, Boxes, Floats]], progress: Progress | None) -> None:
        """Add to `kept` the rows that may contain the optimum, table by table.

        Raises
        ------
        StoppedError
            At a limit of time or memory.
        """
        if self.blocks is not None:
            self._scout(self.blocks)
            if self.value < self.enough:
                return
        lowest, size = np.inf, 0  # minimum bound and bytes of the boxes kept
        for table in map(self.model.prepared, self._source):
            self.counts.designs += table.designs
            self.counts.options += len(table)
            boxes, least = self._first_boxes(table)
            if len(boxes):
                boxes, least = self._kept(table, boxes, least)
            if self.value < self.enough:
                return
            if len(boxes):
                lowest = min(lowest, float(least.min()))
                rows, row = np.unique(boxes.row, return_inverse=True)
                part = table.take(rows)
                size += part.nbytes + boxes.nbytes
                kept.append((part, Boxes(row, boxes.low, boxes.high), least))
            if self.blocks is not None:
                self.blocks.value = self.value
                self.floor = max(self.floor, min(self.blocks.floor, lowest, self.value))
                if progress is not None:
                    progress(self.value, self.floor, self.blocks.waiting)
            self.clock.check(2 * size)  # they are joined at the end

    def _scout(self, blocks: BlockSearch) -> None:
        """Dive into a sample of the space, for an incumbent that prunes blocks early."""
        start = self._start
        for zoom in _ZOOMS:
            if self.incumbent is None and start is not None:
                self._look(blocks.near(start, zoom))
        if self.incumbent is None:
            self._look(blocks.scouts())
        if self.incumbent is None:
            self._look(blocks.scouts(thorough=True))
        for zoom in _ZOOMS:
            for _ in range(_AGAIN):
                before = self.incumbent
                if before is not None:
                    self._look(blocks.near(before, zoom))
                blocks.value = self.value
                if self.value < self.enough < np.inf:
                    return
                if self.incumbent is before:
                    break
            if self.incumbent is not None and blocks.few_left():
                return

    def _look(self, tables: Iterator[Table]) -> None:
        """Dive into tables of samples, whose boxes are neither kept nor counted."""
        for number, table in enumerate(map(self.model.prepared, tables)):
            # The first sample is always evaluated, so that there can be an incumbent.
            if self.clock.out_of_time and (number or self.incumbent is not None):
                return
            boxes = self._feasible(table)
            least = np.zeros(len(boxes))
            if len(boxes) and self.incumbent is not None and self.enough < np.inf:
                least = self.model.relax(table, boxes.row, boxes.low, boxes.high).least
                boxes, least = self._better(boxes, least)
            if len(boxes):
                self._dive(table, boxes, least)

    def _better(self, boxes: Boxes, least: Floats) -> tuple[Boxes, Floats]:
        """Return the boxes that may have a better design than the incumbent."""
        better = least < self.value
        return boxes.take(better), least[better]

    def _feasible(self, table: Table) -> Boxes:
        """Return one box per row, reduced to the exact feasible depths."""
        return feasible_boxes(table, self.model.rules(table))

    def _first_boxes(self, table: Table) -> tuple[Boxes, Floats]:
        """Return the boxes of a table with their bounds."""
        boxes = self._feasible(table)
        self.counts.by_budgets += table.designs - boxes.designs
        if self.breach is not None and boxes.low.shape[1] == 1:
            rules = self.breach.rules(table)
            boxes = boxes.outside(*depth_intervals(table, rules, boxes.row, boxes.low, boxes.high))
        if not len(boxes):
            return boxes, np.zeros(0)
        least = self.model.relax(table, boxes.row, boxes.low, boxes.high).least
        possible = np.isfinite(least)
        self.counts.by_budgets += boxes.take(~possible).designs
        return boxes.take(possible), least[possible]

    def _kept(self, table: Table, boxes: Boxes, least: Floats) -> tuple[Boxes, Floats]:
        """Dive into the boxes of a table; return those that may contain the optimum."""
        boxes, least = self._bounded(table, boxes, least)
        known = self.incumbent is not None
        if len(boxes) and not (known and (self.clock.out_of_time or boxes.designs <= FEW_DESIGNS)):
            self._dive(table, boxes, least)
            boxes, least = self._bounded(table, boxes, least)
        if len(boxes) > 1 and self.breach is None:
            worse = dominated(self.model, table, boxes)
            self.counts.by_dominance += boxes.take(worse).designs
            boxes, least = boxes.take(~worse), least[~worse]
        return boxes, least

    def _bounded(self, table: Table, boxes: Boxes, least: Floats) -> tuple[Boxes, Floats]:
        alive = self._alive(table, boxes, least)
        self.counts.by_bounds += boxes.take(~alive).designs
        return boxes.take(alive), least[alive]

    # Incumbents

    def _offer(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Evaluate designs; the best becomes the incumbent if it is better."""
        value, keeps = self.model.evaluate(table, row, j)
        self.incumbent = best_of(
            self.model, table, row, j, value, keeps, self.incumbent, self.clock
        )
        return np.where(keeps, value, np.inf)

    def _dive(self, table: Table, boxes: Boxes, least: Floats) -> None:
        """Find an incumbent: a few depths of every row, then every depth of the best rows."""
        extent = boxes.high - boxes.low
        some = max(1, at_once(self.clock) // len(boxes))
        found = np.full(len(boxes), np.inf)
        for begin in range(0, len(_DIVE_FRACTIONS), some):
            fractions = _DIVE_FRACTIONS[begin : begin + some]
            j = boxes.low + np.rint(extent * fractions[:, None, None]).astype(np.int64)
            row = np.tile(boxes.row, len(fractions))
            value = self._offer(table, row, j.reshape(len(row), -1))
            found = np.minimum(found, value.reshape(len(fractions), -1).min(axis=0))
        first = boxes.take(np.lexsort((least, found))[:_DIVE_BOXES])
        for row, j in box_designs(first.row, first.low, first.high, at_once(self.clock)):
            self._offer(table, row, j)
            break

    def offer(self, row: Ints, j: Ints) -> None:
        """Evaluate designs; the best becomes the incumbent if it is better."""
        assert self.table is not None
        self._offer(self.table, row, j)

    @property
    def value(self) -> float:
        """Return the incumbent's value to minimise; infinite without one."""
        return np.inf if self.incumbent is None else self.model.value_of(self.incumbent)

    # Tightening

    def _alive(self, table: Table, boxes: Boxes, least: Floats) -> NDArray[np.bool_]:
        """Mask of boxes that may have a design better than the incumbent, or tied and preferred."""
        alive = np.isfinite(least) & (least <= self.value)
        if self.incumbent is not None and (self.model.exact or self.value == self.model.floor):
            # A design that can only tie is preferred only with no more parameters.
            held = table.linear["parameters"].at(boxes.row, boxes.low)
            tied = least == self.value if self.model.exact else True
            alive &= ~(tied & np.asarray(held > self.incumbent.parameters.total, dtype=bool))
        return alive

    def prune(self) -> None:
        """Prune the boxes that cannot improve on the incumbent."""
        if self.table is None:
            return
        alive = self._alive(self.table, self.boxes, self.least)
        self.counts.by_bounds += self.boxes.take(~alive).designs
        self.boxes, self.least = self.boxes.take(alive), self.least[alive]
        self.counts.left = self.boxes.designs
        rest = float(self.least.min()) if len(self.least) else np.inf
        self.floor = max(self.floor, min(rest, self.value, self.unread))

    def replace(self, boxes: Boxes) -> None:
        """Replace the boxes by others that cover the same designs, bound them and prune.

        Raises
        ------
        StoppedError
            At a limit of time or memory; the boxes are then as before.
        """
        assert self.table is not None
        least = [np.zeros(0)]
        for begin in range(0, len(boxes), BOXES_AT_ONCE):
            self.clock.check(boxes.nbytes)
            some = boxes.take(slice(begin, begin + BOXES_AT_ONCE))
            least.append(self.model.relax(self.table, some.row, some.low, some.high).least)
        self.boxes, self.least = boxes, np.concatenate(least)
        if len(boxes):
            self._settle_singles()
        self.prune()

    def _settle_singles(self) -> None:
        """Set the bound of single-design boxes to their value; drop infeasible ones."""
        assert self.table is not None
        single = np.flatnonzero(self.boxes.single)
        if not len(single):
            return
        row, j = self.boxes.row[single], self.boxes.low[single]
        value, keeps = self.model.evaluate(self.table, row, j)
        self.incumbent = best_of(
            self.model, self.table, row, j, value, keeps, self.incumbent, self.clock
        )
        slack = 0.0 if self.model.exact else 100.0 * ROUNDING
        lower = np.where(keeps, value, 0.0)  # infinite where no tokens reach a limit of the loss
        lower -= slack * np.abs(lower)  # the exact value may round below the vectorised one
        self.least[single] = np.where(keeps, np.maximum(self.least[single], lower), np.inf)

    def halve(self) -> None:
        """Split every box that can be split, evaluate the corners of least bound, and prune."""
        assert self.table is not None
        self.replace(self.boxes.halved())
        if len(self.boxes):
            first = np.argsort(self.least, kind="stable")[:_LOOK_AT]
            some = self.boxes.take(first)
            relaxed = self.model.relax(self.table, some.row, some.low, some.high)
            corner = np.where(relaxed.objective.slope >= 0, some.low, some.high)
            self.offer(some.row, corner)
            self.offer(some.row, (some.low + some.high) // 2)
            self.prune()

    def tighten(self, boxes: int = FEW_BOXES) -> None:
        """Split and prune until few boxes remain, none can be split, or time is up."""
        with suppress(StoppedError):
            while boxes < len(self.boxes) < MANY_BOXES and not self.boxes.single.all():
                self.clock.check()
                self.halve()

    def _designs(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield the designs of the remaining boxes, in chunks."""
        boxes = self.boxes
        return box_designs(boxes.row, boxes.low, boxes.high, at_once(self.clock))

    def compare(self) -> bool:
        """Compare all remaining designs exactly; return False if time ran out."""
        if self.table is None:
            return True
        for row, j in self._designs():
            if self.clock.out_of_time:
                return False
            self.offer(row, j)
            self.counts.compared += len(row)
        return True

    def any_below(self, value: float) -> bool:
        """Whether some remaining feasible design has a lower value.

        Raises
        ------
        StoppedError
            If a limit was reached before it was known.
        """
        if self.table is None:
            return False
        for row, j in self._designs():
            found, keeps = self.model.evaluate(self.table, row, j)
            if (keeps & (found < value)).any():
                return True
            self.clock.check()
        return False
