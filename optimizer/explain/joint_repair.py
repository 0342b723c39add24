"""The cheapest joint repair: budgets and token limits relaxed together, the space fixed.

Its cost is that of `modelsizer.optimizer.explain.change_costs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.optimizer.constraints import Constraint, changes_batches
from modelsizer.optimizer.explain.change_costs import priced, weight_of
from modelsizer.optimizer.explain.conflicts import Oracle
from modelsizer.optimizer.explain.golden_section import golden_section
from modelsizer.optimizer.explain.line_search import at_position, position
from modelsizer.optimizer.explain.relaxer import UNLIMITED_TOKENS
from modelsizer.optimizer.explain.repairs import Repair, settings_of
from modelsizer.optimizer.result import Side
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.largest_batches import largest_of
from modelsizer.optimizer.tables.table import Floats, Ints, Table, to_floats
from modelsizer.problems.designs.costs import flops_rate, inference_charge, inverse_numerator
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.laws.features import beyond_doubles
from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.magnitudes import loss_overflows
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.space.layouts import Layout

KEPT = 1e-12  # relative excess that is rounding of a limit that is kept
_MOST_NUDGED = 2**30  # units, or doubles, that are rounding of a limit


@dataclass(frozen=True, slots=True)
class JointRepair:
    """Several changes that together make a problem feasible.

    Parameters
    ----------
    cost : float
        Sum of the costs of the repairs.
    repairs : tuple of Repair
    design : Evaluation
        A feasible design of the repaired problem.
    """

    cost: float
    repairs: tuple[Repair, ...]
    design: Evaluation

    @property
    def made(self) -> dict[str, object]:
        """What to set, by dotted key."""
        return made(self.repairs)


def made(repairs: Iterable[Repair]) -> dict[str, object]:
    """What to set for several repairs together, by dotted key."""
    return {key: value for repair in repairs for key, value in repair.made.items()}


def joint_repair(
    oracle: Oracle, weights: Mapping[str, float], below: float = math.inf
) -> JointRepair | None:
    """The budgets and token limits to relax together at the least total cost, with proof.

    The cost of a design at D tokens is the sum over constraints of weight x ln(used / limit), or
    ln(limit / used) of a lower limit, and 0 if it is kept. For one design the terms of tokens and
    FLOPs are piecewise linear in ln D, with a kink where the limit is met, and that of the loss,
    ``E + (A/N^alpha + B/D^beta)^outer`` over its limit, is convex in ln D, as a logarithm of a sum
    of exponentials is, and decreasing until the limit is met. So is the term of lifetime FLOPs. So
    the best D is at a kink, or between two of them, where golden section finds it. (The term of a
    lower limit on the loss is concave, and its best D is at a kink too.) Over boxes of depths the
    cost is bounded from below by the least use under upper limits and the most under lower ones;
    boxes that cannot be cheaper are dropped, the others halved down to single designs.

    Parameters
    ----------
    oracle : Oracle
        Of an infeasible problem.
    weights : mapping of str to float
        Of the user, by key of the limit.
    below : float
        Only a repair of less cost is sought.

    Returns
    -------
    JointRepair or None
        None where the space is too large to list, where a limit also bounds the requests at once,
        on which there is another, and where none is found in doubles: no design
        has a finite cost, or a loss that is a finite number.

    Raises
    ------
    OutOfTimeError
        If the time limit came before the cheapest was found.
    """
    problem = oracle.relaxer.origin
    if any(changes_batches(problem, name) for name in problem.budgets.limits):
        return None  # a limit moved would move a largest batch too
    store = oracle.store(problem)
    if not store.listable(problem):
        return None
    costing = _Costing(oracle, weights)
    best: tuple[float, Table, int, Ints, float] | None = None
    for table in store.tables(problem, needed(problem)):
        oracle.clock.check()
        boxes = Boxes(np.arange(len(table)), np.zeros_like(table.count), table.count - 1)
        while len(boxes):
            middle = (boxes.low + boxes.high) // 2
            so_far = below if best is None else best[0]
            cost, tokens = costing.least(table, boxes.row, middle, middle, so_far)
            at = int(cost.argmin())
            if cost[at] < so_far:
                so_far = float(cost[at])
                best = (so_far, table, int(boxes.row[at]), middle[at], float(tokens[at]))
            boxes = boxes.take(~boxes.single)
            if len(boxes):
                bound, _ = costing.least(table, boxes.row, boxes.low, boxes.high, so_far)
                boxes = boxes.take(bound < so_far - KEPT)
                boxes = boxes.halved() if len(boxes) else boxes
    if best is None:
        return None
    return _settled(oracle, costing, *best[1:])


class _Costing:
    """Costs of designs, or lower bounds on the costs in boxes of designs."""

    def __init__(self, oracle: Oracle, weights: Mapping[str, float]) -> None:
        self.problem, self.clock = oracle.relaxer.origin, oracle.clock
        self.given = weights
        self.limits = [limit for limit in oracle.relaxer.limits if not limit.of_space]
        self.weights = {limit.key: weight_of(limit.key, weights) for limit in self.limits}
        self._risky = any(
            loss_overflows(self.problem.law, limits) for limits in distinct(self.problem.setups)
        )

    def _ends(self, table: Table, row: Ints, limit: Constraint) -> float | Floats:
        """A limit; for rows, where accelerators that are offered set different ones."""
        if not limit.device or not self.problem.menus:
            return float(limit.limit)
        setups = [self.problem.setup_of(layout) for layout in table.layout]
        limits = [setup.limits.get(limit.quantity) for setup in setups]
        ends = [math.inf if one is None or one.max is None else float(one.max) for one in limits]
        found: Floats = np.array(ends)[table.layout_id[row]]
        return found

    def _each(
        self,
        found: Callable[[Problem, str, Layout], Fraction],
        table: Table,
        row: Ints,
        limit: Constraint,
    ) -> Floats:
        """A factor of the cost of rows, by their layouts."""
        values = [float(found(self.problem, limit.quantity, layout)) for layout in table.layout]
        each: Floats = np.array(values)[table.layout_id[row]]
        return each

    def least(
        self, table: Table, row: Ints, low: Ints, high: Ints, enough: float
    ) -> tuple[Floats, Floats]:
        """The least cost of boxes of designs and the tokens of it; infinite above `enough`."""
        with beyond_doubles():
            cost, tokens = self._affine(table, row, low, high), np.ones(len(row))
            some = np.flatnonzero(cost < enough)
            more, tokens[some] = self._of_tokens(table, row[some], low[some], high[some])
            cost[some] += more
        cost[~(cost < enough)] = np.inf
        return cost, tokens

    def _affine(self, table: Table, row: Ints, low: Ints, high: Ints) -> Floats:
        cost = np.zeros(len(row))
        for limit in self.limits:
            quantity = QUANTITIES[limit.quantity]
            if quantity.form == "batch":
                used = to_floats(largest_of(self.problem, limit.quantity, table, row, low))
                with np.errstate(divide="ignore"):
                    ratio = -np.log(used / float(limit.limit))
                cost += self.weights[limit.key] * np.maximum(0.0, ratio)
                continue
            if not (quantity.affine or quantity.form == "inverse"):
                continue
            inverse = quantity.form == "inverse"
            parts = QUANTITIES[quantity.base].parts
            at = high if limit.side == "min" and not inverse else low
            linear = [table.linear[part] for part in parts]
            used = np.max([to_floats(q.at(row, at)) / q.denominator for q in linear], axis=0)
            if inverse:
                used = float(inverse_numerator(self.problem, limit.quantity)) / used
            ratio = np.log(used / self._ends(table, row, limit))
            cost += self.weights[limit.key] * np.maximum(
                0.0, ratio if limit.side == "max" else -ratio
            )
        return cost

    def _of_tokens(self, table: Table, row: Ints, low: Ints, high: Ints) -> tuple[Floats, Floats]:
        """The cost of constraints on tokens, FLOPs and loss at the best D, and that D."""
        flops = table.linear[TRAINING_FLOPS_PER_TOKEN]
        ends = {"max": flops.values(row, low), "min": flops.values(row, high)}
        shares = np.array([layout.accelerators for layout in table.layout])[table.layout_id[row]]
        over: list[tuple[Floats, Floats, float]] = []  # where the limit is met, without tokens
        under: list[tuple[Floats, Floats, float]] = []
        for limit in self.limits:
            form, weight = QUANTITIES[limit.quantity].form, self.weights[limit.key]
            for side, terms in (("max", over), ("min", under)):
                if (limit.side != side and not limit.equality) or form not in ("tokens", "flops"):
                    continue
                met = np.full(len(row), float(limit.limit))
                if form == "flops":
                    met = met / ends[side]
                    met = met / self._each(flops_rate, table, row, limit)
                    met = met * (shares if QUANTITIES[limit.quantity].shared else 1)
                terms.append((met, np.zeros(len(row)), weight))
            if form == "lifetime":
                # Inference is charged first, and may exceed the limit alone.
                slope = ends["max"] * self._each(flops_rate, table, row, limit)
                inference = table.linear[SERVED_FLOPS_PER_TOKEN]
                taken = to_floats(inference.at(row, low)) / inference.denominator
                taken = taken * self._each(inference_charge, table, row, limit)
                over.append((float(limit.limit) / slope, taken / float(limit.limit), weight))
        losses = {limit.side: limit for limit in self.limits if limit.quantity == "loss"}
        single = (low == high).all(axis=1)
        judged = self._judged(table, row, low, high)
        points = [met * (1 - taken) for met, taken, _ in (*over, *under)]
        for side, limit in losses.items():
            if side == "max" or single.all():
                met = np.asarray(judged.tokens_for(1.0, float(limit.limit)), float)[:, 0]
                points.append(np.where(np.isfinite(met), met, float(UNLIMITED_TOKENS)))
        if not points:
            return np.zeros(len(row)), np.ones(len(row))

        def cost(tokens: Floats) -> Floats:
            self.clock.check()
            found = np.zeros_like(tokens)
            for met, taken, weight in over:
                used = taken[:, None] + tokens / met[:, None]
                found += weight * np.maximum(0.0, np.log(used))
            for met, _, weight in under:
                found += weight * np.maximum(0.0, -np.log(tokens / met[:, None]))
            if losses:
                loss = np.asarray(judged.loss(1.0, tokens), float)
                for side, limit in losses.items():
                    ratio = np.log(loss / float(limit.limit))
                    if side == "min":
                        ratio = np.where(single[:, None], -ratio, 0.0)
                    found += self.weights[limit.key] * np.maximum(0.0, ratio)
            if self._risky and single.all():
                finite = np.isfinite(np.asarray(judged.loss(1.0, tokens), float))
                return np.where(finite, found, np.inf)
            return np.where(np.isnan(found), np.inf, found)

        at = np.clip(np.sort(np.stack(points, axis=1), axis=1), 1.0, float(UNLIMITED_TOKENS))
        rows = np.arange(len(row))
        costs = cost(at)
        if at.shape[1] > 1 and ("max" in losses or any(taken.any() for _, taken, _ in over)):
            segments = [(at[:, :-1], at[:, 1:])]
            if "min" not in losses:  # the sum is convex: its least is beside the best kink
                kink, last = costs.argmin(axis=1), at.shape[1] - 1
                around = np.maximum(kink - 1, 0), np.minimum(kink + 1, last)
                segments = [(at[rows, around[0]][:, None], at[rows, around[1]][:, None])]
            between = [golden_section(cost, low, high) for low, high in segments]
            at = np.concatenate([at, *between], axis=1)
            costs = np.concatenate([costs, *(cost(each) for each in between)], axis=1)
        best = costs.argmin(axis=1)
        return costs[rows, best], at[rows, best]

    def _judged(self, table: Table, row: Ints, low: Ints, high: Ints) -> Judged:
        """A lower bound on the loss in each box, as a function of tokens of shape (B, T)."""
        quality, parameters = self.problem.quality, table.linear[LAW_PARAMETERS]
        # Experts count by a leverage, so N of a mixture is a fraction.
        scale = parameters.denominator
        n = [to_floats(parameters.at(row, j))[:, None] / scale for j in (low, high)]
        ends = [
            {name: np.broadcast_to(values, len(row))[:, None] for name, values in side.items()}
            for side in table.ranges(row, low, high, quality.features)
        ]
        return quality.over(n[0], n[1], ends[0], ends[1])


def _settled(
    oracle: Oracle, costing: _Costing, table: Table, row: int, j: Ints, tokens: float
) -> JointRepair | None:
    """The constraints moved to what one design uses, exactly, and proven feasible by a search.

    None if no limit near to that is feasible.
    """
    places: dict[str, tuple[Constraint, int]] = {}
    equal: list[Constraint] = []  # the sides of equalities that stay
    for limit in costing.limits:
        used = _used(costing, table, row, j, tokens, limit)
        if limit.violation(used) <= KEPT:
            continue
        gives = limit
        if limit.equality:
            sides: tuple[Side, Side] = ("min", "max") if used < limit.limit else ("max", "min")
            gives = limit.one_sided(sides[0])
            equal.append(limit.one_sided(sides[1]))
        places[limit.key] = gives, position(gives, used, up=gives.side == "max")
    nudge = 0
    while True:
        moved = {key: _nudged(gives, place, nudge) for key, (gives, place) in places.items()}
        if nudge > _MOST_NUDGED or any(new.limit <= 0 for new in moved.values()):
            return None
        problem = oracle.relaxer.problem(oracle.all, [*moved.values(), *equal])
        if oracle.holds(problem):
            break
        # Tokens are doubles: kept with one rounding, a limit may be violated with another.
        nudge = max(1, 2 * nudge)
    repairs = tuple(
        priced(
            Repair(
                key,
                new.limit,
                old.limit,
                old.dimension,
                old.side,
                old.violation(new.limit),
                settings_of(costing.problem, new),
                reference=old.reference,
                device=old.device,
            ),
            costing.given,
        )
        for (key, new), (old, _) in zip(moved.items(), places.values(), strict=True)
    )
    total = sum(repair.cost or 0.0 for repair in repairs)
    design = evaluate(problem, table.architecture(costing.problem, row, [int(n) for n in j]))
    return JointRepair(total, repairs, design)


def _nudged(limit: Constraint, place: int, nudge: int) -> Constraint:
    """A limit moved outwards by some units where what a design uses depends on its tokens."""
    if not QUANTITIES[limit.quantity].affine:
        place += nudge if limit.side == "max" else -nudge
    return limit.at(at_position(limit, place))


def _used(
    costing: _Costing, table: Table, row: int, j: Ints, tokens: float, limit: Constraint
) -> Fraction | float:
    """What a design uses of a constraint's quantity, exact except for the loss."""
    problem, quantity = costing.problem, QUANTITIES[limit.quantity]
    one, at = np.array([row]), j[None, :]
    layout = table.layout[table.layout_id[row]]

    def exactly(*names: str) -> Fraction:
        found: list[Any] = [table.linear[n] for n in names]
        return max(Fraction(int(q.at(one, at)[0]), q.denominator) for q in found)

    if quantity.affine:
        return exactly(*quantity.parts)
    if quantity.form == "inverse":
        numerator = inverse_numerator(problem, limit.quantity, layout)
        return numerator / exactly(*QUANTITIES[quantity.base].parts)
    if quantity.form == "batch":
        return Fraction(int(largest_of(problem, limit.quantity, table, one, at)[0]))
    if quantity.form == "loss":
        quality = problem.quality
        judged = quality.of(table.features(one, at, quality.features))
        return float(np.asarray(judged.loss(float(exactly(LAW_PARAMETERS)), tokens)).item())
    if quantity.form == "tokens":
        return Fraction(tokens)
    flops = Fraction(tokens) * exactly(TRAINING_FLOPS_PER_TOKEN)
    if quantity.form == "lifetime":
        served = inference_charge(problem, limit.quantity, layout) * exactly(SERVED_FLOPS_PER_TOKEN)
        return flops * flops_rate(problem, limit.quantity, layout) + served
    shares = layout.accelerators if quantity.shared else 1
    return flops * flops_rate(problem, limit.quantity, layout) / shares
