"""Joint repairs: steps of settings together with one another and with relaxed limits.

`modelsizer.optimizer.explain.joint_repair` finds the cheapest way to relax limits alone, with
proof. Here one or two steps of settings (`modelsizer.optimizer.explain.setting_steps`) are made
first, and what is still infeasible is repaired so; each alternative is a proven optimum of the
limits given its steps, and minimal: with any of its changes undone no design is feasible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice

from modelsizer.optimizer.explain.change_costs import FAR, priced
from modelsizer.optimizer.explain.conflicts import Keys, Oracle, any_design
from modelsizer.optimizer.explain.joint_repair import JointRepair, joint_repair, made
from modelsizer.optimizer.explain.menu_repairs import may_help, menu_keys, menu_steps
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.optimizer.explain.setting_repairs import can_help
from modelsizer.optimizer.explain.setting_steps import SETTINGS, steps
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.hardware.accelerators import UnknownFigureError

MOST = 3
"""Alternatives that are offered."""
NEAR = 1.25
"""Others beside the cheapest alternative are offered if they cost no more than so much of it."""
MOST_TRIED = 16
"""Combinations of steps that are looked at, the least costly first."""


WORTH = 0.9
"""Share of the cheapest single change that several may cost to be offered: each is an effort."""
SMALL = 0.02
"""Cost of a change that is left out if the others then cost at most a tenth more."""
_KEPT = 1e9  # weight of a limit that is not to move


def alternatives(
    oracle: Oracle,
    conflicts: Sequence[Keys],
    singles: Sequence[Repair],
    joint: JointRepair | None,
    weights: Mapping[str, float],
) -> list[JointRepair]:
    """Joint repairs that cost clearly less than every single change, least costly first.

    Parameters
    ----------
    oracle : Oracle
        Of an infeasible problem.
    conflicts : sequence of frozenset of str
        Minimal conflicts among budgets and token limits.
    singles : sequence of Repair
        Every single change that makes it feasible, with its cost.
    joint : JointRepair or None
        The cheapest way to relax limits alone.
    weights : mapping of str to float
        Of the user.

    Returns
    -------
    list of JointRepair
        At most `MOST`. If no single change helps they may cost anything.
    """
    cheapest = WORTH * min((repair.cost or 0.0 for repair in singles), default=math.inf)
    found: list[JointRepair] = []
    if joint is not None and joint.cost < cheapest:
        joint = _fewer(oracle, joint, weights)
        if len(joint.repairs) > 1 and joint.cost < cheapest:
            found.append(joint)
    for combination in islice(_combinations(oracle, conflicts, singles, weights), MOST_TRIED):
        cost = sum(step.cost or 0.0 for step in combination)
        below = min(cheapest, NEAR * found[0].cost if found else math.inf)
        if cost >= below:
            continue
        other = _completed(oracle, combination, weights, below - cost)
        if other is not None and not any(_within(each, other) for each in found):
            found = sorted([*found, other], key=lambda each: each.cost)
    return [each for each in found if each.cost <= NEAR * found[0].cost][:MOST]


def _within(one: JointRepair, other: JointRepair) -> bool:
    """Whether an alternative changes nothing that the other does not change too."""
    return {change.key for change in one.repairs} <= {change.key for change in other.repairs}


def _combinations(
    oracle: Oracle,
    conflicts: Sequence[Keys],
    singles: Sequence[Repair],
    weights: Mapping[str, float],
) -> Iterator[tuple[Repair, ...]]:
    """Steps that are not enough by themselves, of one setting, then of two, the cheapest first."""
    problem = oracle.relaxer.origin
    enough = {repair.key: repair.cost or 0.0 for repair in singles}
    helpful = [key for key in SETTINGS if any(can_help(oracle, key, [c]) for c in conflicts)]
    each = [priced(step, weights) for key in helpful for step in steps(problem, key)]
    if oracle.store(problem).listable(problem):
        menus = [k for k in menu_keys(problem) if any(may_help(oracle, k, [c]) for c in conflicts)]
        each += [priced(step, weights) for key in menus for step in menu_steps(problem, key)]
    part = [s for s in each if (s.cost or 0.0) < min(FAR, enough.get(s.key, math.inf))]
    ones = [(step,) for step in part]
    twos = [(a, b) for a, b in combinations(part, 2) if a.key != b.key]
    for several in (ones, twos):
        yield from sorted(several, key=lambda steps: sum(s.cost or 0.0 for s in steps))


def _completed(
    oracle: Oracle, chosen: tuple[Repair, ...], weights: Mapping[str, float], below: float
) -> JointRepair | None:
    """Some steps with the cheapest relaxation of limits beside them, if it costs little enough."""
    try:
        after = oracle.after(made(chosen))
    except (ProblemError, UnknownFigureError):
        return None  # steps that do not go together
    problem = after.relaxer.problem(after.all)
    design = any_design(problem, after.store(problem), after.clock)
    repairs: tuple[Repair, ...] = ()
    if design is None:
        rest = joint_repair(after, weights, below)
        if rest is None:
            return None
        rest = _fewer(after, rest, weights)
        repairs, design = rest.repairs, rest.design
    changes = _needed(oracle, (*chosen, *repairs))
    if len(changes) < 2:
        return None  # a single change, which is known
    return JointRepair(sum(change.cost or 0.0 for change in changes), changes, design)


def _fewer(oracle: Oracle, joint: JointRepair, weights: Mapping[str, float]) -> JointRepair:
    """A joint repair without its small changes, if that costs little more."""
    kept, most = dict(weights), joint.cost * 1.1
    while True:
        small = [repair.key for repair in joint.repairs if (repair.cost or 0.0) < SMALL]
        kept |= dict.fromkeys(small, _KEPT)
        if not small or len(small) == len(joint.repairs):
            return joint
        other = joint_repair(oracle, kept, most)
        if other is None:
            return joint
        joint = other


def _needed(oracle: Oracle, changes: tuple[Repair, ...]) -> tuple[Repair, ...]:
    """The changes without which the others are not enough, the dearest left out first."""
    kept = list(changes)
    for change in sorted(changes, key=lambda change: -(change.cost or 0.0)):
        rest = [each for each in kept if each is not change]
        if rest and _feasible(oracle, rest):
            kept = rest
    return tuple(kept)


def _feasible(oracle: Oracle, changes: Sequence[Repair]) -> bool:
    try:
        after = oracle.after(made(changes))
    except (ProblemError, UnknownFigureError):
        return False
    return after.feasible(after.all)
