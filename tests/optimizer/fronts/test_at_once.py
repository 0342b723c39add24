"""Exact values of many designs at once are those of each evaluated by itself."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.fronts.at_once import AtOnce
from modelsizer.optimizer.fronts.goals import parse_goals
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import every_design
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.shapes import NoShape

FEW = 400

_FEWER = {
    "h100-cluster-90-days": {"space.layers": [64, 80], "space.d_model": [6144, 8192]},
    "served-10t-tokens": {"budgets.loss": 3.0, "budgets.lifetime_flops": 6e24},
    "windows-128k": {"space.layers": [24, 40]},
}


@pytest.mark.parametrize("name", _FEWER)
def test_tokens_and_losses_are_those_of_evaluation(name: str) -> None:
    problem = Problem.load(name, _FEWER[name])
    scorer = Scorer(problem, parse_goals(problem, ["parameters", "loss"]))
    assert scorer.at_once is not None
    tables = scorer.model.store.tables(scorer.problem, scorer.names)
    compared = 0
    for table, row, j in every_design(tables, Clock()):
        _, keeps = scorer.model.evaluate(table, row, j)
        at = np.flatnonzero(keeps)[:: max(1, int(keeps.sum()) // 40)]
        found = np.stack(scorer.at_once.evaluate(table, row[at], j[at]), axis=1)
        for i, (tokens, loss) in zip(at, found, strict=True):
            design = scorer.model.exactly(table, row[i], j[i])
            if design.layout.accelerators == table.layout[table.layout_id[row[i]]].accelerators:
                assert (design.text, design.loss) == (tokens, loss)
                compared += 1
    assert compared > 40
    assert scorer.at_once.reliable


class _Powers(TokenLaw):
    """A law by Python's operator, which rounds otherwise for numbers than for arrays."""

    name = "powers"

    def loss(self, n: Floats, d: Floats) -> Floats:
        loss = 1.7 + 480 * n**-0.34 + 2000 * d**-0.37
        return loss if isinstance(loss, float) else np.nextafter(loss, 9.0)


def test_a_law_that_rounds_otherwise_over_arrays_is_noticed() -> None:
    problem = Problem.load("one-h100-1e24")
    at_once = AtOnce(problem, Quality(_Powers(), NoShape()))
    table = next(Scorer(problem, parse_goals(problem, ["layers", "loss"])).model.tables())
    row = np.arange(min(FEW, len(table)))
    at_once.evaluate(table, row, np.zeros((len(row), table.count.shape[1]), dtype=np.int64))
    assert not at_once.reliable
