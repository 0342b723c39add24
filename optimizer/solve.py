"""Solve a problem: the entry that everything else goes through."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

from optimizer.advice import advice
from optimizer.backends import backend
from optimizer.bounding import BoundSolve
from optimizer.budgets import budget_uses, idle_limits, unmet_alone
from optimizer.exhaustive import enumerate_designs
from optimizer.mip import Found, MipSolve, Progress
from optimizer.model import Model
from optimizer.program import Limits
from optimizer.result import PROVEN, BudgetUse, Objective, Result, Status
from optimizer.search import Clock
from problems.problem import Problem

DEFAULT_SOLVER = "auto"
WITHOUT_ENGINE = ("auto", "bound", "exhaustive")
DEFAULT_GAP = 1e-9
"""Nats of loss, or a fraction of any other objective, at which a proof is enough."""


def _tolerance(model: Model, gap: float) -> Callable[[float], float]:
    """The gap asked for, as a function of the incumbent's value."""
    if model.kind == "loss":
        return lambda _: gap
    return lambda value: gap * abs(value)


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
        ``"bound"`` (branch and bound over blocks of the menus), ``"scipy"``, ``"pulp"`` (CBC),
        ``"pulp:NAME"`` for any solver that PuLP finds, ``"exhaustive"``, or ``"auto"``: what is
        quickest, today `bound` for every problem.
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
    for name, value in (("gap", gap), ("time_limit", time_limit), ("node_limit", node_limit)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be zero or more, got {value!r}")
    engine = None if solver in WITHOUT_ENGINE else backend(solver)
    model = Model(problem)
    clock = Clock(Limits(time_limit, node_limit))
    tolerance = _tolerance(model, DEFAULT_GAP if gap is None else gap)
    if solver == "exhaustive":
        found = enumerate_designs(model, clock, progress)
    elif engine is None:
        found = BoundSolve(model, clock, tolerance, gap is None, progress).run()
    else:
        found = MipSolve(model, engine, clock, tolerance, gap is None, progress).run()
    return _result(problem, model, solver, found, clock, tolerance)


def _result(
    problem: Problem,
    model: Model,
    solver: str,
    found: Found,
    clock: Clock,
    tolerance: Callable[[float], float],
) -> Result:
    seconds = clock.elapsed
    design = found.incumbent
    value = None if design is None else design.quantity(model.name)
    enough = tolerance(model.value_of(design)) if design is not None else 0.0
    status: Status
    if found.stop in PROVEN:
        status = "optimal" if design is not None else "infeasible"
    else:
        status = "limit"
    bound = model.sign * found.bound if math.isfinite(found.bound) else None
    warnings: list[str] = []
    uses: tuple[BudgetUse, ...] = ()
    if design is not None:
        uses = budget_uses(problem, design, clock, solve_again=status == "optimal")
        warnings += advice(problem, design)
        if status == "optimal":
            warnings += idle_limits(model)
    elif status == "infeasible":
        warnings += unmet_alone(problem) or [
            "each limit can be kept by some design, but none keeps all of them together"
        ]
    statistics = asdict(found.counts)
    if (layouts := len(problem.layouts)) > 1:
        # Each design was looked at once for each layout that can split it.
        statistics |= {
            "candidates": statistics["designs"],
            "designs": problem.count_designs(),
            "layouts": layouts,
        }
    if found.relaxation_bound is not None and math.isfinite(found.relaxation_bound):
        statistics["relaxation_bound"] = model.sign * found.relaxation_bound
    return Result(
        problem,
        solver,
        seconds,
        status,
        found.stop,
        Objective(model.name, model.sense, value),
        bound,
        enough,
        design,
        uses,
        (*warnings, *found.notes),
        statistics,
    )
