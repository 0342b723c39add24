"""HiGHS on a piecewise-linear relaxation, without tightening, as one would formulate it first.

The columns of width options and depths are those of `benchmarks.rivals.scip`, over whole depth
intervals. Convex powers (of N and of L) are above their tangents at fixed, log-spaced breakpoints;
concave ones (F^beta, and -(d_model^2 L)^-g) are above their secants between breakpoints, with a
binary for each piece. The program is a relaxation, so its bound is valid up to HiGHS's tolerances,
but stays below the least loss by the error of the pieces, and proves no design optimal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.answer import RivalAnswer, Skipped, Stopwatch, answered
from benchmarks.rivals.statement import Affine, Statement, state
from modelsizer.optimizer.milp.backends.quiet import silenced
from modelsizer.problems.problem import Problem

TANGENTS = 64
PIECES = 32
"""Number of pieces over the whole range of a quantity; secants are off by about 1e-4 nats."""

Floats = NDArray[np.float64]


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Solve the relaxation with HiGHS and evaluate the design that it selects.

    Raises
    ------
    Skipped
        If highspy is not installed, or the problem cannot be stated.
    """
    try:
        import highspy
    except ImportError:
        raise Skipped("highspy is not installed") from None
    clock = Stopwatch()
    stated = state(problem, tightened=False)
    with silenced():
        engine = highspy.Highs()
        engine.setOptionValue("output_flag", False)
        program = _Program(highspy, engine)
        depth = _formulated(program, stated)
        engine.setOptionValue("mip_rel_gap", 0.0)
        engine.setOptionValue("time_limit", max(seconds - clock.elapsed, 1e-3))
        clock.start()
        engine.run()
        clock.stop()
    info = engine.getInfo()
    status = engine.modelStatusToString(engine.getModelStatus())
    words = f"{status}, {len(stated)} width options, {info.mip_node_count} nodes"
    bound = info.mip_dual_bound if math.isfinite(info.mip_dual_bound) else None
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return answered(problem, None, clock, words, bound=bound)
    values = np.array(engine.getSolution().col_value)
    option = int(values[: len(stated)].argmax())
    design = stated.design(option, round(values[depth[option]]))
    return answered(problem, design, clock, words, bound=bound)


class _Program:
    """Columns and rows, passed to HiGHS one by one."""

    def __init__(self, highspy, engine) -> None:
        self._engine = engine
        self._kinds = {False: highspy.HighsVarType.kContinuous, True: highspy.HighsVarType.kInteger}
        self._infinity = highspy.kHighsInf
        self._columns = 0

    def column(
        self, low: float, high: float | None, *, cost: float = 0.0, whole: bool = False
    ) -> int:
        self._engine.addVar(low, self._infinity if high is None else high)
        if cost:
            self._engine.changeColCost(self._columns, cost)
        if whole:
            self._engine.changeColIntegrality(self._columns, self._kinds[True])
        self._columns += 1
        return self._columns - 1

    def row(
        self,
        columns: Sequence[int] | NDArray[np.int64],
        values: Sequence[float] | Floats,
        low: float | None,
        high: float | None,
    ) -> None:
        at, by = np.asarray(columns, dtype=np.int32), np.asarray(values, dtype=float)
        ends = -self._infinity if low is None else low, self._infinity if high is None else high
        self._engine.addRow(*ends, len(at), at, by)

    def constant(self, value: float) -> None:
        self._engine.changeObjectiveOffset(value)


def _formulated(program: _Program, stated: Statement) -> list[int]:
    """Build the program; return the columns of depths."""
    count, law = len(stated), stated.law
    (width, p), (deep, q), (least, g) = stated.shape_terms
    # The width's part of the shape excess is a constant per width option, in a row of its own.
    chosen = [program.column(0, 1, whole=True) for _ in range(count)]
    depth = [program.column(0, float(last), whole=True) for last in stated.last]
    both = np.array([*chosen, *depth])
    program.row(chosen, np.ones(count), 1, 1)
    for w in range(count):
        program.row([depth[w], chosen[w]], [1.0, -float(stated.last[w])], None, 0)

    def weights(quantity: Affine) -> Floats:
        return np.concatenate([quantity.base, quantity.unit])

    def variable(quantity: Affine) -> tuple[int, float, float, float]:
        """A column for a quantity divided by the geometric middle of its range; middle, range."""
        low, high = stated.range_of(quantity)
        scale = math.sqrt(low * high)
        column = program.column(low / scale, high / scale)
        program.row([*both, column], [*weights(quantity.over(scale)), -1.0], 0, 0)
        return column, scale, low / scale, high / scale

    for row in stated.rows:
        program.row(both, weights(row.affine), row.low, row.high)

    def convex(target: int, at: int, low: float, high: float, power: _Power) -> None:
        for x in np.geomspace(low, high, TANGENTS):
            slope = power.slope(x)
            program.row([target, at], [1.0, -slope], power(x) - slope * x, None)

    def concave(at: int, low: float, high: float, power: _Power) -> int:
        """A column above the secants of a concave power."""
        ends = np.geomspace(low, high, PIECES + 1)
        rise = np.diff([power(x) for x in ends]) / np.diff(ends)
        constant = np.array([power(x) for x in ends[:-1]]) - rise * ends[:-1]
        piece = [program.column(0, 1, whole=True) for _ in range(PIECES)]
        inside = [program.column(0, high) for _ in range(PIECES)]
        program.row(piece, np.ones(PIECES), 1, 1)
        program.row([*inside, at], [*np.ones(PIECES), -1.0], 0, 0)
        for k in range(PIECES):
            program.row([inside[k], piece[k]], [1.0, -ends[k]], 0, None)
            program.row([inside[k], piece[k]], [1.0, -ends[k + 1]], None, 0)
        target = program.column(min(power(low), power(high)), None)
        program.row([target, *piece, *inside], [1.0, *-constant, *-rise], 0, None)
        return target

    size, data, shape = (program.column(0, None, cost=1.0) for _ in range(3))
    n, scale, low, high = variable(stated.size)
    convex(size, n, low, high, _Power(law.A * scale**-law.alpha, -law.alpha))
    if math.isfinite(stated.most_tokens):
        least_data = law.B * stated.most_tokens**-law.beta * stated.scale
        program.row([data, *chosen], [1.0, *-least_data], 0, None)
    if np.isfinite(stated.most_flops).all():
        flops, scale, low, high = variable(stated.rate)
        paid = concave(flops, low, high, _Power(law.B * scale**law.beta, law.beta))
        program.row([data, paid], [1.0, -1.0], 0, None)
    if width:
        layers, scale, low, high = variable(stated.layers)
        of_depth = program.column(0, None)
        convex(of_depth, layers, low, high, _Power(deep * scale**q, q))
        squared = stated.d_model**2
        quantity = Affine(squared * stated.layers.base, squared * stated.layers.unit)
        area, scale, low, high = variable(quantity)
        of_area = concave(area, low, high, _Power(least * scale**g, g))
        of_width = width * stated.d_model**p
        program.row([shape, *chosen, of_depth, of_area], [1.0, *-of_width, -1.0, -1.0], 0, None)
    program.constant(law.E)
    return depth


class _Power:
    """``coefficient x ^ exponent``."""

    def __init__(self, coefficient: float, exponent: float) -> None:
        self._coefficient, self._exponent = coefficient, exponent

    def __call__(self, x: float) -> float:
        return float(self._coefficient * x**self._exponent)

    def slope(self, x: float) -> float:
        return float(self._coefficient * self._exponent * x ** (self._exponent - 1.0))
