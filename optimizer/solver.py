"""Solve a problem, once or again with other values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from modelsizer.optimizer.advice import advice
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.budgets import budget_uses, idle_limits
from modelsizer.optimizer.infeasible import why_infeasible
from modelsizer.optimizer.result import PROVEN, BudgetUse, Objective, Result, Status
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.search.exhaustive import enumerate_designs
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.outcome import Progress, SolverResult
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.warning import AnswerWarning, Consequence
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import require_count, require_number, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import Number

if TYPE_CHECKING:
    from modelsizer.optimizer.milp.program import Backend

DEFAULT_SOLVER = "auto"
"""Another name for ``"bound"``."""
WITHOUT_ENGINE = ("auto", "bound", "exhaustive")
"""Solvers that need no mixed-integer back end."""
DEFAULT_GAP = 1e-9
"""Nats of loss, or a fraction of any other objective, at which a proof is enough."""


def solve(
    problem: Problem,
    *,
    solver: str = DEFAULT_SOLVER,
    gap: float | None = None,
    time_limit: float | None = None,
    node_limit: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Find the best design of a problem, with a proof of optimality.

    Parameters
    ----------
    problem : Problem
    solver : str
        ``"bound"``: branch and bound over boxes of designs and blocks of the menus; ``"auto"`` is
        the same. ``"scipy"`` (HiGHS), ``"pulp"`` (CBC) or ``"pulp:NAME"``, for any solver that
        PuLP finds: a mixed-integer program. ``"exhaustive"``: every design.
    gap : float, optional
        Stop once the design is proven to be this near to the best: nats for the loss, a fraction
        for other objectives. Without it, every design that the bounds do not exclude is compared,
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
        Frozen; its status claims no more than its bound proves. Ctrl-C returns the best design
        found so far.

    Raises
    ------
    ValueError
        If the solver is unknown or not installed, or a limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> result = solve(Problem.load("one-h100-1e24"))
    >>> result.status, result.best.architecture.layers, result.gap
    ('optimal', 58, 0.0)
    """
    return Solver(problem, solver=solver).solve(
        gap=gap, time_limit=time_limit, node_limit=node_limit, progress=progress
    )


class Solver:
    """Solve several problems over one space, reusing what does not change between them.

    The solver caches tables of width options and of their quantities
    (`modelsizer.optimizer.tables.store`) and starts each search from the previous answer, so a
    changed budget, token limit, law or serving setting is solved in milliseconds, with the same
    proof.

    Parameters
    ----------
    problem : Problem
    solver : str
        See `solve`.
    clock : Clock, optional
        Time limit of all its solves together; each ends with it, whatever its own limit.
    after : Solver, optional
        A solver of a problem over the same space, whose tables and last answer are taken over.
    store : TableStore, optional
        Tables of earlier solvers to take over, without an answer: the search, and what it counts,
        is then that of a new solver.

    Raises
    ------
    ValueError
        If the solver is unknown or not installed.

    Examples
    --------
    >>> from modelsizer import Problem, Solver
    >>> solver = Solver(Problem.load("one-h100-1e24"))
    >>> base = solver.solve()
    >>> more = solver.solve({"budgets.training_flops": 2e24})
    >>> more.best.loss < base.best.loss
    True
    """

    def __init__(
        self,
        problem: Problem,
        *,
        solver: str = DEFAULT_SOLVER,
        clock: Clock | None = None,
        after: Solver | None = None,
        store: TableStore | None = None,
    ) -> None:
        require_type("problem", problem, Problem)
        self.problem, self.solver = problem, solver
        self.clock = Clock() if clock is None else clock
        self._engine: Backend | None = None
        if solver not in WITHOUT_ENGINE:  # the default solver loads no mixed-integer program
            from modelsizer.optimizer.milp.engines import backend

            self._engine = backend(solver)
        store = TableStore() if store is None else store
        self.store: TableStore = store if after is None else after.store
        self._last: tuple[Problem, Architecture] | None = None if after is None else after._last

    def solve(
        self,
        settings: Mapping[str, object] | None = None,
        *,
        problem: Problem | None = None,
        gap: float | None = None,
        time_limit: float | None = None,
        node_limit: int | None = None,
        progress: Progress | None = None,
        details: bool = True,
    ) -> Result:
        """Solve the problem, with other values of some keys if given, or another problem.

        Parameters
        ----------
        settings : mapping, optional
            Values by dotted key, as `Problem.with_settings` takes them; this call only.
        problem : Problem, optional
            To solve in place of the solver's own. It may be of another space, but is then not
            solved as quickly.
        gap, time_limit, node_limit, progress
            See `solve`.
        details : bool
            Determine which constraints bind by solving without each, and which exclude no
            design. Otherwise a constraint counts as binding only if the design is at its limit.

        Raises
        ------
        ProblemError
            If a setting is wrong.
        ValueError
            If a limit is negative.
        """
        for name, value in (("gap", gap), ("time_limit", time_limit)):
            if value is not None:
                require_number(name, value, least=0)
        if node_limit is not None:
            require_count("node_limit", node_limit, least=0)
        asked = self.problem if problem is None else problem
        asked = asked if not settings else asked.with_settings(settings)
        clock = self.clock.within(time_limit, node_limit)
        model = Model(asked, self.store)
        tolerance = _tolerance(model, DEFAULT_GAP if gap is None else gap)
        found = self._found(model, clock, tolerance, gap is None, progress)
        if found.incumbent is not None:
            self._last = (asked, found.incumbent.architecture)
        return _result(model, self.solver, found, clock, tolerance, details=details)

    def completed(self, result: Result) -> Result:
        """Add the details to a result that was solved without them.

        Parameters
        ----------
        result : Result
            Of `solve` with ``details=False``.

        Returns
        -------
        Result
            The same design and proof, with what ``details=True`` adds: which constraints bind and
            which exclude no design, or the reasons why no design is feasible.
        """
        model = Model(result.problem, self.store)
        if result.status == "optimal":
            uses, warnings = remarks(model, result.best, self.clock, deep=True)
        elif result.status == "infeasible":
            uses = ()
            reasons = why_infeasible(model, self.clock)
            warnings = [AnswerWarning(Consequence.REASON, text) for text in reasons]
        else:
            return result
        notes = [w for w in result.warnings if w.consequence is Consequence.LIMITS]
        return replace(result, budgets=uses, warnings=(*warnings, *notes))

    def _found(
        self,
        model: Model,
        clock: Clock,
        tolerance: Callable[[float], float],
        complete: bool,
        progress: Progress | None,
    ) -> SolverResult:
        if self.solver == "exhaustive":
            return enumerate_designs(model, clock, progress)
        start = self._start(model.problem)
        if self._engine is not None:
            from modelsizer.optimizer.milp.mip import MipSolve

            return MipSolve(model, self._engine, clock, tolerance, complete, progress, start).run()
        return BoundSolve(model, clock, tolerance, complete, progress, start).run()

    def _start(self, problem: Problem) -> Evaluation | None:
        """The last answer, if it is a design of this problem; it may be infeasible."""
        if self._last is None:
            return None
        before, architecture = self._last
        if (before.space, before.splits) != (problem.space, problem.splits):
            return None
        if before.training.sequence_length != problem.training.sequence_length:
            return None  # there are as many learned positions
        return evaluate(problem, architecture)


def _tolerance(model: Model, gap: float) -> Callable[[float], float]:
    """Allowed gap as a function of the incumbent's value."""
    if model.kind == "loss":
        return lambda _: gap
    return lambda value: gap * abs(value)


def _result(
    model: Model,
    solver: str,
    found: SolverResult,
    clock: Clock,
    tolerance: Callable[[float], float],
    *,
    details: bool,
) -> Result:
    problem, design = model.problem, found.incumbent
    value = None if design is None else design.quantity(model.name)
    enough = tolerance(model.value_of(design)) if design is not None else 0.0
    status: Status
    if found.stop in PROVEN:
        status = "optimal" if design is not None else "infeasible"
    else:
        status = "limit"
    bound = model.sign * found.bound if math.isfinite(found.bound) else None
    warnings: list[AnswerWarning] = []
    uses: tuple[BudgetUse, ...] = ()
    if design is not None:
        uses, warnings = remarks(model, design, clock, deep=details and status == "optimal")
    elif status == "infeasible" and details:
        why = why_infeasible(model, clock)
        warnings += [AnswerWarning(Consequence.REASON, text) for text in why]
    statistics = _statistics(model, found)
    return Result(
        problem,
        solver,
        clock.elapsed,
        status,
        found.stop,
        Objective(model.name, model.sense, value),
        bound,
        enough,
        design,
        uses,
        (*warnings, *(AnswerWarning(Consequence.LIMITS, note) for note in found.notes)),
        statistics,
    )


LEFT_OPEN = "the limits of this solve left open whether"


def remarks(
    model: Model, design: Evaluation, clock: Clock, *, deep: bool
) -> tuple[tuple[BudgetUse, ...], list[AnswerWarning]]:
    """What a design uses of each limit, and warnings.

    Parameters
    ----------
    model : Model
    design : Evaluation
    clock : Clock
    deep : bool
        Solve again for the limits that bind and those that exclude no design.
    """
    uses, unknown = budget_uses(model, design, clock, solve_again=deep)
    warnings = advice(model.problem, design)
    if unknown:
        bind = "binds" if len(unknown) == 1 else "bind"
        text = f"{LEFT_OPEN} {' and '.join(unknown)} {bind}"
        warnings.append(AnswerWarning(Consequence.LIMITS, text))
    if deep:
        warnings += idle_limits(model, clock)
    return uses, warnings


def _statistics(model: Model, found: SolverResult) -> dict[str, Number]:
    """Number of designs in the space, and how many each step of the proof removed."""
    problem, statistics = model.problem, asdict(found.counts)
    layouts = problem.layouts_each
    if layouts > 1 or statistics["blocks"]:
        # Designs are counted once for each layout, and large spaces are not listed in full.
        listed = statistics["designs"]
        counted = problem.counted
        statistics |= {"designs": counted.designs, "candidates": counted.pairs, "layouts": layouts}
        if statistics["blocks"] and found.stop in PROVEN:
            statistics["by_blocks"] = counted.pairs - listed
    if found.relaxation_bound is not None and math.isfinite(found.relaxation_bound):
        statistics["relaxation_bound"] = model.sign * found.relaxation_bound
    return statistics
