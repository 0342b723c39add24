"""Prove a saved answer once more, and compare what it claims with what is so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from modelsizer.optimizer.answers.differences import Difference
from modelsizer.optimizer.answers.reading import ReadAnswer, compared, remark_differences
from modelsizer.optimizer.result import Result, Status
from modelsizer.optimizer.solver import DEFAULT_SOLVER, LEFT_OPEN, Solver
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number

ROUNDING = 1e-9
"""How far a bound may be from the optimum on the wrong side: nats, or a fraction of any other
objective. Solvers round."""
_LEAST_TIME, _PATIENCE = 10.0, 2.0
"""Seconds, and multiples of the time that it took, for an answer that a limit stopped."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The problem of an answer, solved again.

    Parameters
    ----------
    solver : str
    status : {"optimal", "infeasible", "limit"}
    objective, bound : number or None
    seconds : float
    confirms : bool
        Whether all that the answer claims is proven again.
    """

    solver: str
    status: Status
    objective: Number | None
    bound: float | None
    seconds: float
    confirms: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"seconds": round(self.seconds, 6)}


def prove_again(
    answer: Mapping[str, Any],
    problem: Problem,
    read: ReadAnswer,
    solver: str | None,
    time_limit: float | None,
) -> tuple[Proof, tuple[Difference, ...], tuple[str, ...]]:
    """Solve the problem of an answer, and say which of its claims and figures are not so.

    Parameters
    ----------
    answer : mapping
    problem : Problem
    read : ReadAnswer
        The answer, read back.
    solver : str or None
        The answer's own by default.
    time_limit : float or None
        Seconds. By default none, but for an answer that a limit stopped, which gets twice the time
        that it took.

    Returns
    -------
    proof : Proof
    differences : tuple of Difference
        All of the answer, those of `read` too.
    notes : tuple of str

    Raises
    ------
    ValueError
        If the solver is unknown or not installed, or the limit is negative.
    """
    notes: list[str] = []
    if time_limit is None and answer.get("status") == "limit":
        time_limit = max(_LEAST_TIME, _PATIENCE * _seconds(answer))
    engine = _engine(answer, problem, solver, notes)
    again = engine.solve(time_limit=time_limit)
    found = _all_differences(answer, read, again)
    confirms = not found
    if confirms and (unproven := _unproven(read, again)):
        notes.append(unproven)
        confirms = False
    value = again.objective.value
    proof = Proof(engine.solver, again.status, value, again.bound, again.seconds, confirms)
    return proof, found, tuple(notes)


def _seconds(answer: Mapping[str, Any]) -> float:
    found = answer.get("seconds")
    good = isinstance(found, int | float) and 0 <= found < math.inf
    return float(found) if good and found is not None else 0.0


def _engine(
    answer: Mapping[str, Any], problem: Problem, solver: str | None, notes: list[str]
) -> Solver:
    if solver is not None:
        return Solver(problem, solver=solver)
    own = answer.get("solver")
    try:
        return Solver(problem, solver=str(own))
    except ValueError:
        notes.append(f"the answer's solver, {own!r}, is not here: {DEFAULT_SOLVER} proves instead")
        return Solver(problem)


def _all_differences(
    answer: Mapping[str, Any], read: ReadAnswer, again: Result
) -> tuple[Difference, ...]:
    claimed = answer.get("status")
    if again.status != "limit" and again.status == claimed and _is_whole(answer):
        # Everything is determined: each figure is the same, or wrong.
        found = compared(answer, again)
        if not read.differences and _beaten(read, again):
            return (_better(read, again),)
        if _left_open(answer):
            found = tuple(each for each in found if not _may_be_open(each))
        return (*(d for d in read.differences if d.why and d.key == "architecture"), *found)
    found = (*_false_claims(answer, read, again), *read.differences)
    if not found and claimed == "optimal" and again.status == "optimal" and read.result is not None:
        return tuple(remark_differences(answer, read.result, deep=True))
    return found


def _left_open(answer: Mapping[str, Any]) -> bool:
    """Whether an answer says that a limit of its solve left open which limits bind."""
    warnings = answer.get("warnings")
    listed = warnings if isinstance(warnings, list) else []
    return any(isinstance(text, str) and text.startswith(LEFT_OPEN) for text in listed)


def _may_be_open(each: Difference) -> bool:
    return each.key.startswith("warnings") or (
        each.key.endswith(".binding") and each.stored is False
    )


def _is_whole(answer: Mapping[str, Any]) -> bool:
    return answer.get("stop") == "proven"


def _sign(again: Result) -> int:
    return -1 if again.objective.sense == "maximize" else 1


def _beaten(read: ReadAnswer, again: Result) -> bool:
    """Whether the design of an answer is feasible, as it says, but worse than the optimum."""
    mine, theirs = None if read.result is None else read.result.objective.value, again.objective
    if mine is None or theirs.value is None:
        return False
    return _sign(again) * (float(mine) - float(theirs.value)) > _allowance(again)


def _allowance(again: Result) -> float:
    value = again.objective.value
    scale = 1.0 if again.objective.name == "loss" or value is None else abs(float(value))
    return ROUNDING * scale


def _better(read: ReadAnswer, again: Result) -> Difference:
    assert read.result is not None
    mine, best = read.result.objective.value, again.objective.value
    why = f"is not optimal: a design has {again.objective.name} {best!r}, and this one {mine!r}"
    return Difference("status", "optimal", "limit", why)


def _false_claims(
    answer: Mapping[str, Any], read: ReadAnswer, again: Result
) -> tuple[Difference, ...]:
    """Claims that the second solve refutes, whether or not it came to its end."""
    claimed, value = answer.get("status"), again.objective.value
    name = again.objective.name
    if claimed == "infeasible" and again.design is not None:
        why = f"a design keeps every limit: {name} {value!r}"
        return (Difference("status", claimed, again.status, why),)
    result = read.result
    if result is not None and result.design is not None and again.status == "infeasible":
        why = f"{again.solver} proves that no design keeps every limit, and this one does"
        return (Difference("status", claimed, again.status, why),)
    if claimed == "optimal" and again.status == "infeasible":
        return (Difference("status", claimed, again.status, "no design keeps every limit"),)
    if claimed == "optimal" and _is_whole(answer) and _beaten(read, again):
        return (_better(read, again),)
    if result is None or value is None or result.bound is None:
        return ()
    sign = _sign(again)
    if sign * (result.bound - float(value)) > _allowance(again):
        key = "upper_bound" if sign < 0 else "lower_bound"
        why = f"is no bound: a design has {name} {value!r}"
        return (Difference(key, result.bound, value, why),)
    return ()


def _unproven(read: ReadAnswer, again: Result) -> str:
    """What is claimed, not refuted, but not proven again; empty if all is proven."""
    result = read.result
    if again.status != "limit" or result is None:
        return ""
    if result.bound is None and result.status == "limit":
        return ""
    reached = "none" if again.bound is None else f"{again.bound!r}"
    if result.bound is None:
        return f"not proven again in {again.seconds:.2f} s: that no design keeps every limit"
    near = again.bound is not None and (
        _sign(again) * (result.bound - again.bound) <= _allowance(again)
    )
    if near:
        return ""
    return (
        f"not proven again in {again.seconds:.2f} s: the bound {result.bound!r}; reached: {reached}"
    )
