"""The main limits of an answer: those that move it most, each with stops for a slider.

Of a solved problem they are the limits that bind or are near to: each is loosened and tightened by
a quarter, all else held, and the answer that moves most counts first. Of an infeasible problem they
are the limits that must give, by `modelsizer.optimizer.explain`, as far as they must, and then
those that move the answer of the repaired problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from modelsizer.live.control import Control
from modelsizer.live.controls import limit_controls
from modelsizer.live.stops import Stop, amount_stop, round_numbers
from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.explain.explain import explain
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import LOSSES, Number, exact, plain

MOST = 3
"""Limits that have a slider, at most."""
_LOOSER, _TIGHTER = Fraction(5, 4), Fraction(4, 5)
_LOSS_CHANGE = Fraction(1, 50)  # nats by which a limit on the loss is moved instead
_APART = 10**0.1
"""Ratio of neighbouring stops: ten to a decade."""
_LOSS_STEP = Fraction(1, 100)  # nats between stops of a limit on the loss
_SHARE = 1e-6
"""Relative change of the answer below which a limit does not move it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A limit and the values of it that a slider walks.

    Parameters
    ----------
    constraint : Constraint
        As the problem has it.
    control : Control
        Its stops are ascending, the problem's own value among them.
    """

    constraint: Constraint
    control: Control

    @property
    def key(self) -> str:
        """Dotted key that sets it."""
        return self.control.key

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Its values."""
        return self.control.stops

    @property
    def at(self) -> int:
        """Index of the problem's own value."""
        assert self.control.at is not None
        return self.control.at

    @property
    def upper(self) -> bool:
        """Whether a greater value is the looser one."""
        return self.constraint.side == "max"

    @property
    def loosest_first(self) -> Sequence[int]:
        """Indices of the stops from the loosest to the tightest; of an equality ascending."""
        found = range(len(self.stops))
        return found[::-1] if self.upper and not self.constraint.equality else found

    def limit(self, at: int) -> Number:
        """The value at a stop, in base units."""
        number = self.stops[at].number
        assert number is not None
        return self.constraint.limit if at == self.at else number


@dataclass(frozen=True, slots=True)
class MainLimit:
    """A limit that moves the answer, and the least value that an infeasible problem needs of it."""

    constraint: Constraint
    needed: Number | None = None


def main_limits(result: Result, clock: Clock) -> tuple[MainLimit, ...]:
    """The limits that move an answer most, the first the most.

    Parameters
    ----------
    result : Result
        Proven.
    clock : Clock

    Raises
    ------
    StoppedError
        If the clock stops it.
    """
    problem = result.problem.without_scenarios()
    if result.status == "infeasible":
        return _of_infeasible(problem, clock)
    return tuple(MainLimit(each) for each in _moving(problem, clock))


def _movable(problem: Problem) -> list[Constraint]:
    """The limits that a person can set: not those that a device sets by itself."""
    return [each for each in constraints(problem) if not each.device]


def _moving(problem: Problem, clock: Clock) -> list[Constraint]:
    """The limits that move an optimum, the most first; those that bind before others."""
    solver = Solver(problem, clock=clock)
    base = _value(solver, problem)
    if base is None:
        return []
    order: list[tuple[bool, float, Constraint]] = []
    for each in _movable(problem):
        values = [_at(solver, problem, each, limit) for limit in _around(each)]
        looser = 0.0 if values[0] is None else abs(values[0] - base)
        tighter = math.inf if values[1] is None else abs(values[1] - base)
        least = _SHARE * abs(base)
        if max(looser, tighter) > least:
            order.append((looser > least, looser + min(tighter, abs(base)), each))
    ranked = sorted(order, key=lambda row: (-row[0], -row[1]))  # ties keep the problem's order
    return [each for _, _, each in ranked[:MOST]]


def _around(constraint: Constraint) -> tuple[Number, Number]:
    """A looser and a tighter value of a limit."""
    limit = exact(constraint.limit)
    if constraint.dimension in LOSSES:
        ends = [limit + _LOSS_CHANGE, limit - _LOSS_CHANGE]
    else:
        ends = [limit * _LOOSER, limit * _TIGHTER]
    if constraint.whole:
        ends = [Fraction(max(1, round(end))) for end in ends]
    more, less = (plain(end) for end in ends)
    return (more, less) if constraint.side == "max" else (less, more)


def _at(solver: Solver, problem: Problem, constraint: Constraint, limit: Number) -> float | None:
    """The optimum at another limit; None where there is none."""
    try:
        return _value(solver, moved(problem, constraint.at(limit)))
    except ProblemError:  # it contradicts the other side
        return None


def _value(solver: Solver, problem: Problem) -> float | None:
    """The optimum of a problem, with its proof; None where no design is feasible."""
    found = solver.solve(problem=problem, details=False).finished()
    return None if found.objective.value is None else float(found.objective.value)


def _of_infeasible(problem: Problem, clock: Clock) -> tuple[MainLimit, ...]:
    """The limits that make a problem feasible, alone or else together, and what moves it then."""
    why = explain(problem, time_limit=clock.share(2))
    if not why.complete:
        raise StoppedError(why.stop)
    by_key = {each.key: each for each in _movable(problem)}
    alone = [repair for repair in why.offered if repair.key in by_key][:1]
    repairs = alone or ([] if why.joint is None else list(why.joint.repairs))
    if not repairs or len(repairs) > MOST or any(repair.key not in by_key for repair in repairs):
        return ()
    needed: list[MainLimit] = []
    for repair in repairs:
        assert isinstance(repair.value, int | float)
        needed.append(MainLimit(by_key[repair.key], repair.value))
    changed = [_loosened(each) for each in needed]
    rest = _moving(moved(problem, *changed), clock)
    keys = {each.constraint.key for each in needed}
    others = [MainLimit(by_key[each.key]) for each in rest if each.key not in keys]
    return (*needed, *others)[:MOST]


def _loosened(each: MainLimit) -> Constraint:
    """A limit somewhat beyond what is needed of it."""
    assert each.needed is not None
    at = each.constraint.one_sided(each.constraint.side, each.needed)
    return each.constraint.at(_around(at)[0])


def axes(problem: Problem, limits: Iterable[MainLimit], counts: Iterable[int]) -> tuple[Axis, ...]:
    """The axes of main limits, with so many stops each at most.

    Axes of a single stop are left out.
    """
    controls = {control.key: control for control in limit_controls(problem)}
    found = [_axis(problem, controls, each, n) for each, n in zip(limits, counts, strict=False)]
    return tuple(axis for axis in found if len(axis.stops) > 1)


def _axis(problem: Problem, controls: Mapping[str, Control], main: MainLimit, count: int) -> Axis:
    each = main.constraint
    control = controls.get(each.key) or controls[f"{each.base}.{each.side}"]
    assert control.at is not None
    own = control.stops[control.at]
    stops = [amount_stop(number, each.dimension) for number in _numbers(main, count)]
    stops = [own, *(stop for stop in stops if _sensible(problem, control.key, stop))]
    stops.sort(key=lambda stop: float(stop.number or 0))
    made = replace(control, stops=tuple(stops), at=stops.index(own), fixed=True)
    return Axis(each, made)


def _sensible(problem: Problem, key: str, stop: Stop) -> bool:
    """Whether a value contradicts nothing else of the problem."""
    try:
        problem.with_settings({key: stop.value})
    except ProblemError:
        return False
    return True


def _numbers(main: MainLimit, count: int) -> list[Number]:
    """Round numbers about a limit, or from it to beyond what is needed; without its own."""
    each, own = main.constraint, float(main.constraint.limit)
    loss = each.dimension in LOSSES
    below = above = (count - 1) // 2
    apart = _step(main, count)
    if main.needed is not None:
        tighter = 1
        above, below = (count - 1 - tighter, tighter)
        if each.side == "min":
            above, below = below, above
    if loss:
        step = float(_LOSS_STEP) * apart
        first = [math.ceil(own / step - 0.7) - k for k in range(below)]
        last = [math.floor(own / step + 0.7) + k for k in range(above)]
        whole = [plain(exact(k) * _LOSS_STEP * round(apart)) for k in {*first, *last}]
        return [n for n in whole if n > 0 and abs(float(n) - own) > step * 0.3]
    ratio = _APART**apart
    known = round_numbers(own / ratio ** (below + 1), own * ratio ** (above + 1), each.dimension)
    known = [n for n in known if isinstance(n, int) and n >= 1] if each.whole else known
    wanted = [own * ratio**k for k in (*range(-below, 0), *range(1, above + 1))]
    chosen = {min(known, key=lambda n: abs(math.log(n / want))) for want in wanted if known}
    return [n for n in chosen if abs(math.log(n / own)) > 0.3 * math.log(ratio)]


def _step(main: MainLimit, count: int) -> int:
    """How many steps stops are apart: 1, or so many that they reach what is needed and beyond."""
    if main.needed is None:
        return 1
    own, needed = float(main.constraint.limit), float(main.needed)
    if main.constraint.dimension in LOSSES:
        steps = abs(needed - own) / float(_LOSS_STEP)
    else:
        steps = abs(math.log(needed / own)) / math.log(_APART)
    return max(1, math.ceil(steps / (count - 5)) if count > 5 else math.ceil(steps))
