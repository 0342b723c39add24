"""Check a proof: solve again with another solver and compare the answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from modelsizer.optimizer.result import Result, Status
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.errors import require_type
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number

ENUMERABLE = 5_000_000  # designs; enumerating them takes a second or two
SAME = 1e-9
"""How near two objectives must be: nats of loss, or a fraction of any other objective."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Answer of another solver to the same problem.

    Parameters
    ----------
    solver : str
    status : {"optimal", "infeasible", "limit"}
    objective : number or None
    same_design : bool
        Whether both found the same architecture, or none.
    agrees : bool
        Whether the two proofs are consistent.
    seconds : float
    stop : Stop
        ``"proven"`` if the other solver finished its proof, otherwise why it stopped.
    """

    solver: str
    status: Status
    objective: Number | None
    same_design: bool
    agrees: bool
    seconds: float
    stop: Stop = "proven"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"seconds": round(self.seconds, 6)}


def other_solver(result: Result) -> str:
    """The solver that has the least code in common with the one behind a result.

    Enumeration has only the evaluation of a design in common with it. Where enumeration would take
    long, branch and bound checks a mixed-integer program, and the other way round.
    """
    designs = result.statistics.get("candidates", result.statistics.get("designs", 0))
    if result.solver != "exhaustive" and designs <= ENUMERABLE:
        return "exhaustive"
    return "bound" if result.statistics.get("rounds", 0) > 0 else "scipy"


def verify(
    result: Result, solver: str | None = None, time_limit: float | None = None
) -> Verification:
    """Solve the problem of a result again and compare the two answers.

    Parameters
    ----------
    result : Result
    solver : str, optional
        By default `other_solver` of the result.
    time_limit : float, optional
        Seconds.

    Returns
    -------
    Verification

    Raises
    ------
    ValueError
        If the solver is unknown or not installed, or the limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem, solve
    >>> found = verify(solve(Problem.load("one-h100-1e24")))
    >>> found.solver, found.agrees
    ('exhaustive', True)
    """
    require_type("result", result, Result)
    name = other_solver(result) if solver is None else solver
    again = Solver(result.problem, solver=name).solve(time_limit=time_limit, details=False)
    same = _architecture(result) == _architecture(again)
    mine, theirs = result.objective.value, again.objective.value
    near = mine is None and theirs is None
    if mine is not None and theirs is not None:
        near = abs(mine - theirs) <= result.tolerance + SAME * max(1.0, abs(theirs))
    proven = result.status == again.status != "limit"
    exact = result.gap == 0 == again.gap  # then ties are settled by the same rule
    agrees = proven and near and (same or not exact)
    return Verification(name, again.status, theirs, same, agrees, again.seconds, again.stop)


def _architecture(result: Result) -> object:
    return None if result.design is None else (result.design.architecture, result.design.layout)
