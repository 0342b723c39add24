"""Solve a problem: the entry that everything else goes through."""

from __future__ import annotations

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.tables.outcome import Progress
from modelsizer.problems.problem import Problem


def solve(
    problem: Problem,
    *,
    solver: str = DEFAULT_SOLVER,
    gap: float | None = None,
    time_limit: float | None = None,
    node_limit: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Find the best design of a problem, with proof.

    Parameters
    ----------
    problem : Problem
    solver : str
        ``"auto"``: bounds first, and SciPy's `milp` for what they leave, if they leave much;
        ``"bound"`` (bounds alone, over blocks of the menus), ``"scipy"``, ``"pulp"`` (CBC),
        ``"pulp:NAME"`` for any solver that PuLP finds, or ``"exhaustive"``.
    gap : float, optional
        Stop once the design is proven to be this near to the best: nats for the loss, a fraction
        for other objectives. Without it every design that bounds do not exclude is compared,
        and the gap is zero.
    time_limit : float, optional
        Seconds.
    node_limit : int, optional
        Branch-and-bound nodes; for ``"exhaustive"``, tables of designs.
    progress : callable, optional
        Called as ``progress(incumbent, bound, boxes)`` with values to minimise.

    Returns
    -------
    Result
        Frozen; its status claims no more than its bound proves. Ctrl-C gives the result so far.

    Raises
    ------
    ValueError
        If the solver is unknown or not installed, or a limit is negative.
    """
    return Solver(problem, solver=solver).solve(
        gap=gap, time_limit=time_limit, node_limit=node_limit, progress=progress
    )
