"""Answers of the package, compared with the oracle's; the one file here that imports it."""

from __future__ import annotations

from modelsizer import Problem, rank, solve
from tests.support.layers_oracle import compare
from tests.support.layers_oracle.search import Oracle


def answered(problem: Problem, solver: str, oracle: Oracle) -> list[str]:
    """Differences of an engine's answer."""
    return compare.answer(oracle, solve(problem, solver=solver).to_dict())


def ranked(problem: Problem, oracle: Oracle, top: int = 5) -> list[str]:
    """Differences of the ranking by the objective."""
    found = (
        []
        if problem.count_designs() == len(oracle.designs)
        else [f"{problem.count_designs()} designs counted, not {len(oracle.designs)}"]
    )
    return found + compare.ranking(oracle, rank(problem, top=top).to_dict(), top)
