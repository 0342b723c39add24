"""Which budgets bind, and which leave no design out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from modelsizer.optimizer.bounds.limits import Breach, Limit, depth_intervals
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.result import BudgetUse, Side
from modelsizer.optimizer.search.compare import NEAR
from modelsizer.optimizer.search.search import FEW_DESIGNS, Search
from modelsizer.optimizer.tables.clock import Clock, Limits
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.costs.tokens import TIMED, rate
from modelsizer.problems.designs.costs import TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, format_quantity

AT_THE_LIMIT = 1e-9
"""Relative slack below which a design is said to be at a limit: tokens are doubles, and a budget
spent up to their rounding is spent."""


def sides(limit: Interval) -> Iterator[tuple[Side, Number]]:
    """The ends of a limit that were given."""
    if limit.min is not None:
        yield "min", limit.min
    if limit.max is not None:
        yield "max", limit.max


def _given(problem: Problem) -> Iterator[tuple[str, str, Side, Number]]:
    """Key of the file, quantity, side and value of every limit."""
    tokens = problem.training.tokens
    if tokens is not None:
        ends = dict(sides(tokens))
        if tokens.min == tokens.max:
            ends.pop("min", None)
        for side, value in ends.items():
            yield "training.tokens", "tokens", side, value
    for name, limit in problem.budgets.limits.items():
        for side, value in sides(limit):
            yield f"budgets.{name}", name, side, value


def without(problem: Problem, key: str, side: Side) -> Problem | None:
    """The problem less one end of a limit; None if it makes no sense without it."""
    tables_ = problem.to_dict()
    tables_.pop("scenarios", None)
    table, name = key.split(".")
    limit = getattr(getattr(problem, table), name)
    ends = {s: value for s, value in sides(limit) if s != side}
    fixed = limit.min == limit.max and key == "training.tokens"
    tables_[table] = {k: v for k, v in tables_[table].items() if k != name}
    if ends and not fixed:
        tables_[table][name] = ends
    try:
        return Problem.from_tables(tables_, like=problem)
    except ProblemError:
        return None


def budget_uses(
    model: Model, design: Evaluation, clock: Clock, *, solve_again: bool
) -> tuple[BudgetUse, ...]:
    """Every limit with what the design uses of it, and whether it binds.

    A limit binds if the design is at it, or if something better fits once it is taken away,
    which is found out by solving again, if there is leave to.
    """
    uses = []
    for key, quantity, side, limit in _given(model.problem):
        used = design.quantity(quantity)
        slack = (float(limit) - used) if side == "max" else (used - float(limit))
        at_it = slack <= AT_THE_LIMIT * abs(float(limit))
        again = solve_again and not clock.out_of_time
        binding = at_it or (again and _holds_back(model, design, key, side, clock))
        name = key if key.startswith("training") else quantity
        uses.append(BudgetUse(name, used, limit, QUANTITIES[quantity].dimension, side, binding))
    return tuple(uses)


def _holds_back(model: Model, design: Evaluation, key: str, side: Side, clock: Clock) -> bool:
    """Whether a better design fits without one end of a limit."""
    freer = without(model.problem, key, side)
    if freer is None:
        return True  # without it the question has no finite answer
    before = model.value_of(design)
    free = Model(freer, model.store)
    breach = _breach(model.problem, key, side)
    search = Search(free, Clock(Limits(clock.left.seconds)), design, enough=before, breach=breach)
    search.open()
    clearly = before - NEAR[free.kind] * abs(before)  # better by more than rounding
    while search.value >= clearly and len(search.boxes) and not search.clock.out_of_time:
        if search.boxes.single.all() or search.boxes.designs <= FEW_DESIGNS:
            return search.any_below(clearly)
        search.halve()
    return search.value < clearly


def _breach(problem: Problem, key: str, side: Side) -> Breach | None:
    """What a design breaks that one end of a limit alone has ruled out; None if that is unclear.

    Of a limit that is no linear row only the most tokens are looked into: they do not matter to a
    design whose FLOPs end first.
    """
    name = key.split(".")[1]
    if QUANTITIES[name].form in ("affine", "inverse"):
        limit = problem.budgets.limits[name]
        end = Interval(max=limit.max) if side == "max" else Interval(min=limit.min)
        return Breach(problem, name, end)
    tokens = problem.token_limits
    if name != "tokens" or side != "max" or tokens.most is None or tokens.most_flops is None:
        return None
    if tokens.most_flops_each is not None:
        return None
    least = math.ceil(tokens.most_flops / tokens.most)
    return Breach(problem, name, Interval(), least)


# Limits that leave nothing out


def idle_limits(model: Model) -> list[str]:
    """Sentences on budgets that leave no design out: whatever keeps the other limits keeps them.

    Nothing is said of a space too large to list.
    """
    problem = model.problem
    if not model.store.listable(problem):
        return []
    given = {n: i.max for n, i in problem.budgets.limits.items() if i.max is not None}
    most = dict.fromkeys(given, 0.0)
    for table in model.tables():
        rules = model.rules(table)
        for name in given:
            others = [rule for rule in rules if rule.key != f"budgets.{name}"]
            most[name] = max(most[name], _most(model, table, others, name))
    return [
        f"budgets.{name} = {format_quantity(limit, QUANTITIES[name].dimension)} leaves no design "
        "out: the most that any design within the other limits uses is "
        f"{format_quantity(most[name], QUANTITIES[name].dimension)}"
        for name, limit in given.items()
        if name != "loss" and most[name] < float(limit)
    ]


def _most(model: Model, table: Table, rules: list[Limit], name: str) -> float:
    """The most that designs of a table within some limits use of a quantity."""
    row = np.arange(len(table))
    low, high = depth_intervals(table, rules, row, np.zeros_like(table.count), table.count - 1)
    keep = (low <= high).all(axis=1)
    row, low, high = row[keep], low[keep], high[keep]
    if not len(row):
        return 0.0
    if QUANTITIES[name].affine:
        parts = [table.linear[part] for part in QUANTITIES[name].parts]
        ends = [Fraction(int(part.at(row, high).max()), part.denominator) for part in parts]
        return float(max(ends))
    flops = table.linear[TRAINING_FLOPS_PER_TOKEN]
    limits = model.problem.token_limits
    if QUANTITIES[name].form == "flops":
        tokens = _most_tokens(model.problem, name)
        each = [1.0] * len(table.layout)
        if name in TIMED:
            cost = float(rate(model.problem.training, name))
            at_once = name == "training_time"
            each = [cost / (lay.accelerators if at_once else 1) for lay in table.layout]
        used = np.asarray(flops.at(row, high)).astype(float) * np.array(each)[table.layout_id[row]]
        return float(used.max()) * tokens
    if name == "tokens":
        other = model.problem.training.tokens
        most = math.inf if other is None or other.max is None else float(other.max)
        paid = math.inf if limits.most_flops is None else float(limits.most_flops)
        return min(most, paid / float(flops.at(row, low).min()))
    return math.inf


def _most_tokens(problem: Problem, budget: str) -> float:
    """The most tokens of any design if a budget in proportion to training FLOPs were not there."""
    ends = [problem.training.tokens, problem.budgets.tokens]
    tokens = [float(end.max) for end in ends if end is not None and end.max is not None]
    others = [n for n in ("training_flops", *TIMED) if n != budget and n in problem.budgets.limits]
    # Another such budget limits each design's FLOPs: then nothing is claimed.
    return min(tokens) if tokens and not others else math.inf
