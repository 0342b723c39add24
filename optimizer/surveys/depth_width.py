"""Compare shapes of nearly equal size, deepest to widest.

Sizes differ within a tolerance, and a larger model has less loss whatever its shape, so shapes
are ranked by their shape excess alone, not by loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit, depth_intervals
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.infeasible import why_infeasible
from modelsizer.optimizer.search.compare import at_once, box_designs, by_tie_rule
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.depth_width_rows import (
    SIDE_BY_SIDE,
    DepthWidth,
    Excluded,
    Habit,
    ShapeRow,
    excluded_of,
)
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop, StoppedError
from modelsizer.optimizer.tables.table import Ints, Mask, Table
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import tie_key
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.designs.evaluation import Evaluation, evaluate, judge
from modelsizer.problems.errors import ModelsizerError, ProblemError, require_type
from modelsizer.problems.laws.shapes import WidthDepthShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import Number, exact, format_quantity

DEFAULT_TOLERANCE = 0.02
"""Relative; one layer in fifty changes the size by as much."""
_AT_LEAST = 200  # rows that are evaluated whatever the time: about 0.1 s


class InfeasibleError(ModelsizerError):
    """Raised if no design of the space is feasible.

    Parameters
    ----------
    reasons : list of str
        See `modelsizer.optimizer.infeasible.why_infeasible`.
    """

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("infeasible: " + "; ".join(reasons))


class UnknownSizeError(ModelsizerError, StoppedError):
    """Raised if a limit of time or memory stops the work before the optimum's size is known."""

    def __init__(self, stop: Stop) -> None:
        StoppedError.__init__(self, stop)
        why = "the machine's memory is full" if stop == "memory" else "the time limit was reached"
        self.args = (f"no size is known: {why} before the optimum was proven; give parameters",)


def optimal_size(problem: Problem, clock: Clock | None = None) -> int:
    """Number of parameters of a problem's optimum.

    Parameters
    ----------
    problem : Problem
    clock : Clock, optional

    Raises
    ------
    InfeasibleError
        If no design is feasible.
    UnknownSizeError
        If the clock stops the search for the optimum.
    """
    clock = Clock() if clock is None else clock
    try:
        found = Solver(problem, clock=clock).solve(details=False).finished()
        if found.design is None:
            raise InfeasibleError(why_infeasible(Model(problem), clock))
    except StoppedError as error:
        raise UnknownSizeError(error.stop) from None
    return found.design.parameters.total


def depth_width(
    problem: Problem,
    parameters: Number | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    layers: int | None = None,
    *,
    time_limit: float | None = None,
    clock: Clock | None = None,
) -> DepthWidth:
    """For each depth, find the feasible design nearest to a size.

    Designs are evaluated as in `solve`, under the problem's own objective. Among designs equally
    near, `Evaluation.tie_key` decides.

    Parameters
    ----------
    problem : Problem
    parameters : int or float, optional
        The target size, a whole number; by default that of the optimum.
    tolerance : float
        Relative and inclusive, compared in exact integers; interpreted as the decimal written.
    layers : int, optional
        A depth to compare with the preferred one.
    time_limit : float, optional
        Seconds; on reaching it, the nearest designs found are listed.
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.

    Returns
    -------
    DepthWidth

    Raises
    ------
    ProblemError
        If the size or the tolerance is invalid, no design of that size is feasible (the message
        gives the nearest sizes that are), or no design with `layers` has that size.
    InfeasibleError
        If no design of any size is feasible.
    UnknownSizeError
        If the optimum's size was asked for and the time limit left it unknown.

    Examples
    --------
    >>> from modelsizer import Problem, depth_width
    >>> found = depth_width(Problem.load("phone-2gb"))
    >>> found.parameters, found.preferred.layers
    (1958864896, 30)
    """
    require_type("problem", problem, Problem)
    clock = Clock.of(time_limit) if clock is None else clock
    target = _whole(optimal_size(problem, clock) if parameters is None else parameters)
    if not 0 <= tolerance < 1:
        raise ProblemError.of("tolerance", f"{tolerance!r} is not a share from 0 to below 1")
    model, ending = Model(problem), Ending()
    fitting, any_ = _Nearest(problem, target), _Nearest(problem, target)
    with ending:
        for table, row, j, fits in _of_size(model, window(target, tolerance), clock):
            any_.offer(table, row, j)
            fitting.offer(table, row[fits], j[fits])
    rows: list[ShapeRow] = []
    for found in fitting.architectures():
        if len(rows) >= _AT_LEAST and clock.out_of_time:
            ending.stop = clock.stop
            break
        rows.append(ShapeRow(evaluate(problem, found)))
    if not ending.complete:
        return DepthWidth(problem, target, tolerance, tuple(rows), (), None, stop=ending.stop)
    lost = [found for found in any_.architectures() if found.layers not in fitting.layers]
    excluded = tuple(excluded_of(problem, found) for found in lost)
    try:
        if not rows:
            raise _nothing(model, target, tolerance, excluded, clock)
        rows = _marked(problem, target, rows)
        preferred = next((row for row in rows if row.preferred), None)
        ideal = None
        if preferred is not None and isinstance(problem.shape, WidthDepthShape):
            ideal = problem.shape.ideal(preferred.d_model, preferred.layers)
        shapes = DepthWidth(problem, target, tolerance, tuple(rows), excluded, ideal)
        return shapes if layers is None else replace(shapes, habit=_habit(shapes, layers, clock))
    except StoppedError as error:
        return DepthWidth(problem, target, tolerance, tuple(rows), excluded, None, stop=error.stop)


def window(target: int, tolerance: float) -> tuple[int, int]:
    """Least and greatest number of parameters within a tolerance, inclusive."""
    share = exact(tolerance)
    return math.ceil(target * (1 - share)), math.floor(target * (1 + share))


def _whole(parameters: Number) -> int:
    value = exact(parameters) if math.isfinite(parameters) else Fraction(0)
    if value.denominator != 1 or not 0 < value < LARGEST_INT64 // 2:
        raise ProblemError.of(
            "parameters", f"{parameters!r} is not a whole number of parameters, such as 7e9"
        )
    return int(value)


# Selection


class _Nearest:
    """Collect, for each depth, the offered design nearest to a size."""

    def __init__(self, problem: Problem, target: int) -> None:
        self._problem, self._target = problem, target
        self._depths = np.array(problem.space.layers.numbers, dtype=np.int64)
        self._gap = np.full(len(self._depths), LARGEST_INT64)
        self._best: dict[int, tuple[tuple[Any, ...], Architecture]] = {}

    @property
    def layers(self) -> set[int]:
        """Depths of the designs offered."""
        return set(self._best)

    def offer(self, table: Table, row: Ints, j: Ints) -> None:
        """Keep designs nearer than earlier ones, or equally near and first by the tie rule."""
        size = table.linear["parameters"].at(row, j)
        at = np.searchsorted(self._depths, table.layers(row, j))
        # Sizes beyond int64 are Python integers; so far apart, nearer or not is all the same.
        target = min(self._target, LARGEST_INT64)
        gap = np.minimum(np.abs(size - target), LARGEST_INT64).astype(np.int64)
        np.minimum.at(self._gap, at, gap)
        near = np.flatnonzero(gap == self._gap[at])
        if not len(near):
            return
        order = by_tie_rule(table, row[near], j[near])
        order = order[np.argsort(at[near][order], kind="stable")]
        first = near[order[np.flatnonzero(np.diff(at[near][order], prepend=-1))]]
        for i in first:  # the best at each depth
            depth = int(self._depths[at[i]])
            design = table.architecture(self._problem, row[i], j[i])
            mine = (int(gap[i]), tie_key(design, int(size[i])), design.block)
            if depth not in self._best or mine < self._best[depth][0]:
                self._best[depth] = mine, design

    def architectures(self) -> Iterator[Architecture]:
        """Architectures kept, deepest first."""
        for layers in sorted(self._best, reverse=True):
            yield self._best[layers][1]


def _boxes(table: Table, rules: list[Limit]) -> tuple[Ints, Ints, Ints]:
    """Rows of a table with at least one feasible depth, and their depth intervals."""
    row = np.arange(len(table))
    low, high = depth_intervals(table, rules, row, np.zeros_like(table.count), table.count - 1)
    some = (low <= high).all(axis=1)
    return row[some], low[some], high[some]


def _linear_only(model: Model, table: Table) -> bool:
    """Whether depth intervals alone determine feasibility."""
    return table.count.shape[1] == 1 and model.most_loss is None and model.least_loss is None


def _of_size(
    model: Model, sizes: tuple[int, int], clock: Clock
) -> Iterator[tuple[Table, Ints, Ints, Mask]]:
    """Designs in a range of sizes, in chunks of bounded size, with a mask of the feasible ones."""
    clock.check()
    for table in model.tables():
        clock.check()
        rows, low, high = _boxes(table, [Limit("", "parameters", *sizes)])
        fit = depth_intervals(table, model.rules(table), rows, low, high)
        for box, j in box_designs(np.arange(len(rows)), low, high, at_once(clock)):
            clock.check()
            row = rows[box]
            fits: Mask = np.asarray(((fit[0][box] <= j) & (j <= fit[1][box])).all(axis=1))
            if not _linear_only(model, table):
                some = np.flatnonzero(fits)
                fits[some] = model.evaluate(table, row[some], j[some])[1]
            yield table, row, j, fits


def _sizes_around(model: Model, target: int, clock: Clock) -> tuple[int | None, int | None]:
    """Nearest sizes below and above the target among feasible designs."""
    below: int | None = None
    above: int | None = None
    for table in model.tables():
        size = table.linear["parameters"]
        for side in ("below", "above"):
            ends = (None, target) if side == "below" else (target, None)
            rows, low, high = _boxes(table, [*model.rules(table), Limit("", "parameters", *ends)])
            if _linear_only(model, table):  # sizes increase with depth
                low, high = (high, high) if side == "below" else (low, low)
            for row, j in box_designs(rows, low, high, at_once(clock)):
                clock.check()
                if not _linear_only(model, table):
                    keeps = model.evaluate(table, row, j)[1]
                    row, j = row[keeps], j[keeps]
                if not len(row):
                    continue
                sizes = size.at(row, j)
                if side == "below":
                    below = max(int(sizes.max()), below or 0)
                else:
                    above = min(int(sizes.min()), above or int(sizes.min()))
    return below, above


def _marked(problem: Problem, target: int, rows: list[ShapeRow]) -> list[ShapeRow]:
    """Mark the row of least shape excess as preferred; of equal excess, the nearest in size."""
    if not problem.quality.prices_shape:
        return rows
    best = min(
        rows, key=lambda r: (r.design.shape_excess, abs(r.parameters - target), r.design.tie_key)
    )
    return [ShapeRow(row.design, row is best) for row in rows]


# No row


def _sizes(sizes: list[int]) -> str:
    return " and ".join(f"{format_quantity(n, 'parameters', 4)} ({n:,})" for n in sizes)


def _about(target: int, tolerance: float) -> str:
    return f"within {100 * tolerance:g} % of {target:,} parameters"


def _nothing(
    model: Model, target: int, tolerance: float, excluded: tuple[Excluded, ...], clock: Clock
) -> ModelsizerError:
    """The error if there is no row."""
    around = [size for size in _sizes_around(model, target, clock) if size is not None]
    if not around:
        return InfeasibleError(why_infeasible(model, clock))
    what = "size that does is" if len(around) == 1 else "sizes that do are"
    text = f"no design {_about(target, tolerance)} keeps every limit; the nearest {what}"
    text += f" {_sizes(around)}"
    if excluded:
        nearest = min(
            excluded, key=lambda out: (abs(out.design.parameters.total - target), -out.layers)
        )
        breaks = "; ".join(map(str, nearest.broken))
        text += f". The nearest within it, of {nearest.layers} layers, breaks {breaks}"
    return ProblemError.of("parameters", text)


# Comparison of a given depth with the preferred one


def _flops_of_text(design: Evaluation) -> float:
    """Training FLOPs of the text of a token that the law counts."""
    return design.training_flops_per_token * (design.tokens / design.text)


def _habit(found: DepthWidth, layers: int, clock: Clock) -> Habit:
    row = next((row for row in found.rows if row.layers == layers), None)
    out = next((out for out in found.excluded if out.layers == layers), None)
    best = found.preferred
    if row is None and out is None:
        raise ProblemError.of("layers", _absent(found, layers, clock))
    if row is None or best is None:
        return Habit(layers, row, best, out, None, None, None, {})
    mine, theirs = row.design, best.design
    tokens_fraction = flops_fraction = None
    if math.isfinite(mine.text):
        shaped = judge(found.problem.quality, theirs.architecture)
        needed = float(shaped.tokens_for(float(mine.law_parameters), mine.loss))
        tokens_fraction = needed / mine.text if best is not row else 1.0
        each = [_flops_of_text(d) / d.law_parameters for d in (theirs, mine)]
        flops_fraction = tokens_fraction * each[0] / each[1]
    differences = {}
    for name in SIDE_BY_SIDE:
        a, b = row.quantity(name), best.quantity(name)
        if a is not None and b is not None:
            differences[name] = a - b
    return Habit(
        layers,
        row,
        best,
        None,
        mine.shape_excess - theirs.shape_excess,
        tokens_fraction,
        flops_fraction,
        differences,
    )


def _absent(found: DepthWidth, layers: int, clock: Clock) -> str:
    """Why a depth has neither a row nor a violated constraint, and which sizes it has."""
    problem, target = found.problem, found.parameters
    if layers not in problem.space.layers.numbers:
        return f"{layers} is not a depth that space.layers offers"
    text = f"no design of {layers} layers is {_about(target, found.tolerance)}"
    try:
        alone = problem.with_settings({"space.layers": layers})
    except ProblemError:  # the space has no design of that depth
        return f"{text}, nor of any size: see space.aspect_ratio and what must divide the layers"
    around = [size for size in _sizes_around(Model(alone), target, clock) if size is not None]
    if not around:
        return f"{text}, and none of any other size keeps every limit"
    least = min(abs(size - target) for size in around) / target
    percent = math.ceil(1000 * least) / 10
    return (
        f"{text}. The nearest of that depth that keep every limit have {_sizes(around)}: a "
        f"tolerance of {percent:g} % takes one in"
    )
