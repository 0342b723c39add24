"""The best designs after the best, and the nearly as good."""

from __future__ import annotations

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_optimal import (
    NearOptimal,
    k_best,
    near_optimal,
    tolerance_of,
)
from modelsizer.optimizer.surveys.near_optimal import diverse as most_different

SHOWN = 10


def best(
    result: Result,
    count: int = SHOWN,
    *,
    within: float | str | None = None,
    diverse: bool = False,
) -> NearOptimal:
    """List the best designs of a solved problem, proven.

    Parameters
    ----------
    result : Result
        Optimal, with gap 0.
    count : int
        How many designs to list, 1 or more.
    within : float or str, optional
        Count all designs this near to the best, and say which of them needs least of each
        quantity: nats of loss, a fraction of any other objective, or ``"0.1 %"`` of either.
    diverse : bool
        Of the designs within the tolerance list those that differ most in shape, not the best.

    Returns
    -------
    NearOptimal
        In order, the optimum first.

    Raises
    ------
    ValueError
        If the result is no proven optimum, `count` is not positive, the tolerance is no number of
        zero or more, or `diverse` is asked for without a tolerance.
    TooManyError
        If too many designs lie within the tolerance to be held.

    Examples
    --------
    >>> from modelsizer import Problem, best, solve
    >>> found = best(solve(Problem.load("one-h100-1e24")), 3)
    >>> [design.architecture.layers for design in found.best]
    [68, 77, 63]
    """
    if within is None:
        if diverse:
            raise ValueError("diverse designs are sought within a tolerance: give one")
        return k_best(result, count)
    if count < 1:
        raise ValueError(f"must be 1 or more, not {count}")
    if result.objective.value is None:
        raise ValueError("only a proven optimum has a next best: there is no design")
    tolerance = tolerance_of(str(within), result.objective.name, result.objective.value)
    return (most_different if diverse else near_optimal)(result, tolerance, count)
