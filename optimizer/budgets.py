"""Which constraints bind, and which budgets exclude no design."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from modelsizer.optimizer.bounds.limits import Breach, Limit, depth_intervals
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.constraints import (
    TOKENS,
    Constraint,
    changes_batches,
    constraints,
    with_constraints,
)
from modelsizer.optimizer.result import BudgetUse
from modelsizer.optimizer.search.compare import NEAR
from modelsizer.optimizer.search.search import FEW_DESIGNS, Search
from modelsizer.optimizer.tables.clock import Clock, Ending, StoppedError
from modelsizer.optimizer.tables.table import Table
from modelsizer.optimizer.warning import AnswerWarning, Consequence
from modelsizer.problems.designs.costs import flops_rate
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import format_apart

AT_THE_LIMIT = 1e-9
"""Relative slack below which a design is at a limit: tokens are doubles, so a budget spent up to
their rounding is spent."""
_NO_LIMIT = Constraint("budgets.layers", "layers", "min", 1)
"""Kept by every design; stands for the limits of a problem of one, which it must have."""


def budget_uses(
    model: Model, design: Evaluation, clock: Clock, *, solve_again: bool
) -> tuple[tuple[BudgetUse, ...], tuple[str, ...]]:
    """What a design uses of every constraint, and whether the constraint binds.

    It binds if the design is at the limit, or if a better design is feasible without it.

    Parameters
    ----------
    model : Model
    design : Evaluation
    clock : Clock
    solve_again : bool
        Solve without each constraint whose limit the design is not at, while time is left.

    Returns
    -------
    uses : tuple of BudgetUse
    unknown : tuple of str
        Constraints of which the time did not suffice to tell whether they bind; not so marked.
    """
    uses, unknown = [], []
    for each in constraints(model.problem.under(design.layout)):
        limit, used = float(each.limit), design.quantity(each.quantity)
        slack = (limit - used) if each.side == "max" else (used - limit)
        at_it = slack <= AT_THE_LIMIT * abs(limit)
        binding = at_it
        if solve_again and not at_it:
            ending = Ending()
            with ending:
                clock.check()
                binding = holds_back(model, design, each, freed(model.problem, each), clock)
            if not ending.complete:
                unknown.append(each.name)
        end = (each.dimension, each.side, binding, each.reference, each.device)
        uses.append(BudgetUse(each.name, used, each.limit, *end))
    return tuple(uses), tuple(unknown)


def freed(problem: Problem, constraint: Constraint) -> Problem | None:
    """The problem without a constraint; None where the question has no finite answer then."""
    held = [c for c in constraints(problem) if c.key != constraint.key]
    try:
        return with_constraints(problem, held or [_NO_LIMIT])
    except ProblemError:
        return None


def holds_back(
    model: Model, design: Evaluation, constraint: Constraint, freer: Problem | None, clock: Clock
) -> bool:
    """Whether a better design is feasible without the constraint, in the problem `freed` of it.

    Raises
    ------
    StoppedError
        If a limit was reached before it was known.
    """
    if freer is None:
        return True
    free = Model(freer, model.store)
    breach = _breach(model.problem, freer, constraint)
    clearly = clearly_better(free, design)
    search = Search(free, clock.within(), design, enough=clearly, breach=breach)
    search.open()
    while search.value >= clearly and len(search.boxes):
        clock.check()
        if search.boxes.single.all() or search.boxes.designs <= FEW_DESIGNS:
            return search.any_below(clearly)
        search.halve()
    if search.value >= clearly and search.stopped is not None:
        raise StoppedError(search.stopped)
    return search.value < clearly


def clearly_better(model: Model, design: Evaluation) -> float:
    """Value below which another design is better than one by more than rounding."""
    before = model.value_of(design)
    # Tokens are doubles, rounded down in a design but not in a table.
    rounding = ROUNDING if model.kind == "most_tokens" else NEAR[model.kind]
    return before - rounding * abs(before)


def _breach(problem: Problem, freer: Problem, constraint: Constraint) -> Breach | None:
    """What designs violate that only this constraint excludes; None if that is unclear.

    Of constraints that are no linear row only the most tokens are treated: they exclude no design
    whose training FLOPs run out first.
    """
    name = constraint.quantity
    if problem.several and (limits_differ(problem, name) or freer.lacks(name)):
        return None
    if changes_batches(problem, name):
        return None
    if QUANTITIES[name].form in ("affine", "inverse"):
        return Breach(problem, name, constraint.interval())
    tokens = problem.token_limits
    most = name == "tokens" and constraint.side == "max" and not problem.several
    if not most or tokens.most is None or tokens.most_flops is None:
        return None
    if tokens.most_flops_each is not None:
        return None
    return Breach(problem, name, Interval(), tokens.most_flops / tokens.most)


# Budgets that exclude no design

IDLE = "limits that leave no design out"


def idle_limits(model: Model, clock: Clock) -> list[AnswerWarning]:
    """A warning that names redundant budgets: every design that keeps the other limits keeps them.

    Limits that the problem does not give, those of its accelerators, are not named.
    There are none for a space too large to list, or if the time does not suffice.
    """
    problem = model.problem
    if not model.store.listable(problem):
        return []
    budgets = [c for c in constraints(problem) if c.side == "max" and c.base != TOKENS]
    budgets = [c for c in budgets if c.quantity != "loss" and not c.device]
    budgets = [c for c in budgets if not limits_differ(problem, c.quantity)]
    most = dict.fromkeys(budgets, 0.0)
    for table in model.tables():
        rules = model.rules(table)
        for budget in budgets:
            if clock.out_of_time:
                return []
            others = [rule for rule in rules if rule.key != budget.base]
            most[budget] = max(most[budget], _most(model, table, others, budget.quantity))
    said: dict[str, str] = {}
    for budget, used in most.items():
        if used < float(budget.limit):
            limit, greatest = format_apart(budget.limit, used, budget.dimension)
            said[budget.base] = f"{budget.quantity} {limit} (at most {greatest} used)"
    if not said:
        return []
    idle = f"{IDLE}: {', '.join(said.values())}"
    return [AnswerWarning(Consequence.LIMITS, idle, next(iter(said)))]


def limits_differ(problem: Problem, quantity: str) -> bool:
    """Whether setups have different limits on a quantity."""
    return len({setup.limits.get(quantity) for setup in problem.setups}) > 1


def _most(model: Model, table: Table, rules: list[Limit], name: str) -> float:
    """The most that designs of a table within linear limits use of a quantity."""
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
        shared = QUANTITIES[name].shared
        each = [
            float(flops_rate(model.problem, name, lay)) / (lay.accelerators if shared else 1)
            for lay in table.layout
        ]
        used = flops.values(row, high) * np.array(each)[table.layout_id[row]]
        return float(used.max()) * tokens
    if name == "tokens":
        other = model.problem.training.tokens
        most = math.inf if other is None or other.max is None else float(other.max)
        paid = math.inf if limits.most_flops is None else float(limits.most_flops)
        return min(most, paid / float(flops.values(row, low).min()))
    return math.inf


def _most_tokens(problem: Problem, budget: str) -> float:
    """The most tokens of any design without one budget proportional to training FLOPs."""
    ends = [problem.training.tokens, problem.budgets.tokens]
    tokens = [float(end.max) for end in ends if end is not None and end.max is not None]
    others = [n for n in names_of("flops") if n != budget and n in problem.budgets.limits]
    # Another such budget limits each design's FLOPs: then nothing is claimed.
    return min(tokens) if tokens and not others else math.inf
