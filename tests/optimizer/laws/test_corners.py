"""Corners of a problem: their optima, regrets and the design of least greatest regret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.laws.corners import ProblemCorners, corners, overlays
from modelsizer.optimizer.laws.holding import is_same
from modelsizer.optimizer.laws.least_regret import least_regret
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.clock import Clock
from tests.support.enumerated import designs_of
from tests.support.layers_oracle import compare, drawing
from tests.support.layers_oracle.corners import LAWS, CornersOracle, drawn
from tests.support.layers_oracle.engines import BOXES
from tests.support.layers_oracle.tables import Tables

CLOSE = 1e-11  # nats
FAST = (5, 21, 85)  # of mixed layers, of experts and of windows


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


def agree(tables: Tables, engines: Sequence[str]) -> None:
    """Solvers and the enumeration find the same, with two laws as further corners."""
    problem, oracle = Problem.from_tables(tables), CornersOracle(tables, LAWS)
    for engine in engines:
        if engine == BOXES:
            with patch.object(store.TableStore, "listable", lambda *_: False):
                check(corners(problem, LAWS), oracle)
        else:
            check(corners(problem, LAWS, solver=engine), oracle)


@pytest.mark.parametrize("seed", FAST)
def test_corners_agree_with_an_enumeration(seed: int) -> None:
    agree(drawing.tables(seed), ["auto", BOXES])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_corners_agree_with_an_enumeration_at_length(seed: int) -> None:
    agree(drawn(seed), ["auto", BOXES, "exhaustive", "scipy"])


def test_corners_that_are_one_problem_are_solved_once() -> None:
    widths = {"min": 1536, "max": 4096, "step": 256}
    problem = Problem.load("mixture-30b-a3b", {"space.d_model": widths})
    found = corners(problem, answer=solve(problem))
    assert [c.name for c in found.corners] == [
        *(f"ablations {end}" for end in ("low", "middle", "high")),
        *("leverage 3e20", "leverage budget", "ludziejewski-2025"),
    ]
    (same,) = [c for c in found.corners if c.same_as]
    assert (same.name, same.same_as) == ("leverage 3e20", "ablations middle")
    assert found.design is not None
    assert same.design is not None
    assert same.design.architecture == found.design.architecture
    assert set(found.regret) == {c.name for c in found.corners}
    assert found.turns == {
        "shared_experts": {"leverage budget": 1, "ludziejewski-2025": 1},
    }
    least = found.least_regret
    assert least is not None
    assert 0 < least.worst == least.bound < max(found.regret.values())


def test_a_law_that_cannot_judge_the_space_is_a_corner_with_its_reason() -> None:
    problem = Problem.load("windows-128k")
    law = {"E": 1.7, "terms": [{"parameters": -0.3, "coefficient": 400.0},
                               {"tokens": -0.3, "coefficient": 400.0},
                               {"d_ff": -0.1, "coefficient": 0.1}]}  # fmt: skip
    tables = problem.to_dict() | {"laws": {"wide": law}}
    experts = {"routed": [0, 8], "active": 2, "granularity": 4}
    tables["space"] = {k: v for k, v in tables["space"].items() if k != "layers"} | {
        "layers": {"min": 16, "max": 32, "step": 8},
        "experts": experts,
    }
    found = corners(Problem.from_tables(tables), ["wide"])
    last = found.corners[-1]
    assert (last.name, last.status) == ("wide", "refused")
    assert "experts" in last.reason
    assert found.least_regret is not None
    assert "wide" not in found.regret


def test_an_unknown_law_is_bad_input() -> None:
    with pytest.raises(ProblemError, match="unknown law 'nobody'"):
        corners(Problem.load("phone-2gb"), ["nobody"])


def test_under_a_number_of_nats_a_law_is_no_corner_and_designs_may_break_it() -> None:
    problem = Problem.load("one-h100-1e24")
    with pytest.raises(ProblemError, match="as llama-3-8b"):
        corners(problem.with_settings({"budgets.loss": 1.985}), ["hoffmann-2022"])
    found = corners(problem.with_settings({"budgets.loss": 1.985}))
    assert [c.status for c in found.corners] == ["optimal", "optimal", "infeasible"]
    assert set(found.regret) == {"ablations low", "ablations middle"}
    least = corners(problem, ["hoffmann-2022"]).least_regret
    same = corners(problem.with_settings({"budgets.loss": "as llama-3-8b"}), ["hoffmann-2022"])
    assert same.least_regret is not None
    assert least is not None
    assert same.least_regret.regret == least.regret


def test_vocabularies_by_the_byte_and_layouts_have_corners_too() -> None:
    tables = Problem.load("phone-2gb").to_dict()
    tables["space"] |= {"layers": [16, 24], "d_model": [1024, 1536], "vocab_size": [32000, 65536]}
    tables["tokenizer"] = {"bytes_per_token": {"32000": 3.9, "65536": 4.3}}
    tables["training"] |= {"accelerators": 8, "tensor_parallel": [1, 2, 4]}
    problem = Problem.from_tables(tables)
    found = corners(problem, ["hoffmann-2022"])
    names = list(found.regret)
    assert len(names) == 4
    under = [problem.with_settings(settings) for _, settings in overlays(problem, [names[-1]])]
    losses = np.array(
        [[d.loss if d.feasible else np.inf for d in designs_of(each)] for each in under]
    )
    worst = (losses - losses.min(axis=1, keepdims=True)).max(axis=0)
    assert found.least_regret is not None
    assert found.least_regret.worst == pytest.approx(worst.min(), abs=CLOSE)
    assert [c.design and c.design.loss for c in found.corners] == pytest.approx(losses.min(axis=1))


def test_another_objective_has_optima_and_no_regrets() -> None:
    found = corners(Problem.load("least-memory-2.15"))
    assert all(c.design is not None for c in found.corners)
    assert found.least_regret is None
    assert "seeks serving_memory" in found.why_not
    assert found.to_dict()["regret_reason"] == found.why_not


def test_a_time_limit_leaves_the_bound_and_no_proof() -> None:
    problem = Problem.load("one-h100-1e24")
    found = corners(problem, time_limit=0)
    assert not found.complete
    assert found.stop == "time"
    assert found.least_regret is None


def test_the_search_for_the_least_regret_may_end_early() -> None:
    problem = Problem.load("windows-128k")
    under = {end: problem.with_settings({"objective.ablations": end}) for end in ("low", "high")}
    best = {name: solve(each).best for name, each in under.items()}
    least = {name: design.loss for name, design in best.items()}
    known = [design.architecture for design in best.values()]
    whole = least_regret(under, least, known, Clock())
    assert whole is not None
    assert whole.proven
    assert whole.worst == whole.bound
    early = least_regret(under, least, known, Clock.of(0))
    assert early is not None
    assert not early.proven
    assert early.stop == "time"
    assert 0 <= early.bound <= whole.worst <= early.worst


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (48, 96, True),
        (48, 97, False),
        (1, 0, False),
        (False, True, False),
        ("window", "mamba2", False),
        (None, 512, True),  # what takes a window away is what turns
    ],
)
def test_a_number_holds_within_a_factor_of_two(first: Any, second: Any, same: bool) -> None:
    assert is_same("window", first, second) == is_same("window", second, first) == same


def test_experts_that_vanish_turn() -> None:
    assert not is_same("routed_experts", None, 64)
    assert is_same("active_experts", None, 8)
