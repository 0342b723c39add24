"""Corners of a problem: their optima, regrets and the design of least greatest regret."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest.mock import patch

import pytest

from modelsizer import Problem
from modelsizer.optimizer.laws.corners import ProblemCorners, corners
from modelsizer.optimizer.tables import store
from tests.support.layers_oracle import compare
from tests.support.layers_oracle.corners import LAWS, CornersOracle, drawn
from tests.support.layers_oracle.engines import BOXES

CLOSE = 1e-11  # nats
FAST = (0, 1, 2)


@cache
def oracle_of(seed: int) -> CornersOracle:
    return CornersOracle(drawn(seed), LAWS)


def same(told: dict[str, Any], want: dict[str, Any]) -> None:
    assert {key: told[key] for key in want} == want


def check(found: ProblemCorners, oracle: CornersOracle) -> None:
    told = found.to_dict()
    assert told["complete"]
    assert [corner["name"] for corner in told["corners"]] == list(oracle.overlays)
    for corner in told["corners"]:
        best = oracle.best[corner["name"]]
        same(corner["architecture"], compare.architecture(best.design))
        assert corner["objective"] == pytest.approx(best.loss, abs=CLOSE)
        assert corner["tokens"] == pytest.approx(best.tokens, rel=1e-9)
        assert corner["regret"] == pytest.approx(oracle.regrets[best.design], abs=CLOSE)
    own, least = oracle.own, oracle.least
    assert own is not None
    assert told["regret"] == pytest.approx(oracle.regrets[own.design], abs=CLOSE)
    assert told["least_regret"]["proven"]
    assert told["least_regret"]["regret"] == pytest.approx(oracle.regrets[least.design], abs=CLOSE)
    same(told["least_regret"]["architecture"], compare.architecture(least.design))
    want: dict[str, set[Any]] = {}
    for best in oracle.best.values():
        for name, value in compare.architecture(best.design).items():
            want.setdefault(name, set()).add(value)
    for name, values in want.items():
        assert set(told["holds"].get(name, [None])) == values, name


def answered(problem: Problem, engine: str) -> ProblemCorners:
    if engine == BOXES:
        with patch.object(store.TableStore, "listable", lambda *_: False):
            return corners(problem, LAWS)
    return corners(problem, LAWS, solver=engine)


@pytest.mark.parametrize("engine", ["auto", BOXES])
@pytest.mark.parametrize("seed", FAST)
def test_corners_agree_with_an_enumeration(seed: int, engine: str) -> None:
    check(answered(Problem.from_tables(drawn(seed)), engine), oracle_of(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_corners_agree_with_an_enumeration_at_length(seed: int) -> None:
    problem = Problem.from_tables(drawn(seed))
    for engine in ("auto", BOXES, "exhaustive", "scipy"):
        check(answered(problem, engine), oracle_of(seed))
