"""Answers of the package, compared with those of the oracle; with the command line, all that imports it."""

from __future__ import annotations

from unittest.mock import patch

from modelsizer import Problem, rank, solve
from modelsizer.optimizer.tables import store
from tests.support.layers_oracle import compare
from tests.support.layers_oracle.search import Oracle

BOXES = "boxes"
"""The engine auto where nothing is enumerated: every space is searched in boxes of menus."""


def answered(problem: Problem, solver: str, oracle: Oracle) -> list[str]:
    """Differences of an engine's answer."""
    if solver == BOXES:
        with patch.object(store.TableStore, "listable", lambda *_: False):
            return answered(problem, "auto", oracle)
    return compare.answer(oracle, solve(problem, solver=solver).to_dict())


def ranked(problem: Problem, oracle: Oracle, top: int = 5) -> list[str]:
    """Differences of the ranking by the objective."""
    found = (
        []
        if problem.count_designs() == len(oracle.designs)
        else [f"{problem.count_designs()} designs counted, not {len(oracle.designs)}"]
    )
    return found + compare.ranking(oracle, rank(problem, top=top).to_dict(), top)
