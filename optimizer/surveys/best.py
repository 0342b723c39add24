"""List the best and the nearly optimal designs: the function `best`."""

from __future__ import annotations

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_optimal import (
    NearOptimal,
    k_best,
    near_optimal,
    tolerance_of,
)
from modelsizer.optimizer.surveys.near_optimal import diverse as most_different
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.errors import require_type

SHOWN = 10


def best(
    result: Result,
    count: int = SHOWN,
    *,
    within: float | str | None = None,
    diverse: bool = False,
    time_limit: float | None = None,
) -> NearOptimal:
    """List the best designs of a solved problem, with proof.

    Parameters
    ----------
    result : Result
        A proven optimum, with gap 0.
    count : int
        How many designs to list, 1 or more.
    within : float or str, optional
        Count all designs within this of the best, and find the one that needs least of each
        quantity: nats of loss, a fraction of any other objective, or ``"0.1 %"`` of either.
    diverse : bool
        List the designs within the tolerance that differ most in shape, instead of the best.
    time_limit : float, optional
        Seconds. What is known by then, or at an interruption, is returned as not complete.

    Returns
    -------
    NearOptimal
        Designs in order, the optimum first.

    Raises
    ------
    ValueError
        If the result is not a proven optimum, `count` is not positive, the tolerance is not a
        nonnegative number, the time limit is negative, or `diverse` is set without a tolerance.
    TooManyError
        If too many designs lie within the tolerance to hold in memory.

    Examples
    --------
    >>> from modelsizer import Problem, best, solve
    >>> found = best(solve(Problem.load("one-h100-1e24")), 3)
    >>> [design.architecture.layers for design in found.best]
    [58, 57, 64]
    """
    require_type("result", result, Result)
    clock = Clock.of(time_limit)
    if within is None:
        if diverse:
            raise ValueError("diverse designs need a tolerance, such as within = 0.001 nats")
        return k_best(result, count, clock)
    if count < 1:
        raise ValueError(f"must be 1 or more, not {count}")
    if result.objective.value is None:
        raise ValueError("only a proven optimum has a next best: there is no design")
    tolerance = tolerance_of(str(within), result.objective.name, result.objective.value)
    return (most_different if diverse else near_optimal)(result, tolerance, count, clock)
