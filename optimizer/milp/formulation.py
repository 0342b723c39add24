"""Formulation of a problem as a mixed-integer program.

Columns: for each box b a binary z[b], "the design lies in box b", and for each depth axis k an
integer x[b, k], the steps above the box's minimum depth. Rows: exactly one z is one; x[b, k] is
within its box if z[b] is one, else zero (with the smallest big-M valid on the box); each linear
budget, summed over the boxes; the loss limit, as its affine bound on each box. Objective: the
affine lower bound on the objective over each box. Every feasible design is a point of the program
whose objective does not exceed the design's own, so the program's optimum is a lower bound. It is
the optimum of the problem if all boxes that can attain it are single designs.

Each row is divided by its limit and the objective by its spread, so that all numbers are about 1:
unscaled, CBC and HiGHS report 6e18 x + 4e18 y <= 1e21 as infeasible.
"""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.bounds.limits import NO_END, Limit
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import Affine
from modelsizer.optimizer.milp.program import FEASIBILITY, Floats, Program
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.table import Ints, Table
from modelsizer.problems.architecture.choices import CHOICES
from modelsizer.problems.quantities.batches import AT_REQUESTS
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Formulation:
    """A program and the meaning of its columns.

    Parameters
    ----------
    program : Program
    boxes : Boxes
        Box of each z column, in order.
    step_column : array of shape (B, A)
        Column of x[b, k]; -1 if the box has only one depth.
    reference, spread : float
        The program's objective is ``(scaled objective - reference) / spread``.
    """

    program: Program
    boxes: Boxes
    step_column: Ints
    reference: float
    spread: float

    def scaled(self, objective: float) -> float:
        """Convert a bound to the scale of `Model.from_value`, less the solver's tolerance."""
        return self.reference + self.spread * (objective - 2.0 * FEASIBILITY)

    def design(self, x: Floats) -> tuple[int, Ints] | None:
        """Return box and depths of a point, rounded to integers; None if it is not a design."""
        chosen = np.flatnonzero(np.rint(x[: len(self.boxes)]) == 1)
        if len(chosen) != 1:
            return None
        box = int(chosen[0])
        steps = np.zeros(self.step_column.shape[1], dtype=np.int64)
        for k, column in enumerate(self.step_column[box]):
            if column >= 0:
                steps[k] = int(np.rint(x[column]))
        j = self.boxes.low[box] + steps
        inside = (j >= self.boxes.low[box]).all() and (j <= self.boxes.high[box]).all()
        return (box, j) if inside else None


LARGEST_ENTRY = 1e6
"""Entries of a row above which a lower limit is certainly kept, and solvers lose digits."""


class _Rows:
    """Sparse rows under construction."""

    def __init__(self) -> None:
        self.entries: list[tuple[Ints, Ints, Floats]] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.names: list[str] = []

    def add(self, columns: Ints, values: Floats, low: float, high: float, name: str) -> None:
        index = np.full(len(columns), len(self.names), dtype=np.int64)
        self.entries.append((index, np.asarray(columns, dtype=np.int64), values))
        self.low.append(low)
        self.high.append(high)
        self.names.append(name)


_NAMED = tuple(choice for choice in CHOICES if choice.width and choice.short)


def _column_names(table: Table, boxes: Boxes) -> list[str]:
    names = []
    for b, row in enumerate(boxes.row):
        first = table.layers(np.array([row]), boxes.low[b : b + 1])[0]
        last = table.layers(np.array([row]), boxes.high[b : b + 1])[0]
        held = {choice.short: table.column(choice.name)[row] for choice in _NAMED}
        widths = "_".join(f"{short}{width}" for short, width in held.items() if width)
        names.append(f"z{b}_{widths}_L{first}_to_{last}")
    return names


def formulate(model: Model, table: Table, boxes: Boxes, least: Floats) -> Formulation | None:
    """Formulate the program over some boxes; None if some box has no finite bound.

    Parameters
    ----------
    model : Model
    table : Table
    boxes : Boxes
        At least one.
    least : array of shape (B,)
        Known lower bounds; for a single-design box its value.
    """
    relaxed = model.relax(table, boxes.row, boxes.low, boxes.high)
    extent = boxes.high - boxes.low
    objective = _with_settled(model, relaxed.objective, boxes, least)
    if not (np.isfinite(objective.constant).all() and np.isfinite(objective.slope).all()):
        return None
    width = len(boxes)
    step_column = np.full(extent.shape, -1, dtype=np.int64)
    wide = np.argwhere(extent > 0)
    step_column[wide[:, 0], wide[:, 1]] = width + np.arange(len(wide))

    ends = objective.constant + np.maximum(objective.slope * extent, 0.0).sum(axis=1)
    starts = objective.constant + np.minimum(objective.slope * extent, 0.0).sum(axis=1)
    reference = float(starts.min())
    spread = float(ends.max()) - reference
    spread = spread if spread > 0 else max(abs(reference), 1.0)
    z_cost = (objective.constant - reference) / spread
    x_cost = objective.slope[wide[:, 0], wide[:, 1]] / spread

    rows = _Rows()
    rows.add(np.arange(width), np.ones(width), 1.0, 1.0, "one_design")
    for number, (b, k) in enumerate(wide):
        # x / extent <= z, so that coefficients are about 1.
        columns = np.array([width + number, b])
        rows.add(columns, np.array([1.0 / extent[b, k], -1.0]), -np.inf, 0.0, f"depth_{b}_{k}")
    for limit in model.rules(table):
        _add_limit(rows, limit, table, boxes, wide)
    if relaxed.loss is not None:
        most = model.most_loss
        assert most is not None
        # A box without a finite bound may have any loss, so its entries are zero.
        sure = np.isfinite(relaxed.loss.constant)
        constant = np.where(sure, relaxed.loss.constant, 0.0)
        slope = np.where(sure[:, None], relaxed.loss.slope, 0.0)[wide[:, 0], wide[:, 1]]
        columns = np.arange(width + len(wide))
        rows.add(columns, np.concatenate([constant, slope]) / most, -np.inf, 1.0, "budgets_loss")

    z_names = _column_names(table, boxes)
    x_names = [f"x{b}_{k}" for b, k in wide]
    program = Program(
        np.concatenate([z_cost, x_cost]),
        _matrix(rows, width + len(wide)),
        np.array(rows.low),
        np.array(rows.high),
        np.zeros(width + len(wide)),
        np.concatenate([np.ones(width), extent[wide[:, 0], wide[:, 1]].astype(float)]),
        np.ones(width + len(wide), dtype=bool),
        tuple(z_names + x_names),
        tuple(rows.names),
    )
    return Formulation(program, boxes, step_column, reference, spread)


def _matrix(rows: _Rows, columns: int):  # type: ignore[no-untyped-def]
    from scipy.sparse import csr_array

    index = np.concatenate([e[0] for e in rows.entries])
    column = np.concatenate([e[1] for e in rows.entries])
    value = np.concatenate([e[2] for e in rows.entries])
    return csr_array((value, (index, column)), shape=(len(rows.names), columns))


def _with_settled(model: Model, bound: Affine, boxes: Boxes, least: Floats) -> Affine:
    """Replace the bounds of single-design boxes by their values."""
    single = boxes.single
    constant = bound.constant.copy()
    for b in np.flatnonzero(single):
        constant[b] = max(constant[b], model.from_value(float(least[b])))
    return Affine(constant, bound.slope)


def _add_limit(rows: _Rows, limit: Limit, table: Table, boxes: Boxes, wide: Ints) -> None:
    quantity = table.linear[limit.quantity]
    base = np.asarray(quantity.at(boxes.row, boxes.low)).astype(float)
    unit = np.asarray(quantity.unit[boxes.row]).astype(float)[wide[:, 0], wide[:, 1]]
    columns = np.arange(len(boxes) + len(wide))
    values = np.concatenate([base, unit])
    cost, _, branch = limit.quantity.partition(".")
    key = limit.key.split(".")
    if cost.endswith(AT_REQUESTS):  # a limit on each cost that the batch raises
        key.append(cost.removesuffix(AT_REQUESTS))
    name = "_".join([*key, *([branch] if branch else [])])
    box = np.concatenate([np.arange(len(boxes)), wide[:, 0]])  # of each column
    z = np.arange(len(columns)) < len(boxes)
    if limit.high is not None and limit.high > 0:
        high = _ends(limit.high, limit.highs, table, boxes.row)[box]
        share = np.where(high < NO_END, values / np.maximum(high, 1.0), 0.0)
        rows.add(columns, share, -np.inf, 1.0, f"{name}_max")
    if limit.low is not None and (limit.low > 0 or any(low > 0 for low in limit.lows)):
        low = _ends(limit.low, limit.lows, table, boxes.row)[box]
        share = np.where(low > 0, values / np.maximum(low, 1.0), z)  # boxes without one keep it
        # One unit of an entry of 1 is enough: a large entry says no more, and solvers err by it.
        share = np.where(share > LARGEST_ENTRY, 1.0, share)
        rows.add(columns, share, 1.0, np.inf, f"{name}_min")


def _ends(one: int, each: tuple[int, ...], table: Table, row: Ints) -> Floats:
    """The end of a limit for each row, which may differ by its layout."""
    if not each:
        return np.full(len(row), float(one))
    found: Floats = np.array([float(end) for end in each])[table.layout_id[row]]
    return found
