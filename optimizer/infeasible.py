"""Constraints that no design of a space keeps, whatever the other constraints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.constraints import TOKENS, Constraint, constrained, constraints
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.tables.clock import Clock, Ending, StoppedError
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.designs.costs import flops_rate, inverse_numerator
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    TRAINING_FLOPS_EACH,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.requirements.token_limits import ENDLESS
from modelsizer.problems.units import format_apart, format_quantity, plain

TOGETHER = "each limit can be kept by some design, but none keeps all of them together"
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
    listable = model.store.listable(model.problem)
    found: list[str] = []
    ending = Ending()
    with ending:
        found = _listed(model, clock) if listable else _searched(model, clock, found)
        if not found:
            found = _unreached_loss(model, clock)
    if not found and ending.complete:
        found = [TOGETHER if listable else UNSURE]
    return [*found, *([] if ending.complete else [CUT_SHORT]), MORE]


def _unreached_loss(model: Model, clock: Clock) -> list[str]:
    """A sentence on a loss that no design reaches at the most tokens that it may take."""
    loss = model.problem.budgets.loss
    if loss is None or loss.max is None:
        return []
    best = _least_loss(model, clock)
    if best is None or best <= float(loss.max):
        return []
    limit, least = format_apart(loss.max, best, "nats", (5, 5))
    most = "at the most tokens that it may take" if _held_tokens(model.problem) else "on any data"
    return [
        f"budgets.loss <= {limit}: the least loss of any design of the space, {most}, is {least}"
    ]


def _rows(model: Model, table: Table) -> Iterator[tuple[bool, list[Limit]]]:
    """The linear rows of each limit and side, and whether the side is the upper one."""
    for upper in (True, False):
        rows = [r for r in model.rules(table) if (r.high if upper else r.low) is not None]
        groups: dict[tuple[str, str], list[Limit]] = {}
        for row in rows:
            groups.setdefault((row.key, row.quantity.partition(".")[0]), []).append(row)
        yield from ((upper, group) for group in groups.values())


def _listed(model: Model, clock: Clock) -> list[str]:
    """Limits that no design keeps alone, by the least or the most use of any width option."""
    reached: dict[tuple[str, str, bool], Fraction] = {}
    limits: dict[tuple[str, str, bool], tuple[Limit, Fraction]] = {}
    for table in model.tables():
        clock.check()
        for upper, rows in _rows(model, table):
            rule = rows[0]
            key = (rule.key, rule.quantity, upper)
            value = _extreme(table, rows, least=upper)
            reached[key] = (min if upper else max)(reached.get(key, value), value)
            end = rule.high if upper else rule.low
            assert end is not None
            limits[key] = (rule, Fraction(end, table.linear[rule.quantity].denominator))
    found = {}
    for key, (rule, asked) in limits.items():
        value, upper = reached[key], key[2]
        if (value > asked) if upper else (value < asked):
            found[rule.key] = _broken(model.problem, rule, value, upper)
    return list(found.values())


def _extreme(table: Table, rows: list[Limit], *, least: bool) -> Fraction:
    """The least, or the most, over all designs of the maximum of several quantities."""
    row = np.arange(len(table))
    j = np.zeros_like(table.count) if least else table.count - 1
    linear = [table.linear[rule.quantity] for rule in rows]
    common = math.lcm(*(q.denominator for q in linear))
    values = [q.at(row, j).astype(object) * (common // q.denominator) for q in linear]
    larger = np.max(values, axis=0)
    return Fraction(int(larger.min() if least else larger.max()), common)


def _searched(model: Model, clock: Clock, found: list[str]) -> list[str]:
    """As `_listed`, for a space too large to list: add to `found` by a search for each limit."""
    problem = model.problem
    for constraint in constraints(problem):
        row = QUANTITIES[constraint.quantity]
        inverse = row.form == "inverse"
        if not (row.affine or inverse):
            continue
        upper = constraint.side == "max"
        value = _best(model, clock, row.base or row.name, least=upper or inverse)
        if value is None:
            continue
        reached = inverse_numerator(problem, row.name) / value if inverse else value
        if not constraint.interval().holds(reached):
            found.append(_sentence(constraint, reached))
    return found


def _best(model: Model, clock: Clock, quantity: str, *, least: bool) -> Fraction | None:
    """The least, or the most, of an affine quantity over all designs, without constraints."""
    some = Constraint(TOKENS, "tokens", "max", 1, equality=True)
    tables = constrained(model.problem.bare(), [some])
    tables["objective"] |= {"minimize" if least else "maximize": quantity}
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


def _broken(problem: Problem, rule: Limit, value: Fraction, upper: bool) -> str:
    """A sentence on a row that no design keeps, whose quantity has this least or most."""
    constraint = _constraint(problem, rule, upper)
    if rule.quantity in (TRAINING_FLOPS_PER_TOKEN, TRAINING_FLOPS_EACH, ACCELERATORS):
        return _unmet_tokens(problem, rule, constraint, value)
    if QUANTITIES[constraint.quantity].form == "inverse":
        value = inverse_numerator(problem, constraint.quantity) / value
    return _sentence(constraint, value)


def _sentence(constraint: Constraint, value: Fraction) -> str:
    """A constraint that no design keeps, as the best that any design does is this."""
    limit, best = format_apart(constraint.limit, plain(value), constraint.dimension, (4, 6))
    return f"{_stated(constraint, limit)}: {_extreme_words(constraint)} is {best}"


def _stated(constraint: Constraint, limit: str) -> str:
    return f"{constraint.base} {constraint.sign} {limit}"


def _extreme_words(constraint: Constraint) -> str:
    what = "least" if constraint.side == "max" else "most"
    return f"the {what} of any design of the space"


def _unmet_tokens(problem: Problem, rule: Limit, constraint: Constraint, value: Fraction) -> str:
    """A sentence on a budget of FLOPs, or of their cost, at a number of tokens."""
    limits, dimension = problem.token_limits, constraint.dimension
    if rule.quantity == ACCELERATORS or (rule.high == 0 and limits.least_flops):
        least = format_quantity(float(limits.least_flops), "FLOPs")
        limit = format_quantity(constraint.limit, dimension)
        return f"{_stated(constraint, limit)}: too little for {least}"
    tokens = limits.least if constraint.side == "max" else limits.most
    assert tokens is not None
    used = float(value * tokens * flops_rate(problem, constraint.quantity))
    limit, best = format_apart(constraint.limit, used, dimension)
    return (
        f"{_stated(constraint, limit)} at {format_quantity(float(tokens), 'tokens')} tokens: "
        f"{_extreme_words(constraint)} is {best}"
    )


def _held_tokens(problem: Problem) -> list[Constraint]:
    """Constraints on tokens and training FLOPs, if there is a greatest number of tokens."""
    keep = ("tokens", *names_of("flops"))
    held = [c for c in constraints(problem) if c.quantity in keep]
    return held if any(c.side == "max" for c in held) else []


def _least_loss(model: Model, clock: Clock) -> float | None:
    """The least loss of any design at the most tokens that it may take."""
    tables = constrained(model.problem.bare(), _held_tokens(model.problem) or [_ENDLESS])
    try:
        free = Model(Problem.from_tables(tables, like=model.problem), model.store)
    except ProblemError:
        return None
    found = BoundSolve(free, clock.within(), lambda _: 0.0, True, None).run()
    if found.stop != "proven":
        raise StoppedError(found.stop)
    return None if found.incumbent is None else found.incumbent.loss
