"""The optimum along one limit or setting, and the cost of another size at each point.

Every point is a proven solve of the whole problem with one value changed, tokens chosen anew. The
*band* is the cost of being off by a factor of two in size: for each point, the best of the designs
with at most half the optimum's parameters, and of those with at least twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from modelsizer.optimizer.constraints import (
    Constraint,
    constrained,
    constraints,
    tightened,
    with_constraints,
)
from modelsizer.optimizer.result import PROVEN, Result, Side, Status
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict, parameters_dict
from modelsizer.problems.brief import named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.space.heads import head_menus
from modelsizer.problems.tables.space import Space
from modelsizer.problems.units import Number

FACTOR = 2
"""Factor in parameters between the optimum and the designs of the band."""
HELD = 1e-4
"""Nats that other limits must cost before a point counts as held. Below, they choose between
sizes a tenth apart: a factor of two costs 3e-3 to 1e-2, a tenth a fiftieth of that."""

_TRIED = 100  # values checked before the first is solved

Progress = Callable[[int, int], None]
"""Called with the number of points done and of all."""


@dataclass(frozen=True, slots=True)
class OffSize:
    """The best design with at most half, or at least twice, the optimum's parameters.

    Parameters
    ----------
    status : {"optimal", "infeasible", "limit"}
    design : Evaluation or None
        None also if the search was stopped before the proof.
    """

    status: Status
    design: Evaluation | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"status": self.status, **_design_dict(self.design)}


@dataclass(frozen=True, slots=True)
class Point:
    """The answer at one value of the limit.

    Parameters
    ----------
    limit : int or float
        The value.
    status : {"optimal", "infeasible", "limit"}
        What is proven; "limit" if the time ran out first.
    value : int or float or None
        Of the objective.
    design : Evaluation or None
    half, twice : OffSize or None
        The band; None where it was not requested or not reached.
    edge : tuple of str
        Ends of menus that the design is at, such as ``"layers max"``.
    held : bool or None
        Without the limits other than the swept one another design has `HELD` less loss. Only
        checked where compute is swept; None if the check was stopped.
    """

    limit: Number
    status: Status
    value: Number | None
    design: Evaluation | None
    half: OffSize | None = None
    twice: OffSize | None = None
    edge: tuple[str, ...] = ()
    held: bool | None = False

    @property
    def free(self) -> bool:
        """Whether neither the end of a menu nor another limit determines the design."""
        return self.status == "optimal" and not self.edge and self.held is False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "limit": self.limit,
            "status": self.status,
            "value": self.value,
            **_design_dict(self.design),
            "half": None if self.half is None else self.half.to_dict(),
            "twice": None if self.twice is None else self.twice.to_dict(),
            "edge": list(self.edge),
            "held": self.held,
        }


def _design_dict(design: Evaluation | None) -> dict[str, Any]:
    names = ("loss", "architecture", "parameters", "tokens", "training_flops")
    if design is None:
        return dict.fromkeys(names)
    return {
        "loss": design.loss,
        "architecture": architecture_dict(design.architecture),
        "parameters": parameters_dict(design.parameters),
        "tokens": design.tokens,
        "training_flops": design.training_flops,
    }


@dataclass(frozen=True, slots=True)
class Frontier(Tabled, Drawn):
    """The optima along one limit or setting.

    Parameters
    ----------
    problem : Problem
    setting : NumericSetting
        The one that was changed.
    points : tuple of Point
        In ascending order of the limit.
    asked : int
        How many values were to be solved.
    stop : str
        Why it ended; "proven" if every value was reached, and each optimum is proven.
    seconds : float
    """

    problem: Problem
    setting: NumericSetting
    points: tuple[Point, ...]
    asked: int
    stop: Stop
    seconds: float

    def _words(self) -> str:
        whole = "complete" if self.complete else f"not complete ({self.stop})"
        return (
            f"of {named(self.problem.name)} along {self.over}: {len(self.points)} of "
            f"{self.asked} points, {whole}"
        )

    @property
    def complete(self) -> bool:
        """Whether every value was reached, and each optimum is proven."""
        return self.stop == "proven"

    @property
    def over(self) -> str:
        """Dotted key of the setting."""
        return self.setting.over

    @property
    def solved(self) -> tuple[Point, ...]:
        """The points with a proven optimum."""
        return tuple(point for point in self.points if point.status == "optimal")

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract but for the exponents."""
        objective = self.problem.objective
        return {
            "name": self.problem.name,
            "over": self.over,
            "objective": {"name": objective.quantity, "sense": objective.sense},
            "complete": self.complete,
            "stop": self.stop,
            "asked": self.asked,
            "seconds": round(self.seconds, 6),
            "points": [point.to_dict() for point in self.points],
        } | sources(self.problem)


def frontier(
    problem: Problem,
    over: str = "budgets.training_flops",
    values: Iterable[Number] | None = None,
    *,
    solver: str = DEFAULT_SOLVER,
    band: bool = True,
    time_limit: float | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> Frontier:
    """Solve a problem at several values of one limit or setting.

    Parameters
    ----------
    problem : Problem
    over : str
        Dotted key of a limit, with or without its side (see
        `modelsizer.optimizer.constraints.setting_of`), ``budgets.parameters.min``, or of another
        number, ``serving.context_length``.
    values : iterable of int or float, optional
        In base units; repeats are solved once. By default 21 from a hundredth to a hundred times
        the problem's own.
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    band : bool
        Also solve for half and twice the size.
    time_limit : float, optional
        Seconds for the whole sweep. What is solved by then, or by an interruption, is returned as
        not complete.
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.
    progress : callable, optional
        Called with the number of points done and of all.

    Returns
    -------
    Frontier

    Raises
    ------
    ProblemError
        If the key is no number of the problem, or one of its values makes no sense.
    ArgumentError
        If the time limit is negative or not finite.
    ValueError
        If the solver is unknown or not installed.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = frontier(Problem.load("phone-2gb"), "budgets.training_flops", [1e21, 1e22])
    >>> [point.design.architecture.layers for point in found.solved]
    [30, 30]
    """
    require_type("problem", problem, Problem)
    require_type("over", over, str)
    clock = Clock.of(time_limit) if clock is None else clock.within()
    base = problem.without_scenarios()
    setting = NumericSetting.of(base, over)
    values = sorted(set(setting.spaced(base) if values is None else values))
    for value in values if len(values) <= _TRIED else (values[0], values[-1]):
        setting.at(base, value)  # refuses a value that makes no sense before hours of solving
    run = _Run(Solver(base, solver=solver, clock=clock), clock)
    points: list[Point] = []
    with run.ending:
        for value in values:
            clock.check()
            points.append(_point(run, setting.at(base, value), value, setting, band=band))
            if progress is not None:
                progress(len(points), len(values))
            if run.interrupted:
                break
    return Frontier(problem, setting, tuple(points), len(values), run.ending.stop, clock.elapsed)


class _Run:
    """One solver, its clock, and whether all its results are proven."""

    def __init__(self, solver: Solver, clock: Clock) -> None:
        self._solver, self._clock = solver, clock
        self.ending = Ending()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended a solve."""
        return self.ending.stop == "interrupted"

    @property
    def over(self) -> bool:
        """Whether to leave out the rest of a point, which then counts as not proven."""
        late = self._clock.out_of_time
        if late and self.ending.complete:
            self.ending.stop = self._clock.stop
        return late or self.interrupted

    def solve(self, problem: Problem) -> Result:
        result = self._solver.solve(problem=problem, details=False)
        if result.stop not in PROVEN:
            self.ending.stop = result.stop
        return result


def _point(
    run: _Run, problem: Problem, value: Number, setting: NumericSetting, *, band: bool
) -> Point:
    result = run.solve(problem)
    design = result.design
    if design is None or result.status != "optimal":
        return Point(value, result.status, result.objective.value, design)
    half = twice = None
    if band and not run.over:
        half = _off_size(run, problem, "max", design.parameters.total // FACTOR)
    if band and not run.over:
        twice = _off_size(run, problem, "min", design.parameters.total * FACTOR)
    held: bool | None = False
    if setting.name in names_of("flops") and problem.objective.quantity == "loss":
        held = None if run.over else _limited_otherwise(run, problem, setting, design)
    edge = edges(problem.space, design.architecture)
    return Point(value, "optimal", result.objective.value, design, half, twice, edge, held)


def _off_size(run: _Run, problem: Problem, side: Side, parameters: int) -> OffSize:
    """The best design with at most, or at least, so many parameters."""
    size = Constraint("budgets.parameters", "parameters", side, parameters)
    try:
        asked = with_constraints(problem, tightened(constraints(problem), size))
    except ProblemError:  # contradicts the other side of the problem's own limit
        return OffSize("infeasible", None)
    result = run.solve(asked)
    return OffSize(result.status, result.design if result.stop in PROVEN else None)


def _limited_otherwise(
    run: _Run, problem: Problem, setting: NumericSetting, design: Evaluation
) -> bool | None:
    """Whether a better design is feasible without the other constraints; None if unknown."""
    given = constraints(problem)
    swept = [c for c in given if c.base == f"budgets.{setting.name}"]
    if len(swept) == len(given):
        return False
    tables = constrained(problem, swept)
    result = run.solve(Problem.from_tables(tables, like=problem))
    if result.design is not None and design.loss - result.design.loss > HELD:
        return True
    return False if result.stop in PROVEN else None


def edges(space: Space, architecture: Architecture) -> tuple[str, ...]:
    """Ends of the menus of layers and d_model that a design is at.

    A fixed value is no menu, and widths that no number of heads divides are not in it.
    """
    widths = np.array(space.d_model.numbers, dtype=np.int64)
    if space.heads is None or space.head_dim is None:
        menu, _ = head_menus(space)
        widths = widths[(widths[:, None] % menu == 0).any(axis=1)]
    depths = np.array(space.layers.numbers, dtype=np.int64)
    found = []
    for name, menu, value in (
        ("layers", depths, architecture.layers),
        ("d_model", widths, architecture.trunk.d_model),
    ):
        if len(menu) > 1 and value in (menu[0], menu[-1]):
            found.append(f"{name} {'max' if value == menu[-1] else 'min'}")
    return tuple(found)
