"""Accelerators that are too small for every design of an infeasible problem, and larger ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.constraints import Constraint, constrained, constraints
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.designs.device_room import least_device
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.requirements.device_limits import device_memories, fits
from modelsizer.problems.requirements.token_limits import ENDLESS
from modelsizer.problems.units import format_apart, plain

_ENDLESS = Constraint("budgets.tokens", "tokens", "max", ENDLESS)


def why_too_small(model: Model, clock: Clock) -> Iterator[tuple[str, str]]:
    """Yield limits of accelerators without which some design is feasible, with a sentence each.

    A limit is named where the problem has a design without it. If only lifting all of them
    together gives one, each is named.

    Parameters
    ----------
    model : Model
        Of an infeasible problem.
    clock : Clock

    Yields
    ------
    key : str
    sentence : str

    Raises
    ------
    StoppedError
        If the clock stops a search.
    """
    given = constraints(model.problem)
    own = [limit for limit in given if limit.device]
    found = [(limit, _least(model, clock, limit, [limit])) for limit in own]
    others = "the other limits"
    if len(own) > 1 and all(least is None for _, least in found):
        found = [(limit, _least(model, clock, limit, own)) for limit in own]
        others = "the limits that the problem gives"
    for limit, least in found:
        if least is not None:
            yield limit.key, _sentence(model.problem, limit, least, others)


def _least(
    model: Model, clock: Clock, limit: Constraint, lifted: Iterable[Constraint]
) -> Fraction | None:
    """The least memory of any design that keeps all limits but some; None if there is none."""
    problem, out = model.problem, {each.key for each in lifted}
    held = [each for each in constraints(problem) if each.key not in out]
    free = _asked(problem, limit, held) or _asked(problem, limit, [*held, _ENDLESS])
    if free is None:
        return None
    found = BoundSolve(Model(free, model.store), clock.within(), lambda _: 0.0, True, None).run()
    if found.stop != "proven":
        raise StoppedError(found.stop)
    if found.incumbent is None:
        return None
    value: Any = found.incumbent.exact[limit.quantity]
    return Fraction(value)


def _asked(problem: Problem, limit: Constraint, held: Iterable[Constraint]) -> Problem | None:
    """The problem of the least of a quantity; None if it makes no sense."""
    tables = constrained(problem, held)
    tables["objective"] = tables.get("objective", {}) | {"minimize": limit.quantity}
    try:
        return Problem.from_tables(tables, like=problem)
    except ProblemError:
        return None


def _sentence(problem: Problem, limit: Constraint, least: Fraction, others: str) -> str:
    devices = {
        memories[limit.quantity].device
        for setup in problem.setups
        if limit.quantity in (memories := device_memories(setup.settings))
    }
    if len(devices) > 1:
        named = " or ".join(sorted(devices))
        return f"{limit.key}: what {fits(named)} leaves no design that keeps {others}"
    shown, needed = format_apart(limit.limit, plain(least), limit.dimension, (4, 6))
    text = (
        f"{limit.key} <= {shown}, {fits(limit.device)}: designs that keep {others} need at least "
        f"{needed}"
    )
    if (other := least_device(problem, limit.quantity, least)) is not None:
        return f"{text}, which {other} holds"
    return f"{text}, more than any like it of the catalogue holds; take more of them"
