"""Read a saved answer back as a result, with every figure computed anew from its design."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from modelsizer.optimizer.answers.differences import Difference, differences
from modelsizer.optimizer.answers.membership import is_design
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.budgets import budget_uses
from modelsizer.optimizer.result import PROVEN, BudgetUse, Objective, Result, Status
from modelsizer.optimizer.solver import remarks
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.problems.architecture.answers import from_answer
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

NOT_FIGURES = ("solver", "seconds", "statistics")
"""Keys that say how an answer was found: another machine, or another run, may have others."""
OTHER_MACHINES = ("complete", "runner_up", "alternatives")
"""Keys of `machine` that say what others cost."""
ONLY_PROVEN = ("warnings",)
"""Keys that take a proof to compute, at least in part."""
_STOPS: Mapping[str, frozenset[Stop]] = {
    "optimal": PROVEN,
    "infeasible": frozenset({"proven"}),
    "limit": frozenset(get_args(Stop)) - PROVEN,
}
UNREADABLE = (ModelsizerError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""Errors that values of JSON in the wrong places may cause."""


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """An answer that was read back.

    Parameters
    ----------
    result : Result or None
        With the status, the reason to stop and the bound of the answer, and all else computed
        anew; None if these contradict one another, or the design cannot be read.
    differences : tuple of Difference
        Of the answer's figures to those of `result`.
    """

    result: Result | None
    differences: tuple[Difference, ...]


class _UnreadableError(Exception):
    """Part of an answer that is not what it claims to be."""

    def __init__(self, key: str, stored: Any, why: str) -> None:
        super().__init__(key)
        self.difference = Difference(key, stored, None, why)


def read_answer(answer: Mapping[str, Any], problem: Problem) -> ReadAnswer:
    """Evaluate the design of an answer exactly, and compare every figure.

    Parameters
    ----------
    answer : mapping
        As `Result.to_dict` gives it.
    problem : Problem
    """
    try:
        result = _result(answer, problem)
    except _UnreadableError as error:
        return ReadAnswer(None, (error.difference,))
    found = compared(answer, result, without=ONLY_PROVEN)
    return ReadAnswer(result, (*_explained(found, answer), *remark_differences(answer, result)))


_OF_ALL_DESIGNS = {"parameters.total", "parameters.non_embedding", "training_flops_per_token"}
"""Figures that nearly every change of an architecture changes."""


def _explained(found: tuple[Difference, ...], answer: Mapping[str, Any]) -> Iterator[Difference]:
    """The same differences, with what they tell together."""
    if {each.key for each in found} >= _OF_ALL_DESIGNS:
        why = "is another design than that of the figures"
        yield Difference("architecture", answer["architecture"], None, why)
    for each in found:
        gap = each.key == "gap" and not each.why
        yield replace(each, why="is not the distance of objective and bound") if gap else each


def remark_differences(
    answer: Mapping[str, Any], result: Result, *, deep: bool = False
) -> Iterator[Difference]:
    """Differences of the warnings, and of what binds.

    Parameters
    ----------
    answer : mapping
    result : Result
        The answer, read back.
    deep : bool
        Solve again for what takes that. Otherwise the warnings that follow from the design alone
        are compared; they stand first.
    """
    if result.design is None:
        return
    uses, expected = remarks(Model(result.problem), result.design, Clock(), deep=deep)
    stored = answer.get("warnings")
    first = stored[: len(expected)] if isinstance(stored, list) and not deep else stored
    yield from differences(first, [str(warning) for warning in expected], "warnings")
    if deep:
        for at, (mine, theirs) in enumerate(zip(result.budgets, uses, strict=True)):
            yield from differences(mine.binding, theirs.binding, f"budgets[{at}].binding")


def compared(
    answer: Mapping[str, Any], result: Result, *, without: tuple[str, ...] = ()
) -> tuple[Difference, ...]:
    """Differences of the figures of an answer to those of a result."""
    left_out = (*NOT_FIGURES, *without)
    figures = {key: value for key, value in result.figures().items() if key not in left_out}
    stored = {key: value for key, value in answer.items() if key in figures}
    if "machine" in stored:
        stored["machine"] = without_others(stored["machine"])
    return tuple(differences(stored, figures))


def without_others(machine: Any) -> Any:
    """The machine of an answer without what others cost, each of which is a proof of its own."""
    if not isinstance(machine, Mapping):
        return machine
    return {key: value for key, value in machine.items() if key not in OTHER_MACHINES}


def _result(answer: Mapping[str, Any], problem: Problem) -> Result:
    status, stop = _claim(answer)
    model = Model(problem)
    sought = Objective(model.name, model.sense, None)
    made = Result(problem, "", 0.0, "limit", "time", sought, None, math.inf)
    if status == "infeasible":
        return replace(made, status=status, stop=stop)
    design = None if answer.get("architecture") is None else _design(answer, problem)
    if design is None and status == "optimal":
        raise _UnreadableError("architecture", None, "an optimum is a design")
    if design is None:
        return replace(made, stop=stop, bound=_bound(answer, model))
    value = design.quantity(model.name)
    whole = status == "optimal" and stop == "proven"
    bound = float(value) if whole else _bound(answer, model)
    uses = _uses(answer, model, design, believed=status == "optimal")
    try:
        return replace(
            made,
            status=status,
            stop=stop,
            objective=replace(sought, value=value),
            bound=bound,
            design=design,
            budgets=uses,
        )
    except ValueError as error:  # the bound contradicts the objective or the status
        key = _bound_key(model)
        raise _UnreadableError(key, answer.get(key), str(error)) from None


def _claim(answer: Mapping[str, Any]) -> tuple[Status, Stop]:
    status, stop = answer.get("status"), answer.get("stop")
    if not isinstance(status, str) or status not in _STOPS:
        raise _UnreadableError("status", status, f"is not one of {', '.join(_STOPS)}")
    if not isinstance(stop, str) or stop not in _STOPS[status]:
        known = ", ".join(sorted(_STOPS[status]))
        raise _UnreadableError("stop", stop, f"with the status {status} it is one of {known}")
    found: Any = (status, stop)
    return found  # type: ignore[no-any-return]


def _design(answer: Mapping[str, Any], problem: Problem) -> Evaluation:
    written = answer["architecture"]
    try:
        architecture = from_answer(answer)
        offered = is_design(problem, architecture)
        design = evaluate(problem, architecture)
    except UNREADABLE as error:
        raise _UnreadableError("architecture", written, str(error)) from None
    if not offered:
        raise _UnreadableError("architecture", written, "is no design of [space]")
    if not design.feasible:
        raise _UnreadableError("architecture", written, f"breaks {', '.join(design.violated)}")
    return design


def _bound_key(model: Model) -> str:
    return "upper_bound" if model.sense == "maximize" else "lower_bound"


def _bound(answer: Mapping[str, Any], model: Model) -> float | None:
    key = _bound_key(model)
    stored = answer.get(key)
    if stored is None:
        return None
    if isinstance(stored, bool) or not isinstance(stored, int | float):
        raise _UnreadableError(key, stored, "is not a number")
    try:
        return float(stored)
    except OverflowError:
        raise _UnreadableError(key, stored, "is beyond all doubles") from None


def _uses(
    answer: Mapping[str, Any], model: Model, design: Evaluation, *, believed: bool
) -> tuple[BudgetUse, ...]:
    """What the design uses of each limit.

    That a limit binds which the design is not at takes a proof: where the answer has one, it is
    `believed` until the problem is solved again.
    """
    stored = answer.get("budgets") if believed else None
    rows = stored if isinstance(stored, list) else []
    uses, _ = budget_uses(model, design, Clock(), solve_again=False)
    claims = [isinstance(row, Mapping) and row.get("binding") is True for row in rows]
    claims += [False] * (len(uses) - len(claims))
    return tuple(
        replace(use, binding=use.binding or claim) for use, claim in zip(uses, claims, strict=False)
    )
