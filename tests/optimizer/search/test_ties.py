"""Designs that tie by the thousand are settled by the tie rule, not one by one."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator

# This law does not count the embedding: at given tokens all vocabularies tie.
TABLES: dict[str, Any] = {
    "space": {
        "layers": {"min": 7, "max": 9},
        "d_model": [512, 640],
        "vocab_size": {"min": 1000, "max": 3000},
        "tied_embeddings": [False, True],
    },
    "training": {"tokens": 1e10},
    "objective": {"law": "kaplan-2020", "shape": "none"},
}


@pytest.mark.parametrize("solver", ["bound", "exhaustive"])
@pytest.mark.parametrize("limit", [{}, {"parameters": {"min": 46_500_000}}])
def test_the_tie_rule_picks_among_thousands(
    solver: str, limit: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.from_tables(TABLES | {"budgets": limit})
    evaluated, evaluate = [], Evaluator.evaluate

    def counted(self: Evaluator, architecture: Architecture) -> Evaluation:
        evaluated.append(architecture)
        return evaluate(self, architecture)

    monkeypatch.setattr(Evaluator, "evaluate", counted)
    best = solve(problem, solver=solver).best
    assert len(evaluated) < 300
    monkeypatch.undo()
    # By hand: the widths of the best loss, then the fewest parameters within the limit.
    alike = Problem.from_tables(TABLES | {"space": TABLES["space"] | {"vocab_size": 1000}})
    widest = solve(alike, solver="exhaustive").best
    assert best.loss == widest.loss
    assert best.architecture.layers == widest.architecture.layers
    trunk = best.architecture.trunk
    if not limit:
        assert (trunk.vocab_size, bool(trunk.tied_embeddings)) == (1000, True)
    else:
        # One entry less in the vocabulary breaks the limit.
        assert best.parameters.total - 46_500_000 < trunk.d_model * (2 - trunk.tied_embeddings)
