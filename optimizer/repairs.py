"""The least that must be given up: every single relaxation, and the cheapest one of several limits.

A single repair moves one limit, or turns one setting, and leaves the rest. Its value is exact: a
design keeps all limits at it, and none does one unit tighter (a byte, a FLOP, a token; of seconds,
dollars, kWh and nats the next double). Both are proven by a search of their own.

The cheapest joint repair moves budgets and token limits together, the space held as it is, at the
least sum of weight x relative excess; `optimizer.repairs.joint_repair` says how.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from optimizer.boxes import Boxes
from optimizer.conflicts import Keys, Oracle, reached
from optimizer.model import to_floats
from optimizer.named_limits import (
    AFFECTS,
    OF_CACHE,
    UNLIMITED_TOKENS,
    NamedLimit,
    Repair,
    at_position,
    edge,
    position,
    reach,
    step_of,
)
from optimizer.table import Floats, Ints, Mask, Table, needed
from problems.costs import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from problems.errors import ProblemError
from problems.evaluation import Evaluation, evaluate
from problems.lifetime import INFERENCE
from problems.menus import Interval, integers
from problems.problem import Problem
from problems.quantities import QUANTITIES
from problems.tokens import TIMED, inference_charge, lifetime_rate, rate
from problems.units import Number

BYTES = (2, 1, 0.5)
BITS = (16, 8, 4)
RECOMPUTE = ("none", "selective", "half", "full")  # of less and less memory
ZERO_STAGES = (0, 1, 2, 3)
MOST_ACCELERATORS = 2**20  # beyond it more of them are no repair that anybody can make
TRIED_ONE_BY_ONE = 64
"""Batch sizes tried one after the other where a least throughput asks for more and a memory or a
latency for less, so that no bisection would do."""


# Limits


def limit_repairs(oracle: Oracle) -> list[Repair]:
    """Every named limit that, moved alone, makes the problem feasible, and how far."""
    return [repair for limit in oracle.relaxer.limits for repair in repairs_of(oracle, limit)]


def repairs_of(oracle: Oracle, limit: NamedLimit) -> Iterator[Repair]:
    """The repairs that move one limit alone: one, none, or two of an exact number."""
    rest = oracle.all - {limit.key}
    if not oracle.feasible(rest):
        return
    if limit.side != "exact":
        yield _moved(oracle, limit, limit.side, _guess(oracle, limit, rest), lambda v: v)
        return
    below, above = Interval(max=limit.value), Interval(min=limit.value)
    for side, half in (("min", below), ("max", above)):
        problem = oracle.relaxer.problem(oracle.all, {limit.key: half})
        if not oracle.holds(problem):
            continue

        def both(value: Number, side: str = side) -> Interval:
            return Interval(value, limit.value) if side == "min" else Interval(limit.value, value)

        yield _moved(oracle, limit, side, None, both)


def _moved(
    oracle: Oracle,
    limit: NamedLimit,
    side: str,
    guess: Fraction | float | None,
    ends: Callable[[Number], Number | Interval],
) -> Repair:
    """The nearest value of one end of a limit at which the problem is feasible, as it must become.

    Parameters
    ----------
    guess : Fraction or float, optional
        About where it is; sought from the limit itself otherwise.
    ends : callable
        From a value of the end to what `Relaxer.problem` takes.
    """
    step, last = 1, None if side == "max" else 1
    if limit.of_space and limit.quantity != "aspect_ratio":
        choice = getattr(oracle.relaxer.origin.space, limit.quantity)
        step, last = step_of(limit.quantity, choice), reach(limit.quantity, choice)[side == "max"]
    outward = step if side == "max" else -step

    def holds(place: int) -> bool:
        value = ends(at_position(limit, place))
        return oracle.holds(oracle.relaxer.problem(oracle.all, {limit.key: value}))

    start = position(limit, limit.value, up=side == "min")
    near = start + outward if guess is None else position(limit, guess, up=side == "max")
    value = at_position(limit, edge(holds, start, near, outward, last))
    return Repair(limit.key, value, limit.value, limit.unit, side, limit.excess(value))


def _guess(oracle: Oracle, limit: NamedLimit, rest: Keys) -> Fraction | float | None:
    if limit.quantity == "aspect_ratio":
        return _ratio(oracle, limit)
    return reached(oracle, limit, rest)


def _ratio(oracle: Oracle, limit: NamedLimit) -> Fraction | None:
    """The nearest ratio d_model / layers beyond a limit at which the problem is feasible."""
    space = oracle.relaxer.origin.space
    widths, depths = integers(space.d_model), integers(space.layers)
    ratios = sorted({Fraction(int(d), int(n)) for d in widths for n in depths})
    beyond = [r for r in ratios if (r > limit.value if limit.side == "max" else r < limit.value)]
    if limit.side == "min":
        beyond.reverse()

    def holds(ratio: Fraction) -> bool:
        place = position(limit, ratio, up=limit.side == "max")
        moved = {limit.key: at_position(limit, place)}
        return oracle.holds(oracle.relaxer.problem(oracle.all, moved))

    bad, good = -1, len(beyond) - 1
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(beyond[middle]) else (good, middle)
    return beyond[good] if beyond else None


# Settings


def setting_repairs(oracle: Oracle, conflicts: Sequence[Keys]) -> list[Repair]:
    """Every setting that, turned alone, makes the problem feasible: the least turn that does.

    Bytes and bits go to the next smaller of 2, 1 and 0.5, or 16, 8 and 4; batch and context to the
    largest that is feasible below what they are; accelerators to the fewest above. Where a least
    throughput is asked for, the batch may also grow.

    Parameters
    ----------
    oracle : Oracle
    conflicts : sequence of frozenset of str
        Minimal conflicts among budgets and token limits.
    """
    found = []
    for key in AFFECTS:
        if can_help(oracle, key, conflicts):
            found += [
                Repair(key, value, before, _unit(key)) for before, value in _turns(oracle, key)
            ]
    return found


def can_help(oracle: Oracle, key: str, conflicts: Sequence[Keys]) -> bool:
    """Whether a setting touches some limit of every conflict."""
    quantities = {limit.key: limit.quantity for limit in oracle.relaxer.limits}
    return all(any(quantities[k] in AFFECTS[key] for k in conflict) for conflict in conflicts)


def _unit(key: str) -> str:
    return "bytes" if key.endswith("_bytes") else "setting"


def _turns(oracle: Oracle, key: str) -> Iterator[tuple[Number | str, Number | str]]:
    """What a setting is, and what it may be turned to."""
    problem = oracle.relaxer.origin
    serving, training = problem.serving, problem.training

    def holds(value: Number | str) -> bool:
        try:
            asked = oracle.relaxer.problem(oracle.all, settings={key: value})
        except ProblemError:
            return False  # the setting does not go with another, such as kv_bits with kv_block
        return oracle.holds(asked)

    def menu(now: Number | str, values: Sequence[Number | str]) -> Iterator[Number | str]:
        after = values[values.index(now) + 1 :] if now in values else ()
        yield from [value for value in after if holds(value)][:1]

    now: Number | str | None
    if key.endswith(("_bytes", "_bits")):
        in_bits = getattr(serving, key.replace("serving.", "").replace("_bytes", "_bits"))
        if key.endswith("_bits") == (in_bits is not None):
            now = getattr(serving, key.removeprefix("serving."))
            assert now is not None
            yield from ((now, v) for v in menu(now, BITS if key.endswith("_bits") else BYTES))
    elif key in ("training.recompute", "training.zero_stage"):
        now = getattr(training, key.removeprefix("training."))
        choice = RECOMPUTE if key.endswith("recompute") else ZERO_STAGES
        yield from ((now, v) for v in menu(now, choice))
    elif key == "serving.accelerators":
        each = serving.tensor_parallel
        more = _more(lambda n: holds(n * each), serving.devices // each)
        yield from ((serving.devices, n * each) for n in more)
    elif key == "training.accelerators":
        if training.accelerators is not None:
            yield from ((training.accelerators, n) for n in _more(holds, training.accelerators))
    elif key == "serving.batch_size" and problem.budgets.decode_throughput is not None:
        yield from ((serving.batch_size, n) for n in _batches(oracle, serving.batch_size))
    else:
        now = (
            problem.context_length
            if key == "serving.context_length"
            else getattr(serving if key.startswith("serving") else training, key.split(".")[1])
        )
        assert isinstance(now, int)
        yield from ((now, n) for n in _fewer(holds, now))


def _fewer(holds: Callable[[int], bool], now: int) -> list[int]:
    """The largest number below one that holds, if all smaller ones do."""
    if now == 1 or not holds(1):
        return []
    return [edge(holds, now, now - 1, -1, 1)]


def _more(holds: Callable[[int], bool], now: int) -> list[int]:
    """The least number above one that holds, if all larger ones do."""
    most = MOST_ACCELERATORS
    return [edge(holds, now, now + 1, 1, most)] if now < most and holds(most) else []


def _batches(oracle: Oracle, now: int) -> Iterator[int]:
    """The nearest smaller and larger batch that are feasible under a least throughput.

    Of each design throughput, memory and latency all grow with the batch. So without the throughput
    every batch below some number is feasible, without the rest every one above some other.
    """
    relaxer = oracle.relaxer
    throughput = {limit.key for limit in relaxer.limits if limit.quantity == "decode_throughput"}
    growing = {limit.key for limit in relaxer.limits if limit.quantity in OF_CACHE} - throughput

    def holds(batch: int, kept: Keys) -> bool:
        return oracle.holds(relaxer.problem(kept, settings={"serving.batch_size": batch}))

    most = now if holds(now, oracle.all - throughput) else 0
    smaller = [most] if most else _fewer(lambda n: holds(n, oracle.all - throughput), now)
    for top in smaller:
        tried = range(min(top, now - 1), max(0, top - TRIED_ONE_BY_ONE), -1)
        yield from [n for n in tried if holds(n, oracle.all)][:1]
    if not holds(now, oracle.all - growing):
        larger = _more(lambda n: holds(n, oracle.all - growing), now)
    else:
        larger = [now + 1]
    for first in larger:
        tried = range(first, first + TRIED_ONE_BY_ONE)
        yield from [n for n in tried if holds(n, oracle.all)][:1]


# Several limits at once


KEPT = 1e-12  # relative excess that is rounding of a limit that is kept
_GOLDEN = (math.sqrt(5) - 1) / 2
_ROUNDS = 64
"""Of golden section: 0.618^64 of a range of 460 in ln D leaves 2e-11, whose square is what it adds
to a cost."""


@dataclass(frozen=True, slots=True)
class JointRepair:
    """The cheapest way to relax several limits at once.

    Parameters
    ----------
    cost : float
        Sum of weight x excess.
    repairs : tuple of Repair
    design : Evaluation
        Of the problem with its limits so moved: one that keeps them.
    """

    cost: float
    repairs: tuple[Repair, ...]
    design: Evaluation


def joint_repair(oracle: Oracle, weights: Mapping[str, float]) -> JointRepair | None:
    """The budgets and token limits to relax together at the least total cost, proven.

    The cost of a design and a number of tokens is the sum over limits of weight x excess, with
    excess = used / limit - 1 of a most, 1 - used / limit of a least amount, and 0 where it is kept.
    For one design the terms of tokens and FLOPs are linear in the tokens D beyond the point where
    each limit is met, and that of the loss, ``E + (A/N^alpha + B/D^beta)^outer`` over its limit, is
    convex and falls until the loss is met. So the best D is at such a point, or between two of them
    where the sum is flat, which golden section finds. (A term of a least loss is concave, and its
    best D is at a point too.) Designs are bounded by boxes of depths: the least of what may not be
    much, the most of what may not be little; boxes that cannot cost less are dropped, the others
    halved down to single designs.

    Parameters
    ----------
    oracle : Oracle
        Of an infeasible problem.
    weights : mapping of str to float
        By key of the limit; 1 by default.

    Returns
    -------
    JointRepair or None
        None where the space is too large to list.
    """
    problem = oracle.relaxer.origin
    store = oracle.store(problem)
    if not store.listable(problem):
        return None
    costing = _Costing(oracle, weights)
    best: tuple[float, Table, int, Ints, float] | None = None
    for table in store.tables(problem, needed(problem)):
        boxes = Boxes(np.arange(len(table)), np.zeros_like(table.count), table.count - 1)
        while len(boxes):
            middle = (boxes.low + boxes.high) // 2
            so_far = math.inf if best is None else best[0]
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
    assert best is not None, "a space is never empty"
    return _settled(oracle, costing, *best[1:])


class _Costing:
    """Costs of designs, or the least that any of a box of them can have."""

    def __init__(self, oracle: Oracle, weights: Mapping[str, float]) -> None:
        self.problem = oracle.relaxer.origin
        self.limits = [limit for limit in oracle.relaxer.limits if not limit.of_space]
        self.weights = {limit.key: float(weights.get(limit.key, 1)) for limit in self.limits}

    def least(
        self, table: Table, row: Ints, low: Ints, high: Ints, enough: float
    ) -> tuple[Floats, Floats]:
        """The least cost of boxes of designs and the tokens of it; infinite above `enough`."""
        cost, tokens = self._affine(table, row, low, high), np.ones(len(row))
        some = np.flatnonzero(cost < enough)
        more, tokens[some] = self._of_tokens(table, row[some], low[some], high[some])
        cost[some] += more
        cost[cost >= enough] = np.inf
        return cost, tokens

    def _affine(self, table: Table, row: Ints, low: Ints, high: Ints) -> Floats:
        cost = np.zeros(len(row))
        for limit in self.limits:
            quantity = QUANTITIES[limit.quantity]
            if not (quantity.affine or quantity.form == "inverse"):
                continue
            inverse = quantity.form == "inverse"
            parts = QUANTITIES["decode_latency"].parts if inverse else quantity.parts
            at = high if limit.side == "min" and not inverse else low
            linear = [table.linear[part] for part in parts]
            used = np.max([to_floats(q.at(row, at)) / q.denominator for q in linear], axis=0)
            used = self.problem.serving.batch_size / used if inverse else used
            ratio = used / float(limit.value) - 1
            cost += self.weights[limit.key] * np.maximum(
                0.0, ratio if limit.side == "max" else -ratio
            )
        return cost

    def _of_tokens(self, table: Table, row: Ints, low: Ints, high: Ints) -> tuple[Floats, Floats]:
        """What tokens add at the best number of them, and that number."""
        flops = table.linear[TRAINING_FLOPS_PER_TOKEN]
        ends = {"max": to_floats(flops.at(row, low)), "min": to_floats(flops.at(row, high))}
        shares = np.array([layout.accelerators for layout in table.layout])[table.layout_id[row]]
        over: list[tuple[Floats, Floats]] = []
        under: list[tuple[Floats, Floats]] = []
        for limit in self.limits:
            form, weight = QUANTITIES[limit.quantity].form, self.weights[limit.key]
            for side, terms in (("max", over), ("min", under)):
                if limit.side not in (side, "exact") or form not in ("tokens", "flops"):
                    continue
                met = np.full(len(row), float(limit.value))
                if form == "flops":
                    met = met / ends[side]
                if limit.quantity in TIMED:
                    met = met / float(rate(self.problem.training, limit.quantity))
                    met = met * (shares if limit.quantity == "training_time" else 1)
                terms.append((met, weight / met))
            if form == "lifetime":
                # What inference takes is taken first, and may be more than all.
                slope = ends["max"] * float(lifetime_rate(self.problem.training, limit.quantity))
                inference = table.linear[INFERENCE]
                taken = to_floats(inference.at(row, low)) / inference.denominator
                taken = taken * float(_charge(self.problem, limit.quantity))
                met = (float(limit.value) - taken) / slope
                over.append((met, weight * slope / float(limit.value)))
        losses = {limit.side: limit for limit in self.limits if limit.quantity == "loss"}
        n = to_floats(table.linear[LAW_PARAMETERS].at(row, high))
        excess = self._shape(table, row, low, high)
        single = (low == high).all(axis=1)
        law = self.problem.law
        points = [met for met, _ in (*over, *under)]
        for side, limit in losses.items():
            if side == "max" or single.all():
                met = np.asarray(law.tokens_for(n, float(limit.value) - excess), float)
                points.append(np.where(np.isfinite(met), met, float(UNLIMITED_TOKENS)))
        if not points:
            return np.zeros(len(row)), np.ones(len(row))

        def cost(tokens: Floats) -> Floats:
            found = np.zeros_like(tokens)
            for met, slope in over:
                found += slope[:, None] * np.maximum(0.0, tokens - met[:, None])
            for met, slope in under:
                found += slope[:, None] * np.maximum(0.0, met[:, None] - tokens)
            if losses:
                loss = np.asarray(law.loss(n[:, None], tokens), float) + excess[:, None]
                for side, limit in losses.items():
                    ratio = loss / float(limit.value) - 1
                    if side == "min":
                        ratio = np.where(single[:, None], -ratio, 0.0)
                    found += self.weights[limit.key] * np.maximum(0.0, ratio)
            return found

        at = np.clip(np.sort(np.stack(points, axis=1), axis=1), 1.0, float(UNLIMITED_TOKENS))
        if "max" in losses and at.shape[1] > 1:
            at = np.concatenate([at, _flat(cost, at[:, :-1], at[:, 1:])], axis=1)
        costs = cost(at)
        best = costs.argmin(axis=1)
        rows = np.arange(len(row))
        return costs[rows, best], at[rows, best]

    def _shape(self, table: Table, row: Ints, low: Ints, high: Ints) -> Floats:
        """Loss of the shape; of a box with several designs nothing, which is no more."""
        single: Mask = (low == high).all(axis=1)
        d_model, layers = table.d_model[row].astype(float), table.layers(row, low).astype(float)
        return np.where(single, self.problem.shape.excess(d_model, layers), 0.0)


def _flat(cost: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where convex costs are least between two numbers of tokens; all of one shape."""
    a, b = np.log(low), np.log(high)
    for _ in range(_ROUNDS):
        width = _GOLDEN * (b - a)
        left, right = b - width, a + width
        lower = cost(np.exp(left)) <= cost(np.exp(right))
        a, b = np.where(lower, a, left), np.where(lower, right, b)
    found: Floats = np.clip(np.exp((a + b) / 2), low, high)
    return found


def _settled(
    oracle: Oracle, costing: _Costing, table: Table, row: int, j: Ints, tokens: float
) -> JointRepair:
    """The limits moved to what one design uses, exactly, and searched for a design once more."""
    places: dict[str, tuple[NamedLimit, str, int]] = {}
    for limit in costing.limits:
        used = _used(costing, table, row, j, tokens, limit)
        if limit.excess(used) <= KEPT:
            continue
        side: str = limit.side
        if side == "exact":
            side = "min" if used < limit.value else "max"
        places[limit.key] = (limit, side, position(limit, used, up=side == "max"))
    nudge = 0
    while True:
        values = {
            key: at_position(limit, place + (nudge if side == "max" else -nudge))
            for key, (limit, side, place) in places.items()
        }
        moved: dict[str, Number | Interval] = {}
        for key, value in values.items():
            limit, side, _ = places[key]
            ends = (value, limit.value) if side == "min" else (limit.value, value)
            moved[key] = Interval(*ends) if limit.side == "exact" else value
        problem = oracle.relaxer.problem(oracle.all, moved)
        if oracle.holds(problem):
            break
        # Tokens are doubles: a limit that they just met by one rounding they may miss by another.
        nudge = max(1, 2 * nudge)
    repairs = tuple(
        Repair(key, values[key], limit.value, limit.unit, side, limit.excess(values[key]))
        for key, (limit, side, _) in places.items()
    )
    total = sum(costing.weights[repair.key] * (repair.excess or 0.0) for repair in repairs)
    design = evaluate(problem, table.architecture(costing.problem, row, [int(n) for n in j]))
    return JointRepair(total, repairs, design)


def _charge(problem: Problem, quantity: str) -> Fraction:
    """What one inference FLOP for each token adds to a lifetime's quantity."""
    return inference_charge(problem.training, problem.serving, problem.lifetime, quantity)


def _used(
    costing: _Costing, table: Table, row: int, j: Ints, tokens: float, limit: NamedLimit
) -> Fraction | float:
    """What a design uses of a limit's quantity, exactly but for the loss."""
    problem, quantity = costing.problem, QUANTITIES[limit.quantity]
    one, at = np.array([row]), j[None, :]

    def exactly(*names: str) -> Fraction:
        found: list[Any] = [table.linear[n] for n in names]
        return max(Fraction(int(q.at(one, at)[0]), q.denominator) for q in found)

    if quantity.affine:
        return exactly(*quantity.parts)
    if quantity.form == "inverse":
        return problem.serving.batch_size / exactly(*QUANTITIES["decode_latency"].parts)
    if quantity.form == "loss":
        excess = costing._shape(table, one, at, at)
        n = float(exactly(LAW_PARAMETERS))
        return float(problem.law.loss(n, tokens)) + float(excess[0])
    if quantity.form == "tokens":
        return Fraction(tokens)
    flops = Fraction(tokens) * exactly(TRAINING_FLOPS_PER_TOKEN)
    if quantity.form == "lifetime":
        served = _charge(problem, limit.quantity) * exactly(INFERENCE)
        return flops * lifetime_rate(problem.training, limit.quantity) + served
    if limit.quantity not in TIMED:
        return flops
    layout = table.layout[table.layout_id[row]]
    at_once = layout.accelerators if limit.quantity == "training_time" else 1
    return flops * rate(problem.training, limit.quantity) / at_once
