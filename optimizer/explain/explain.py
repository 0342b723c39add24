"""Why a problem is infeasible, and the least changes that make it feasible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelsizer.optimizer.constraints import Constraint
from modelsizer.optimizer.explain.conflicts import (
    Conflict,
    Keys,
    Oracle,
    all_conflicts,
    measured,
    promised_conflicts,
)
from modelsizer.optimizer.explain.joint_repair import JointRepair, joint_repair
from modelsizer.optimizer.explain.repairs import Repair, limit_repairs
from modelsizer.optimizer.explain.setting_repairs import SETTINGS, can_help, setting_repairs
from modelsizer.optimizer.result import design_dict
from modelsizer.problems.errors import ArgumentError, did_you_mean, require_type
from modelsizer.problems.problem import Problem


@dataclass(frozen=True, slots=True)
class Why:
    """The effect of relaxing one constraint, or of changing one setting.

    Parameters
    ----------
    key : str
    repairs : tuple of Repair
        How far it must go; empty where it cannot help.
    remaining : tuple of Conflict
        Conflicts that it leaves.
    """

    key: str
    repairs: tuple[Repair, ...]
    remaining: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a problem is infeasible, and what would make it feasible.

    Parameters
    ----------
    problem : Problem
    feasible : bool
        If true, nothing else is filled in.
    seconds : float
    limits : tuple of Constraint
    conflicts : tuple of tuple of str
        Every minimal conflict among budgets and token limits, with the space as it is.
    with_space : tuple of Conflict
        Every minimal conflict where constraints of the space may be relaxed as well.
    repairs : tuple of Repair
        Of single constraints, then of single settings.
    joint : JointRepair or None
        None where the space is too large to list.
    weights : mapping of str to float
        Other than 1.
    whys : tuple of Why
    """

    problem: Problem
    feasible: bool
    seconds: float
    limits: tuple[Constraint, ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    with_space: tuple[Conflict, ...] = ()
    repairs: tuple[Repair, ...] = ()
    joint: JointRepair | None = None
    weights: Mapping[str, float] | None = None
    whys: tuple[Why, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        joint = self.joint
        return {
            "name": self.problem.name,
            "feasible": self.feasible,
            "seconds": self.seconds,
            "conflicts": [list(keys) for keys in self.conflicts],
            "with_space": [list(conflict.keys) for conflict in self.with_space],
            "reasons": [conflict.to_dict() for conflict in self.with_space],
            "repairs": [repair.to_dict() for repair in self.repairs],
            "joint": None if joint is None else {
                "cost": joint.cost,
                "weights": dict(self.weights or {}),
                "repairs": [repair.to_dict() for repair in joint.repairs],
                "design": design_dict(self.problem, joint.design),
            },
            "why": [
                {
                    "key": why.key,
                    "helps": bool(why.repairs),
                    "repairs": [repair.to_dict() for repair in why.repairs],
                    "remaining": [list(conflict.keys) for conflict in why.remaining],
                }
                for why in self.whys
            ],
        }  # fmt: skip


def explain(
    problem: Problem,
    *,
    why: Sequence[str] = (),
    weights: Mapping[str, object] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Explain why a problem is infeasible: all minimal conflicts, and the least repairs.

    Parameters
    ----------
    problem : Problem
    why : sequence of str
        Constraints or settings whose effect is reported: a key, ``"budgets.kv_cache"``, or its last
        word.
    weights : mapping of str to float, optional
        Cost of relative excess of a budget or token limit in the joint repair; 1 by default.
    progress : callable, optional
        Called with the number of conflicts known and of searches.

    Returns
    -------
    Explanation
        With `feasible` true, and nothing else filled in, if some design keeps every constraint.

    Raises
    ------
    ArgumentError
        If a key is none of the problem's, or a weight is not positive.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb").with_settings({"budgets.serving_memory": "100 MB"})
    >>> explain(problem).conflicts
    (('budgets.serving_memory',),)
    """
    require_type("problem", problem, Problem)
    started = time.perf_counter()
    oracle = Oracle(problem, progress)
    limits = oracle.relaxer.limits
    costs = _weights(limits, weights or {})
    asked = list(dict.fromkeys(key for name in why for key in _resolved(limits, name)))
    if oracle.feasible(oracle.all):
        return Explanation(problem, True, time.perf_counter() - started, limits)
    conflicts = _ordered(oracle, promised_conflicts(oracle))
    oracle.conflicts = len(conflicts)
    every = tuple(measured(oracle, keys) for keys in _ordered(oracle, all_conflicts(oracle)))
    repairs = (*limit_repairs(oracle), *setting_repairs(oracle, conflicts))
    return Explanation(
        problem,
        False,
        time.perf_counter() - started,
        limits,
        tuple(tuple(key for key in oracle.relaxer.keys if key in keys) for keys in conflicts),
        every,
        repairs,
        joint_repair(oracle, costs),
        costs,
        tuple(_why(oracle, key, repairs, every) for key in asked),
    )


def _ordered(oracle: Oracle, conflicts: Sequence[Keys]) -> list[Keys]:
    """The fewest limits first, then in the order of the file format."""
    place = oracle.relaxer.keys.index
    return sorted(conflicts, key=lambda keys: (len(keys), sorted(place(key) for key in keys)))


def _resolved(limits: Sequence[Constraint], name: str, argument: str = "why") -> list[str]:
    """Keys that a name may mean: a key, a key without its side, or its last word."""
    keys = [limit.key for limit in limits] + (list(SETTINGS) if argument == "why" else [])
    bases = {key: key for key in keys} | {limit.key: limit.base for limit in limits}
    words = {key: base.partition(".")[2] for key, base in bases.items()}
    ends = {key: key.partition(".")[2] for key in keys}
    for spelt in ({key: key for key in keys}, bases, words, ends):
        if found := [key for key in keys if spelt[key] == name]:
            return found
    hint = did_you_mean(name, keys)
    raise ArgumentError(
        argument, f"{name!r} is no limit of this problem{hint}; its limits: {', '.join(keys)}"
    )


def _weights(limits: Sequence[Constraint], given: Mapping[str, object]) -> dict[str, float]:
    promised = [limit for limit in limits if not limit.of_space]
    found: dict[str, float] = {}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e100:
            raise ArgumentError("weight", f"{name} = {value!r} is not a positive number")
        found |= dict.fromkeys(_resolved(promised, name, "weight"), float(value))
    return found


def _why(oracle: Oracle, key: str, repairs: Sequence[Repair], every: Sequence[Conflict]) -> Why:
    mine = tuple(repair for repair in repairs if repair.key == key)
    if mine:
        return Why(key, mine, ())
    if key in SETTINGS:
        return Why(
            key, (), tuple(c for c in every if not can_help(oracle, key, [frozenset(c.keys)]))
        )
    return Why(key, (), tuple(conflict for conflict in every if key not in conflict.keys))
