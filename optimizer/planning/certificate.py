"""Lower bound on the criterion of every plan, from the certified continuous relaxation.

A plan is 0 <= w_i <= repeats with sum w <= runs and cost . w <= budget, in whole numbers. Without
integrality this is a polytope, on which the criterion is convex. So for any w

    phi(w') >= phi(w) + grad phi(w) . (w' - w)    for every plan w',

and the minimum of the right side over the polytope, a linear program, bounds every plan (Frank
and Wolfe 1956, doi 10.1002/nav.3800030109). The program has two constraints beside the bounds of
the variables; by weak duality every price of a FLOP gives a valid bound, however inaccurate the
rest of the computation.
"""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.planning.information import Question
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass

CLOSE = 1e-3  # gap of the criterion, a logarithm, at which the relaxation counts as solved
_ROUNDS, _STEPS = 30, 60
_FIRST = 25  # Frank-Wolfe steps that identify the relevant candidates
_HALVINGS = 70  # bisections of the price
_BEGIN, _TIGHTER = 10.0, 12.0  # weight of the criterion against the barrier, and its growth factor
_ROUNDING = 1e-12
_BACK = 0.5  # backtracking factor of a step that does not descend
_ENOUGH = 1e-9  # tolerance of Newton's decrement
_ALIVE = 1e-3  # a weight below this counts as zero
_LIKELY = 0.1  # Frank-Wolfe weight from which a candidate enters the inner problem
_FINER = 4.0  # the inner problem is solved to this fraction of the gap
_TELLING = 64  # candidates added first; doubled each time after
_MORE = 8  # candidates beyond the runs that are added at once


@dataclass(frozen=True)
class Room:
    """Constraints of a plan.

    Parameters
    ----------
    costs : array, shape (candidates,)
        FLOPs of each candidate, as a share of the budget.
    runs : int
        Greatest number of runs.
    repeats : int
        Greatest number of runs of one candidate.
    """

    costs: Array
    runs: int
    repeats: int = 1

    def allows(self, weights: Array) -> bool:
        """Whether a plan satisfies the constraints, to rounding of its costs."""
        whole = bool((weights >= 0).all() and (weights <= self.repeats).all())
        return bool(whole and weights.sum() <= self.runs and self.costs @ weights <= 1 + _ROUNDING)

    def least(self, slope: Array) -> tuple[Array, float, float]:
        """Minimise ``slope . w``: the weights, a proven bound, and the price of the budget."""
        low, high = 0.0, 1.0
        at_low = self._at(slope, low)
        if self.costs @ at_low[0] <= 1:
            return at_low[0], at_low[1], 0.0
        at_high = self._at(slope, high)
        while self.costs @ at_high[0] > 1:
            low, at_low, high = high, at_high, high * 4
            at_high = self._at(slope, high)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            found = self._at(slope, middle)
            if self.costs @ found[0] > 1:
                low, at_low = middle, found
            else:
                high, at_high = middle, found
        over, under = float(self.costs @ at_low[0]), float(self.costs @ at_high[0])
        share = (1 - under) / (over - under)
        weights = share * at_low[0] + (1 - share) * at_high[0]
        return weights, max(at_low[1], at_high[1]), high

    def _at(self, slope: Array, price: float) -> tuple[Array, float]:
        """Weights and bound for a given price of the whole budget."""
        priced = slope + price * self.costs
        many = min(len(priced), -(-self.runs // self.repeats))
        first = np.argpartition(priced, many - 1)[:many]
        first = first[np.argsort(priced[first], kind="stable")]
        first = first[priced[first] < 0]
        weights = np.zeros(len(priced))
        weights[first] = self.repeats
        if (beyond := self.repeats * len(first) - self.runs) > 0:
            weights[first[-1]] -= beyond
        return weights, float(priced @ weights) - price


@dataclass(frozen=True)
class Relaxed:
    """Solution of the relaxation.

    Parameters
    ----------
    weights : array, shape (candidates,)
    value : float
        Criterion at the weights.
    bound : float
        Proven lower bound on the criterion of every plan.
    price : float
        Price of the whole budget, in units of the criterion.
    reduced : array, shape (candidates,)
        Reduced cost of each candidate: change of the criterion by one run, plus its price.
    """

    weights: Array
    value: float
    bound: float
    price: float
    reduced: Array


def relax(
    question: Question, room: Room, close: float = CLOSE, *, clock: Clock | None = None
) -> Relaxed:
    """Solve the relaxation: Frank-Wolfe steps select candidates, Newton steps optimise weights.

    The inner problem, restricted to those candidates, is solved by a barrier method (Boyd and
    Vandenberghe 2004, Convex Optimization, section 11.3); candidates selected by the linear program
    are added until the gap to the bound is small, or the clock stops it.
    """
    clock = Clock() if clock is None else clock
    w = _inside(room, np.arange(len(room.costs)))
    vertex = w
    bound, price = -np.inf, 0.0
    for step in range(_FIRST):
        slope = question.gradient(w)
        vertex, least, price = room.least(slope)
        bound = max(bound, question.value(w) + least - float(slope @ w))
        w += (vertex - w) * (2 / (step + 3))
        if clock.out_of_time:
            break
    wanted = (vertex > 0) | (w > _LIKELY)
    best = (question.value(w), w)
    inner = max(close, best[0] - bound) / _FINER
    for _ in range(_ROUNDS):
        if clock.out_of_time:
            break
        wanted = _telling(question, w, wanted)
        active = np.flatnonzero(wanted)
        w = np.zeros(len(w))
        w[active] = _newton(question, room, active, inner, clock)
        value = question.value(w)
        if value < best[0]:
            best = value, w
        slope = question.gradient(w)
        vertex, least, price = room.least(slope)
        bound = max(bound, value + least - float(slope @ w))
        new = (vertex > 0) & ~wanted
        if best[0] - bound <= close or (not new.any() and inner <= close / _FINER):
            break
        inner = max(close, best[0] - bound) / _FINER
        wanted = (w > _ALIVE) | (vertex > 0)
        wanted |= _promising(slope, room, price)
    return Relaxed(best[1], best[0], bound, price, slope + price * room.costs)


def _telling(question: Question, weights: Array, wanted: Array) -> Array:
    """Relevant candidates, and as many others as are needed to identify every coefficient."""
    found, order, many = wanted, np.argsort(-weights, kind="stable"), _TELLING
    while not np.isfinite(question.value(found.astype(float))) and not found.all():
        found = wanted.copy()
        found[order[:many]] = True
        many *= 2
    return found


def _promising(slope: Array, room: Room, price: float) -> Array:
    """Candidates of least reduced cost."""
    reduced = slope + price * room.costs
    found = np.zeros(len(slope), bool)
    found[np.argsort(reduced, kind="stable")[: room.runs + _MORE]] = True
    return found


def _inside(room: Room, active: Array) -> Array:
    """Weights in the interior: less than half of each limit."""
    each = 1 / len(active)
    return 0.5 * np.minimum(np.minimum(room.repeats, room.runs * each), each / room.costs[active])


def _newton(question: Question, room: Room, active: Array, gap: float, clock: Clock) -> Array:
    """Minimise the criterion over some candidates, within `gap` unless the clock stops it."""
    x, costs, ends = _inside(room, active), room.costs[active], room.repeats
    full = np.zeros(len(room.costs))

    def barrier(at: Array, weight: float) -> float:
        slack = (room.runs - at.sum(), 1 - costs @ at)
        if at.min() <= 0 or at.max() >= ends or min(slack) <= 0:
            return np.inf
        full[active] = at
        logs = np.log(at).sum() + np.log(ends - at).sum() + np.log(slack[0]) + np.log(slack[1])
        return weight * question.value(full) - float(logs)

    weight, many = _BEGIN, 2 * len(active) + 2
    while True:
        now = barrier(x, weight)
        for _ in range(_STEPS):
            if clock.out_of_time:
                return x
            full[active] = x
            slope, bend = question.parts(full, active)
            few, dear = room.runs - x.sum(), 1 - costs @ x
            slope = weight * slope - 1 / x + 1 / (ends - x) + 1 / few + costs / dear
            bend = weight * bend + 1 / few**2 + np.outer(costs, costs) / dear**2
            bend[np.diag_indices(len(x))] += 1 / x**2 + 1 / (ends - x) ** 2
            scale = 1 / np.sqrt(np.diag(bend))
            move = -scale * np.linalg.solve(bend * scale[:, None] * scale, slope * scale)
            fall = -float(slope @ move)
            size = 1.0
            while (there := barrier(x + size * move, weight)) > now - 0.1 * size * fall:
                size *= _BACK
                if size < _ENOUGH:
                    break
            if not there < now:
                break
            x, now = x + size * move, there
            if fall <= _ENOUGH * max(1.0, weight):
                break
        if many / weight <= gap:
            return x
        weight *= _TIGHTER
