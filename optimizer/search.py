"""Tightening: what is left of a problem when bounds have dropped what cannot be best.

A *box* is a row of the table with an interval for each depth. Boxes are cut to the exact
feasible depths, dropped where their bound is above the incumbent, and split where they are not.
Every back end shares this; none needs to, since all that is dropped is proven not to be best.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.blocks import BlockSearch
from optimizer.compare import DESIGNS_AT_ONCE, best_of, box_designs
from optimizer.grid import menu_size
from optimizer.limits import depth_intervals
from optimizer.model import Model
from optimizer.program import Limits
from optimizer.relaxation import ROUNDING
from optimizer.table import Floats, Ints, Table, join, tables
from problems.evaluation import Evaluation

FEW_BOXES = 48
"""Boxes at which tightening hands over to the program: a few dozen columns."""
LISTABLE = 150_000
"""Width options up to which a space is listed; searching it by blocks pays beyond."""
MANY_BOXES = 400_000  # splitting further would cost more memory than the program saves
_DIVE_FRACTIONS = np.linspace(0.0, 1.0, 9)
_DIVE_BOXES = 24  # boxes searched depth by depth for a first incumbent
_LOOK_AT = 64  # corners evaluated for a better incumbent in each round


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of designs: rows of shape (B,), depths ``low <= j <= high`` of shape (B, K)."""

    row: Ints
    low: Ints
    high: Ints

    def __len__(self) -> int:
        return len(self.row)

    def take(self, where: NDArray[np.bool_] | Ints) -> Boxes:
        """The boxes at these positions, or where this mask holds."""
        return Boxes(self.row[where], self.low[where], self.high[where])

    @property
    def designs(self) -> int:
        """Designs in all boxes."""
        return int((self.high - self.low + 1).prod(axis=1).sum()) if len(self) else 0

    @property
    def single(self) -> NDArray[np.bool_]:
        """Whether each box is one design."""
        return np.asarray((self.low == self.high).all(axis=1))

    def plus(self, other: Boxes) -> Boxes:
        """These boxes and others."""
        return Boxes(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.low, other.low]),
            np.concatenate([self.high, other.high]),
        )

    def halved(self) -> Boxes:
        """Each box cut in two across its longest side; single designs stay."""
        side = (self.high - self.low).argmax(axis=1)
        at = np.arange(len(self))
        middle = (self.low[at, side] + self.high[at, side]) // 2
        left, right = self.high.copy(), self.low.copy()
        left[at, side] = middle
        right[at, side] = middle + 1
        cut = ~self.single
        lower = Boxes(self.row, self.low, np.where(cut[:, None], left, self.high))
        upper = Boxes(self.row[cut], right[cut], self.high[cut])
        return lower.plus(upper)

    def without(self, box: int, j: Ints) -> Boxes:
        """The boxes with one of them cut around a design, which becomes a box of its own."""
        low, high = self.low[box].copy(), self.high[box].copy()
        parts_low, parts_high = [j.copy()], [j.copy()]
        for k in range(len(j)):
            for first, last in ((low[k], j[k] - 1), (j[k] + 1, high[k])):
                if first <= last:
                    a, b = low.copy(), high.copy()
                    a[k], b[k] = first, last
                    parts_low.append(a)
                    parts_high.append(b)
            low[k] = high[k] = j[k]
        keep = np.arange(len(self)) != box
        rows = np.full(len(parts_low), self.row[box])
        return self.take(keep).plus(Boxes(rows, np.array(parts_low), np.array(parts_high)))


@dataclass
class Counts:
    """Designs of the space, and how many each step removed."""

    designs: int = 0
    options: int = 0
    by_budgets: int = 0
    by_bounds: int = 0
    left: int = 0
    columns: int = 0
    rounds: int = 0
    compared: int = 0


@dataclass
class Clock:
    """Time and nodes spent against the limits."""

    limits: Limits
    started: float = field(default_factory=time.perf_counter)
    nodes: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.limits.seconds is not None and self.elapsed >= self.limits.seconds

    @property
    def out_of_nodes(self) -> bool:
        """Whether the node limit has been reached."""
        return self.limits.nodes is not None and self.nodes >= self.limits.nodes

    @property
    def left(self) -> Limits:
        """What is left of the limits."""
        seconds = self.limits.seconds
        nodes = self.limits.nodes
        return Limits(
            None if seconds is None else max(seconds - self.elapsed, 1e-3),
            None if nodes is None else max(nodes - self.nodes, 1),
        )


class Search:
    """The state of a bounding search: boxes left, an incumbent, and a bound on the rest.

    Attributes
    ----------
    table : Table or None
        Rows that some box was left of; None if no row had a feasible depth.
    boxes : Boxes
    least : array of shape (B,)
        Bound on each box.
    incumbent : Evaluation or None
    floor : float
        What is proven of every design so far; it holds whenever the search is broken off.
    enough : float
        A value below which `open` need not look further, for whoever only asks if there is one.
    counts : Counts
    """

    def __init__(self, model: Model, clock: Clock) -> None:
        self.model, self.clock = model, clock
        self.blocks = BlockSearch(model) if menu_size(model.problem) > LISTABLE else None
        self.counts = Counts()
        self.incumbent: Evaluation | None = None
        self.table: Table | None = None
        empty = np.zeros((0, 1), dtype=np.int64)
        self.boxes = Boxes(empty[:, 0], empty, empty)
        self.least: Floats = np.zeros(0)
        self.floor = -np.inf
        self.unread = np.inf  # bound of what a limit left unread
        self.enough = -np.inf

    # Set-up

    def open(self) -> None:
        """Read the space, table by table, keeping only rows that may hold the best.

        A space too large to list is read by blocks, those that cannot hold the best left out.
        """
        kept: list[tuple[Table, Boxes, Floats]] = []
        source = tables(self.model.problem) if self.blocks is None else self.blocks.tables()
        for table in source:
            self.counts.designs += table.designs
            self.counts.options += len(table)
            boxes, least = self._first_boxes(table)
            if len(boxes):
                if self.incumbent is None or not self.clock.out_of_time:
                    self._dive(table, boxes, least)
                    if self.value < self.enough:
                        return
                alive = self._alive(table, boxes, least)
                self.counts.by_bounds += boxes.take(~alive).designs
                boxes, least = boxes.take(alive), least[alive]
                if len(boxes):
                    rows, row = np.unique(boxes.row, return_inverse=True)
                    kept.append((table.take(rows), Boxes(row, boxes.low, boxes.high), least))
            if self.blocks is not None:
                self.blocks.value = self.value
                if self.clock.out_of_time:
                    self.unread = self.blocks.floor
                    break
        if not kept:
            self.floor = min(self.value, self.unread)
            return
        self.table = join([table for table, _, _ in kept])
        offset = 0
        parts: list[Boxes] = []
        for table, boxes, _ in kept:
            parts.append(Boxes(boxes.row + offset, boxes.low, boxes.high))
            offset += len(table)
        self.boxes = parts[0]
        for part in parts[1:]:
            self.boxes = self.boxes.plus(part)
        self.least = np.concatenate([least for _, _, least in kept])
        self.prune()

    def _first_boxes(self, table: Table) -> tuple[Boxes, Floats]:
        """One box a row, cut to its exact feasible depths, with its bound."""
        row = np.arange(len(table))
        rules = self.model.rules(table)
        low, high = depth_intervals(table, rules, row, np.zeros_like(table.count), table.count - 1)
        full = (low <= high).all(axis=1)
        boxes = Boxes(row[full], low[full], high[full])
        self.counts.by_budgets += table.designs - boxes.designs
        if not len(boxes):
            return boxes, np.zeros(0)
        least = self.model.relax(table, boxes.row, boxes.low, boxes.high).least
        possible = np.isfinite(least)
        self.counts.by_budgets += boxes.take(~possible).designs
        return boxes.take(possible), least[possible]

    # Incumbents

    def _offer(self, table: Table, row: Ints, j: Ints) -> None:
        value, keeps = self.model.evaluate(table, row, j)
        self.incumbent = best_of(self.model, table, row, j, value, keeps, self.incumbent)

    def _dive(self, table: Table, boxes: Boxes, least: Floats) -> None:
        """A first incumbent: a few depths of every row, then every depth of the best rows."""
        best = np.full(len(boxes), np.inf)
        extent = boxes.high - boxes.low
        for fraction in _DIVE_FRACTIONS:
            j = boxes.low + np.rint(extent * fraction).astype(np.int64)
            value, keeps = self.model.evaluate(table, boxes.row, j)
            self.incumbent = best_of(self.model, table, boxes.row, j, value, keeps, self.incumbent)
            best = np.minimum(best, np.where(keeps, value, np.inf))
        order = np.lexsort((least, best))[:_DIVE_BOXES]
        some = boxes.take(order)
        for row, j in box_designs(some.row, some.low, some.high, DESIGNS_AT_ONCE):
            self._offer(table, row, j)
            break

    def offer(self, row: Ints, j: Ints) -> None:
        """Evaluate designs; the best becomes the incumbent if it is better."""
        assert self.table is not None
        self._offer(self.table, row, j)

    @property
    def value(self) -> float:
        """Value to minimise of the incumbent; infinite without one."""
        return np.inf if self.incumbent is None else self.model.value_of(self.incumbent)

    # Tightening

    def _alive(self, table: Table, boxes: Boxes, least: Floats) -> NDArray[np.bool_]:
        """Boxes that may hold something better than the incumbent, or as good and before it."""
        alive = np.isfinite(least) & (least <= self.value)
        if self.model.exact and self.incumbent is not None:
            held = table.linear["parameters"].at(boxes.row, boxes.low)
            tied = least == self.value
            alive &= ~(tied & np.asarray(held > self.incumbent.parameters.total, dtype=bool))
        return alive

    def prune(self) -> None:
        """Drop the boxes that the incumbent rules out."""
        if self.table is None:
            return
        alive = self._alive(self.table, self.boxes, self.least)
        self.counts.by_bounds += self.boxes.take(~alive).designs
        self.boxes, self.least = self.boxes.take(alive), self.least[alive]
        self.counts.left = self.boxes.designs
        rest = float(self.least.min()) if len(self.least) else np.inf
        self.floor = max(self.floor, min(rest, self.value, self.unread))

    def replace(self, boxes: Boxes) -> None:
        """Take other boxes of the same designs, bound them and prune."""
        assert self.table is not None
        self.boxes = boxes
        if len(boxes):
            self.least = self.model.relax(self.table, boxes.row, boxes.low, boxes.high).least
            self._settle_singles()
        else:
            self.least = np.zeros(0)
        self.prune()

    def _settle_singles(self) -> None:
        """Boxes of one design get its value as their bound, or go if it breaks a limit."""
        assert self.table is not None
        single = np.flatnonzero(self.boxes.single)
        if not len(single):
            return
        row, j = self.boxes.row[single], self.boxes.low[single]
        value, keeps = self.model.evaluate(self.table, row, j)
        self.incumbent = best_of(self.model, self.table, row, j, value, keeps, self.incumbent)
        slack = 0.0 if self.model.exact else 100.0 * ROUNDING
        lower = value - slack * np.abs(value)  # the exact value may round below the vectorised one
        self.least[single] = np.where(keeps, np.maximum(self.least[single], lower), np.inf)

    def halve(self) -> None:
        """Split every box that can be split, look at the most promising corners, and prune."""
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
        """Split and prune until few boxes are left, or none can be split, or time is up."""
        while (
            boxes < len(self.boxes) < MANY_BOXES
            and not self.boxes.single.all()
            and not self.clock.out_of_time
        ):
            self.halve()

    def compare(self) -> bool:
        """Compare every design that is left, exactly; False if time ran out before the end."""
        if self.table is None:
            return True
        for row, j in box_designs(self.boxes.row, self.boxes.low, self.boxes.high, DESIGNS_AT_ONCE):
            if self.clock.out_of_time:
                return False
            self.offer(row, j)
            self.counts.compared += len(row)
        return True
