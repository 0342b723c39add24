"""Constraints that no design of a space keeps, whatever the other constraints."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit, feasible
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.constraints import TOKENS, Constraint, constrained, constraints
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.tables.clock import Clock, Ending, StoppedError
from modelsizer.optimizer.tables.table import Ints, Table
from modelsizer.problems.designs.costs import flops_rate, inference_charge, inverse_numerator
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    TRAINING_FLOPS_EACH,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.batches import AT_REQUESTS
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.token_limits import ENDLESS
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.units import as_double, exact, format_apart, format_quantity, plain

TOGETHER = "each end of a limit can be kept by some design, but none keeps all of them together"
UNSURE = "no design keeps all limits together; nothing is known of one of them alone"
CUT_SHORT = "the search for limits that no design keeps was stopped before it was complete"
MORE = "`modelsizer explain` says which limits conflict, and the least that would have to give"

_ENDLESS = Constraint("budgets.tokens", "tokens", "max", ENDLESS)


def why_infeasible(model: Model, clock: Clock) -> list[str]:
    """Sentences on limits that no design keeps alone; if there are none, one on all together.

    Parameters
    ----------
    model : Model
    clock : Clock
        Limits that were not looked at in time are not named, which is said.
    """
    from modelsizer.optimizer.small_devices import why_too_small

    listable = model.store.listable(model.problem)
    found = _contradictions(model.problem)
    ending = Ending()
    with ending:
        small = dict(why_too_small(model, clock))
        found += small.values()
        if listable:
            found += _listed(model, clock, small)
        else:
            _searched(model, clock, found, small)
        found += _unreached_loss(model, clock, alone=bool(found))
    if not found and ending.complete:
        found = [TOGETHER if listable and not model.risky else UNSURE]
    return [*found, *([] if ending.complete else [CUT_SHORT]), MORE]


def _unreached_loss(model: Model, clock: Clock, *, alone: bool) -> list[str]:
    """A sentence on a loss that no design reaches at the most tokens that it may take.

    On any data if it is looked at `alone`, as other limits are known that no design keeps.
    """
    loss = model.problem.budgets.loss
    most = None if loss is None else loss.max
    if most is None and (alone or not model.risky):
        return []
    held = [] if alone else _held_tokens(model.problem)
    best = _least_loss(model, clock, held)
    if best is None:
        law = model.quality.law.name
        words = f"objective.law: {law} gives no finite loss for any design of the space"
        return [words] if model.risky and not alone else []
    if most is None or best <= float(most):
        return []
    limit, least = format_apart(most, best, "nats", (5, 5))
    assert loss is not None
    limit += f", {loss.max_as}" if loss.max_as else ""
    data = "at the most tokens that it may take" if held else "on any data"
    return [
        f"budgets.loss <= {limit}: the least loss of any design of the space, {data}, is {least}"
    ]


def _rows(model: Model, table: Table) -> Iterator[tuple[bool, list[Limit]]]:
    """The linear rows of each limit and side, of that end alone; is the side the upper one."""
    for upper in (True, False):
        rows = [
            Limit(r.key, r.quantity, None, r.high, (), r.highs)
            if upper
            else Limit(r.key, r.quantity, r.low, None, r.lows)
            for r in model.rules(table)
            if (r.high if upper else r.low) is not None
        ]
        groups: dict[tuple[str, str], list[Limit]] = {}
        for row in rows:
            groups.setdefault((row.key, row.quantity.partition(".")[0]), []).append(row)
        yield from ((upper, group) for group in groups.values())


def _listed(model: Model, clock: Clock, told: Container[str]) -> list[str]:
    """Limits that no design keeps alone, by the least or the most use of any width option."""
    nearest: dict[tuple[str, str, bool], _Nearest] = {}
    rules: dict[tuple[str, str, bool], Limit] = {}
    kept = set()
    for table in model.tables():
        clock.check()
        for upper, rows in _rows(model, table):
            key = (rows[0].key, rows[0].quantity, upper)
            row = np.arange(len(table))
            j = np.zeros_like(table.count) if upper else table.count - 1
            # Limits are whole numerators of their own table, so each table tells for itself.
            if np.all([feasible(rule, table, row, j) for rule in rows], axis=0).any():
                kept.add(key)
            mine = _nearest(table, rows, row, j, upper=upper)
            rules[key] = rows[0]
            nearest[key] = min(nearest.get(key, mine), mine, key=lambda one: one.over)
    found = {}
    for key, rule in rules.items():
        if rule.key in told:
            continue
        if key not in kept and not _contradictory(model.problem, rule):
            found[rule.key] = _broken(model.problem, rule, nearest[key], key[2])
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Nearest:
    """The design that is nearest to keeping a limit, and the layout under which it is.

    `over` is a sort key: how far it is from the limit.
    """

    over: float
    value: Fraction
    layout: Layout


def _nearest(table: Table, rows: list[Limit], row: Ints, j: Ints, *, upper: bool) -> _Nearest:
    """The least, or the most, of the maximum of several quantities relative to a limit."""
    linear = [table.linear[rule.quantity] for rule in rows]
    common = math.lcm(*(q.denominator for q in linear))
    values = [q.at(row, j).astype(object) * (common // q.denominator) for q in linear]
    larger = np.max(values, axis=0)
    place = int((larger if upper else -larger).argmin())
    if rows[0].highs if upper else rows[0].lows:
        rule, like = rows[0], values[0]
        ends = np.asarray(rule.most(table, row, like) if upper else rule.least(table, row, like))
        shares = larger.astype(float) / np.maximum(ends.astype(float), 1.0)
        place = int((shares if upper else -shares).argmin())
        over = float(shares[place] if upper else -shares[place])
    else:
        over = float(Fraction(int(larger[place]), common)) * (1 if upper else -1)
    layout = table.layout[table.layout_id[place]]
    return _Nearest(over, Fraction(int(larger[place]), common), layout)


def _searched(model: Model, clock: Clock, found: list[str], told: Container[str]) -> None:
    """As `_listed`, for a space too large to list: add to `found` by a search for each limit."""
    problem = model.problem
    for constraint in constraints(problem):
        row = QUANTITIES[constraint.quantity]
        inverse = row.form == "inverse"
        several = len({setup.limits.get(row.name) for setup in problem.setups}) > 1
        searched = row.affine or row.form in ("inverse", "batch")
        if several or constraint.key in told or not searched:
            continue
        upper = constraint.side == "max"
        value = _best(model, clock, row.base or row.name, least=upper or inverse)
        if value is None:
            continue
        reached = _quotient(problem, row.name, value) if inverse else value
        if not constraint.interval().holds(reached):
            found.append(_sentence(constraint, reached))


def _quotient(problem: Problem, name: str, value: Fraction) -> Fraction:
    """The most that a quantity can be, whose denominator is at least a value."""
    return max(inverse_numerator(problem, name, one) for one in problem.layouts) / value


def _best(model: Model, clock: Clock, quantity: str, *, least: bool) -> Fraction | None:
    """The least, or the most, of an affine quantity over all designs, without constraints."""
    some = Constraint(TOKENS, "tokens", "max", 1, equality=True)
    tables = constrained(model.problem, [some])
    tables["objective"] = {"minimize" if least else "maximize": quantity}
    try:
        free = Model(Problem.from_tables(tables, like=model.problem), model.store)
    except ProblemError:
        return None
    found = BoundSolve(free, clock.within(), lambda _: 0.0, True, None).run()
    if found.stop != "proven":
        raise StoppedError(found.stop)
    if found.incumbent is None:
        return None
    value: Any = found.incumbent.exact[quantity]
    return Fraction(value)


def _constraint(problem: Problem, rule: Limit, upper: bool) -> Constraint:
    """The constraint of the file that a linear row comes from.

    A row on another quantity than the limit's may have the other side: the least throughput is a
    most latency.
    """
    found = [c for c in constraints(problem) if c.base == rule.key]
    return next((c for c in found if (c.side == "max") == upper), found[0])


def _broken(problem: Problem, rule: Limit, nearest: _Nearest, upper: bool) -> str:
    """A sentence on a row that no design keeps, whose quantity has this least or most."""
    problem, value = problem.under(nearest.layout), nearest.value
    constraint = _constraint(problem, rule, upper)
    form = QUANTITIES[constraint.quantity].form
    if form == "lifetime":
        spent = as_double(value * inference_charge(problem, constraint.quantity))
        limit, least = format_apart(constraint.limit, spent, constraint.dimension)
        return f"{_stated(constraint, limit)}: inference alone takes at least {least}"
    if rule.quantity in (TRAINING_FLOPS_PER_TOKEN, TRAINING_FLOPS_EACH):
        return _unmet_tokens(problem, constraint, value)
    if form == "batch":
        return _crowded(problem, constraint, rule, value)
    if form == "inverse":
        value = inverse_numerator(problem, constraint.quantity) / value
    return _sentence(constraint, value)


def _sentence(constraint: Constraint, value: Fraction) -> str:
    """A constraint that no design keeps, as the best that any design does is this."""
    limit, best = format_apart(constraint.limit, plain(value), constraint.dimension, (4, 6))
    return f"{_stated(constraint, limit)}: {_extreme_words(constraint)} is {best}"


def _crowded(problem: Problem, constraint: Constraint, rule: Limit, value: Fraction) -> str:
    """A sentence on a batch at which even the least of a cost is above its limit."""
    cost = rule.quantity.partition(AT_REQUESTS)[0]
    most = dict(problem.settings.ceilings)[cost]
    limit, least = format_apart(plain(most), plain(value), QUANTITIES[cost].dimension, (4, 6))
    return (
        f"{_stated(constraint)}: at so many, the least {cost} of any design of the space is "
        f"{least}, and {limit} the most allowed"
    )


def _stated(constraint: Constraint, limit: str = "") -> str:
    limit = limit or format_quantity(constraint.limit, constraint.dimension)
    of = f", {constraint.given_as}" if constraint.device else ""
    return f"{constraint.base} {constraint.sign} {limit}{of}"


def _extreme_words(constraint: Constraint) -> str:
    what = "least" if constraint.side == "max" else "most"
    return f"the {what} of any design of the space"


def _unmet_tokens(problem: Problem, constraint: Constraint, value: Fraction) -> str:
    """A sentence on a budget of FLOPs, or of their cost, that no design keeps at some tokens."""
    limits = problem.token_limits
    upper = constraint.side == "max"
    tokens = limits.least if upper else limits.most
    assert tokens is not None
    other = next(
        c
        for c in constraints(problem)
        if c.quantity == "tokens"
        and exact(c.limit) == tokens
        and (c.equality or c.side == ("min" if upper else "max"))
    )
    used = as_double(value * tokens * flops_rate(problem, constraint.quantity))
    limit, best = format_apart(constraint.limit, used, constraint.dimension)
    return (
        f"{_stated(constraint, limit)} at {_stated(other)} tokens: "
        f"{_extreme_words(constraint)} is {best}"
    )


def _contradictions(problem: Problem) -> list[str]:
    """Sentences on budgets that pay for fewer training FLOPs than another one asks for."""
    given = constraints(problem)
    floor = next((c for c in given if c.quantity == "training_flops" and c.side == "min"), None)
    if floor is None:
        return []

    def bought(constraint: Constraint, layout: Layout) -> Fraction:
        shares = layout.accelerators if QUANTITIES[constraint.quantity].shared else 1
        return exact(constraint.limit) * shares / flops_rate(problem, constraint.quantity, layout)

    return [
        f"{_stated(c)}: too little for {_stated(floor)}"
        for c in given
        if c.side == "max"
        and QUANTITIES[c.quantity].form in ("flops", "lifetime")
        and max(bought(c, layout) for layout in problem.layouts) < exact(floor.limit)
    ]


def _contradictory(problem: Problem, rule: Limit) -> bool:
    """Whether a linear row is one of `_contradictions`, which depend on no width or depth."""
    limits = problem.token_limits
    paid = limits.most_flops is None or limits.most_flops >= limits.least_flops
    return rule.quantity == ACCELERATORS or (rule.key == limits.most_flops_key and not paid)


def _held_tokens(problem: Problem) -> list[Constraint]:
    """Constraints on tokens and training FLOPs, if there is a greatest number of tokens."""
    keep = ("tokens", *names_of("flops"))
    held = [c for c in constraints(problem) if c.quantity in keep]
    return held if any(c.side == "max" for c in held) else []


def _least_loss(model: Model, clock: Clock, held: list[Constraint]) -> float | None:
    """The least loss of any design at the most tokens that limits allow; None if none is finite."""
    tables = constrained(model.problem, held or [_ENDLESS])
    try:
        free = Model(Problem.from_tables(tables, like=model.problem), model.store)
    except ProblemError:
        return None
    found = BoundSolve(free, clock.within(), lambda _: 0.0, True, None).run()
    if found.stop != "proven":
        raise StoppedError(found.stop)
    return None if found.incumbent is None else found.incumbent.loss
