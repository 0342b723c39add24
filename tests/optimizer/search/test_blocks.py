"""The search over blocks: bounds that are bounds, and the same answers as enumeration."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.search import Search
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.clock import Clock, Limits
from tests.support.block_bounds import check_bounds
from tests.support.layers_oracle import drawing
from tests.support.random_problems import layout_tables, random_tables, valid_problem
from tests.support.shared import seeds


@pytest.fixture
def unlistable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every space is searched by blocks."""
    monkeypatch.setattr(store, "LISTABLE", 0)


@pytest.mark.parametrize(
    "drawn", [range(3000, 3006), pytest.param(range(3006, 3022), marks=pytest.mark.slow)]
)
def test_a_bound_is_never_above_a_design(drawn: range) -> None:
    seen = 0
    for seed in drawn:
        seen += check_bounds(valid_problem(seed), seed)
    assert seen > 30


@pytest.mark.slow
def test_a_bound_is_never_above_a_design_under_any_layout() -> None:
    seen = 0
    for seed in range(3200, 3212):
        seen += check_bounds(valid_problem(seed, layout_tables), seed)
    assert seen > 8


def kinds_of_layer(seed: int) -> Problem:
    """Windows, latents, experts, linear layers and mixtures of them, in turns."""
    return Problem.from_tables(drawing.tables(seed))


def test_a_bound_is_never_above_a_design_of_any_kinds_of_layer() -> None:
    seen = sum(check_bounds(kinds_of_layer(seed), seed, 4, 4) for seed in range(600, 605))
    assert seen > 8


@pytest.mark.parametrize("seed", range(700, 703))
def test_blocks_of_any_kinds_of_layer_agree_with_enumeration(seed: int, unlistable: None) -> None:
    check_agreement(kinds_of_layer(seed), ("bound",))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(800, 900))
def test_blocks_of_any_kinds_of_layer_agree_at_length(seed: int, unlistable: None) -> None:
    problem = kinds_of_layer(seed)
    check_bounds(problem, seed)
    check_agreement(problem, ("auto",))


def check_agreement(problem: Problem, solvers: tuple[str, ...]) -> None:
    truth = solve(problem, solver="exhaustive")
    for solver in solvers:
        result = solve(problem, solver=solver)
        assert result.status == truth.status
        assert result.objective.value == truth.objective.value
        assert result.gap == truth.gap
        if truth.design is not None:
            assert result.best.architecture == truth.best.architecture
            assert result.best.layout == truth.best.layout
            mine = {(use.name, use.side): use.binding for use in result.budgets}
            assert mine == {(use.name, use.side): use.binding for use in truth.budgets}
        # Each option of a space is listed once, or lies in a block that was ruled out.
        assert result.statistics["designs"] == problem.count_designs()
        assert result.statistics["by_blocks"] >= 0


@pytest.mark.parametrize("seed", seeds(range(3300, 3330), range(3305, 3330)))
def test_blocks_agree_with_enumeration(seed: int, unlistable: None) -> None:
    check_agreement(valid_problem(seed), ("auto", "bound"))


@pytest.mark.parametrize("seed", seeds(range(3400, 3410), range(3403, 3410)))
def test_blocks_agree_under_layouts(seed: int, unlistable: None) -> None:
    check_agreement(valid_problem(seed, layout_tables), ("bound", "scipy"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3500, 4100))
def test_blocks_agree_with_enumeration_at_length(seed: int, unlistable: None) -> None:
    make = random_tables if seed % 4 else layout_tables
    check_agreement(valid_problem(seed, make), ("auto",))


def large(seed: int) -> dict[str, Any]:
    """A problem of a million to twenty million designs."""
    r = random.Random(seed)
    tables = random_tables(seed)
    tables["space"] |= {
        "layers": {"min": 2, "max": r.randint(80, 200)},
        "d_model": {"min": 512, "max": 512 + 64 * r.randint(60, 160), "step": 64},
        "vocab_size": sorted(r.sample(range(32000, 256000, 128), r.randint(2, 5))),
        "tied_embeddings": [True, False],
        "ffn_ratio": {"min": 2.0, "max": 4.5, "step": r.choice([0.1, 0.25])},
        "ffn_multiple": r.choice([64, 128]),
        "kv_heads": [1, 2, 4, 8],
        "head_dim": [64, 128],
    }
    for key in ("heads", "kv_group", "d_ff"):
        tables["space"].pop(key, None)
    return tables


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5000, 5100))
def test_large_problems_agree_with_enumeration_in_chunks(seed: int) -> None:
    problem = valid_problem(seed, large)
    truth = solve(problem, solver="exhaustive")
    result = solve(problem, solver="bound")
    assert result.status == truth.status
    assert result.objective.value == truth.objective.value
    if truth.design is not None:
        assert result.best.architecture == truth.best.architecture


def billion() -> Problem:
    """A menu of over 1e9 designs, as an engineer might write one."""
    return Problem.load(
        "one-h100-1e24",
        {
            "space.layers": {"min": 4, "max": 256},
            "space.d_model": {"min": 512, "max": 16384, "step": 64},
            "space.head_dim": [64, 128, 256],
            "space.kv_heads": [1, 2, 4, 8, 16, 32],
            "space.ffn_ratio": {"min": 2, "max": 5, "step": 0.05},
            "space.ffn_multiple": 64,
            "space.vocab_size": {"min": 32000, "max": 71936, "step": 1024},
            "space.tied_embeddings": [True, False],
            "space.aspect_ratio": {"min": 1},
        },
    )


def test_a_billion_designs_are_proven() -> None:
    problem = billion()
    result = solve(problem)
    assert problem.count_designs() > 10**9
    assert (result.status, result.gap) == ("optimal", 0.0)
    assert result.seconds < 10
    # The optimum cannot be worse than any design at hand, such as the reference problem's.
    assert result.best.loss < solve(Problem.load("one-h100-1e24")).best.loss
    listed = result.statistics["candidates"] - result.statistics["by_blocks"]
    assert listed < 10**7


@pytest.mark.parametrize("solver", ["auto", "bound", "scipy"])
def test_a_limit_gives_incumbent_and_bound(solver: str) -> None:
    problem = billion()
    best = solve(problem).best.loss
    result = solve(problem, solver=solver, time_limit=0.05)
    assert result.status == "limit"
    assert result.design is not None and result.design.feasible
    assert result.lower_bound is not None
    assert result.lower_bound <= best <= result.best.loss
    assert "by_blocks" not in result.statistics


def test_the_gap_closes_as_it_goes() -> None:
    gaps: list[float] = []
    solve(billion(), solver="bound", progress=lambda value, bound, _: gaps.append(value - bound))
    assert len(gaps) > 1
    assert gaps == sorted(gaps, reverse=True)
    assert all(np.isfinite(gaps))


def test_interrupted_while_reading_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = billion()
    best = solve(problem).best.loss

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    result = solve(problem, progress=interrupted)
    assert (result.status, result.stop) == ("limit", "interrupted")
    assert result.lower_bound is not None
    assert result.lower_bound <= best <= result.best.loss


def test_samples_hold_designs_of_the_space() -> None:
    problem = billion()
    search = Search(Model(problem), Clock(Limits()))
    assert search.blocks is not None
    search._scout(search.blocks)
    assert search.incumbent is not None and search.incumbent.feasible
    found = search.blocks.grid.locate(search.incumbent.architecture)
    assert found is not None
    index, point = found
    grid = search.blocks.grid
    ends, some = grid.ends(grid.roots[index], point[None, :], point[None, :])
    trunk = search.incumbent.architecture.trunk
    assert some.all()
    assert ends.low["d_model"][0] == ends.high["d_model"][0] == trunk.d_model
    assert ends.low["vocab_size"][0] == trunk.vocab_size
    layer = search.incumbent.architecture.groups[0].layer
    assert (ends.low["heads"][0], ends.low["kv_heads"][0]) == (
        layer.attention.heads,
        layer.attention.kv_heads,
    )
