"""Why a problem is infeasible, and the least changes that make it feasible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Literal, get_args

from modelsizer.optimizer.constraints import Constraint, base_of
from modelsizer.optimizer.explain.alternatives import alternatives
from modelsizer.optimizer.explain.change_costs import FAR, OF_DEVICES, priced
from modelsizer.optimizer.explain.conflicts import (
    Conflict,
    Keys,
    Oracle,
    all_conflicts,
    measured,
    promised_conflicts,
    unmeasured,
)
from modelsizer.optimizer.explain.joint_repair import JointRepair, joint_repair
from modelsizer.optimizer.explain.menu_repairs import menu_keys, menu_repairs
from modelsizer.optimizer.explain.repairs import Repair, limit_repairs
from modelsizer.optimizer.explain.setting_repairs import can_help, setting_repairs
from modelsizer.optimizer.explain.setting_steps import SETTINGS
from modelsizer.optimizer.result import design_dict
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.brief import counted, named
from modelsizer.problems.errors import ArgumentError, did_you_mean, require_type, short
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled

Part = Literal["feasible", "conflicts", "with_space", "repairs", "joint", "alternatives"]
"""A part of an explanation, in the order in which they are made."""


@dataclass(frozen=True, slots=True)
class Why:
    """The effect of relaxing one constraint, or of changing one setting.

    Parameters
    ----------
    key : str
    helps : bool or None
        None where the time limit came before it was known.
    repairs : tuple of Repair
        How far it must go; empty where it cannot help.
    remaining : tuple of Conflict
        Conflicts that it leaves.
    """

    key: str
    helps: bool | None
    repairs: tuple[Repair, ...]
    remaining: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Explanation(Tabled):
    """Why a problem is infeasible, and what would make it feasible.

    Whatever is listed is proven, also if the explanation is not complete.

    Parameters
    ----------
    problem : Problem
    feasible : bool or None
        If true, or None where the time limit came before it was known, nothing else is filled in.
    seconds : float
    limits : tuple of Constraint
    conflicts : tuple of tuple of str
        Every minimal conflict among budgets and token limits, with the space as it is.
    with_space : tuple of Conflict
        Every minimal conflict where constraints of the space may be relaxed as well.
    repairs : tuple of Repair
        Of single constraints, settings and ends of menus, least costly first.
    joint : JointRepair or None
        Of constraints alone. None where the space is too large to list, or it is unfinished.
    alternatives : tuple of JointRepair
        Several changes that together cost less than any of `repairs`.
    weights : mapping of str to float
        Other than 1.
    whys : tuple of Why
    stop : Stop
        ``"proven"`` if the explanation is complete, otherwise why it ended early.
    unfinished : tuple of str
        Parts that may lack something.
    undecided : tuple of str
        Keys of the constraints and settings whose repairs are not known.
    """

    problem: Problem
    feasible: bool | None
    seconds: float
    limits: tuple[Constraint, ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    with_space: tuple[Conflict, ...] = ()
    repairs: tuple[Repair, ...] = ()
    joint: JointRepair | None = None
    alternatives: tuple[JointRepair, ...] = ()
    weights: Mapping[str, float] | None = None
    whys: tuple[Why, ...] = ()
    stop: Stop = "proven"
    unfinished: tuple[Part, ...] = ()
    undecided: tuple[str, ...] = ()

    def _words(self) -> str:
        states = {True: "feasible", False: "infeasible", None: "not known"}
        parts = [states[self.feasible]]
        if self.feasible is False:
            parts += [counted(len(self.conflicts) + len(self.with_space), "conflict")]
            parts += [counted(len(self.repairs), "repair")]
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {named(self.problem.name)}: {', '.join(parts)}{whole}"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.stop == "proven"

    @property
    def offered(self) -> tuple[Repair, ...]:
        """The repairs that are offered: those that are not `FAR`.

        If nothing else makes the problem feasible, those that are not `FAR` from the cheapest.
        """
        costs = [repair.cost or 0.0 for repair in self.repairs]
        most = max(FAR, 0.0 if self.alternatives else min(costs, default=0.0) + FAR / 2)
        return tuple(r for r, cost in zip(self.repairs, costs, strict=True) if cost <= most)

    @property
    def far(self) -> tuple[Repair, ...]:
        """The repairs that are not offered."""
        return tuple(repair for repair in self.repairs if repair not in self.offered)

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        joint = self.joint
        return {
            "name": self.problem.name,
            "complete": self.complete,
            "stop": self.stop,
            "unfinished": list(self.unfinished),
            "undecided": list(self.undecided),
            "feasible": self.feasible,
            "seconds": self.seconds,
            "conflicts": [list(keys) for keys in self.conflicts],
            "with_space": [list(conflict.keys) for conflict in self.with_space],
            "reasons": [conflict.to_dict() for conflict in self.with_space],
            "repairs": [repair.to_dict() for repair in self.offered],
            "far_repairs": [repair.to_dict() for repair in self.far],
            "alternatives": [
                {
                    "cost": each.cost,
                    "changes": [change.to_dict() for change in each.repairs],
                    "set": each.made,
                    "design": design_dict(self.problem, each.design),
                }
                for each in self.alternatives
            ],
            "joint": None if joint is None else {
                "cost": joint.cost,
                "weights": dict(self.weights or {}),
                "repairs": [repair.to_dict() for repair in joint.repairs],
                "design": design_dict(self.problem, joint.design),
            },
            "why": [
                {
                    "key": why.key,
                    "helps": why.helps,
                    "repairs": [repair.to_dict() for repair in why.repairs],
                    "remaining": [list(conflict.keys) for conflict in why.remaining],
                }
                for why in self.whys
            ],
            **sources(self.problem),
        }  # fmt: skip


def explain(
    problem: Problem,
    *,
    why: Sequence[str] = (),
    weights: Mapping[str, object] | None = None,
    time_limit: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    clock: Clock | None = None,
) -> Explanation:
    """Explain why a problem is infeasible: all minimal conflicts, and the least repairs.

    Parameters
    ----------
    problem : Problem
    why : sequence of str
        Constraints or settings whose effect is reported: a key, ``"budgets.kv_cache"``, or its last
        word.
    weights : mapping of str to float, optional
        Weights of changes of limits and settings, in place of those of
        `modelsizer.optimizer.explain.change_costs`.
    time_limit : float, optional
        Seconds. What is proven by then, or by an interruption, is returned as not complete.
    progress : callable, optional
        Called with the number of conflicts known and of searches.
    clock : Clock, optional
        In place of the time limit.

    Returns
    -------
    Explanation
        With `feasible` true, and nothing else filled in, if some design keeps every constraint.

    Raises
    ------
    ArgumentError
        If a key is none of the problem's, a weight is not positive, or the time limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb").with_settings({"budgets.serving_memory": "100 MB"})
    >>> explain(problem).conflicts
    (('budgets.serving_memory',),)
    """
    require_type("problem", problem, Problem)
    require_type("weights", weights or {}, Mapping)
    oracle = Oracle(problem, progress, Clock.of(time_limit) if clock is None else clock)
    limits = oracle.relaxer.limits
    costs = _weights(problem, limits, weights or {})
    asked = list(dict.fromkeys(key for name in why for key in _resolved(problem, limits, name)))
    found = _Findings(oracle)
    with found.ending:
        found.search(costs)
    return Explanation(
        problem,
        found.feasible,
        oracle.clock.elapsed,
        limits,
        tuple(_ordered(oracle, found.conflicts)),
        tuple(found.every),
        tuple(found.repairs),
        found.joint,
        tuple(found.alternatives),
        costs,
        () if found.feasible is not False else tuple(_why(found, key) for key in asked),
        found.ending.stop,
        tuple(found.unfinished),
        tuple(found.undecided),
    )


class _Findings:
    """What is found of an explanation so far; all of it is proven."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle, self.ending = oracle, Ending()
        self.feasible: bool | None = None
        self.conflicts: list[Keys] = []
        self.every: list[Conflict] = []
        self.repairs: list[Repair] = []
        self.joint: JointRepair | None = None
        self.alternatives: list[JointRepair] = []
        self.unfinished: list[Part] = [*get_args(Part)]
        self.undecided: list[str] = _changeable(oracle.relaxer.origin, oracle.relaxer.limits)

    def search(self, weights: Mapping[str, float]) -> None:
        """Find all parts, one after the other."""
        oracle = self.oracle
        with self._part("feasible"):
            self.feasible = oracle.feasible(oracle.all)
        if self.feasible:
            self.unfinished, self.undecided = [], []
            return
        with self._part("conflicts"):
            for keys in promised_conflicts(oracle):
                self.conflicts.append(keys)
                oracle.conflicts = len(self.conflicts)
        with self._part("with_space"):
            self._relax_the_space()
        with self._part("repairs"):
            settings = setting_repairs(oracle, self.conflicts)
            menus = menu_repairs(oracle, self.conflicts)
            for key, repairs in chain(limit_repairs(oracle), settings, menus):
                self.repairs += (priced(repair, weights) for repair in repairs)
                self.repairs.sort(key=lambda repair: repair.cost or 0.0)
                self.undecided.remove(key)
        with self._part("joint"):
            self.joint = joint_repair(oracle, weights)
        with self._part("alternatives"):
            self.alternatives = alternatives(
                oracle, self.conflicts, self.repairs, self.joint, weights
            )

    @contextmanager
    def _part(self, name: Part) -> Iterator[None]:
        """Strike a part from the unfinished ones once it is found."""
        yield
        self.unfinished.remove(name)

    def _relax_the_space(self) -> None:
        """Find the conflicts with the space relaxed, and then what each would need."""
        oracle, keys = self.oracle, list[Keys]()
        try:
            for found in all_conflicts(oracle):
                keys.append(found)
        finally:
            ends = _ordered(oracle, keys)
            self.every = [unmeasured(oracle.relaxer.limits, each) for each in ends]
        for at, conflict in enumerate(self.every):
            self.every[at] = measured(oracle, conflict)


def _ordered(oracle: Oracle, conflicts: Sequence[Keys]) -> list[tuple[str, ...]]:
    """The fewest limits first, then in the order of the file format, as their keys are."""
    every = oracle.relaxer.keys
    found = [tuple(key for key in every if key in keys) for keys in conflicts]
    return sorted(found, key=lambda keys: (len(keys), [every.index(key) for key in keys]))


def _changeable(problem: Problem, limits: Sequence[Constraint]) -> list[str]:
    """Keys of all that a repair may change."""
    return [*(limit.key for limit in limits), *SETTINGS, *menu_keys(problem)]


def _resolved(
    problem: Problem, limits: Sequence[Constraint], name: str, argument: str = "why"
) -> list[str]:
    """Keys that a name may mean: a key, a key without its side, or its last word."""
    keys = _changeable(problem, limits)
    bases = {key: base_of(key) for key in keys}
    words = {key: base.partition(".")[2] for key, base in bases.items()}
    ends = {key: key.partition(".")[2] for key in keys}
    for spelt in ({key: key for key in keys}, bases, words, ends):
        if found := [key for key in keys if spelt[key] == name]:
            return found
    hint = did_you_mean(name, keys)
    raise ArgumentError(
        argument,
        f"{name!r} is no limit of this problem{hint}; its limits: "
        f"{', '.join(limit.key for limit in limits)}",
    )


def _weights(
    problem: Problem, limits: Sequence[Constraint], given: Mapping[str, object]
) -> dict[str, float]:
    found = {limit.key: OF_DEVICES for limit in limits if limit.device}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e100:
            raise ArgumentError("weight", f"{name} = {short(value)} is not a positive number")
        found |= dict.fromkeys(_resolved(problem, limits, name, "weight"), float(value))
    return found


def _why(found: _Findings, key: str) -> Why:
    mine = tuple(repair for repair in found.repairs if repair.key == key)
    if mine:
        return Why(key, True, mine, ())
    remaining = tuple(conflict for conflict in found.every if not _touches(found, key, conflict))
    unknown = key in found.undecided and not remaining
    return Why(key, None if unknown else False, (), remaining)


def _touches(found: _Findings, key: str, conflict: Conflict) -> bool:
    """Whether a conflict may go if a constraint is relaxed, or a setting changed."""
    if key in SETTINGS:
        return can_help(found.oracle, key, [frozenset(conflict.keys)])
    return key in conflict.keys or key not in found.oracle.relaxer.keys
