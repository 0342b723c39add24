"""The solvers agree with one another and with known optima."""

from __future__ import annotations

import pytest

from modelsizer import Problem, solve
from tests.support.random_problems import valid_problem
from tests.support.shared import LAW_ALONE, SOLVERS, reference, reference_json

KNOWN = ("least-memory", "no-way", "one-accelerator", "open-1e22")
FAST_SEEDS, SLOW_SEEDS = range(26), range(26, 420)


def check_agreement(seed: int) -> None:
    agree(valid_problem(seed))


def agree(problem: Problem) -> None:
    results = [solve(problem, solver=name) for name in SOLVERS]
    truth = results[0]
    for result in results[1:]:
        assert result.status == truth.status, result.solver
        assert result.objective.value == truth.objective.value, result.solver
        assert result.gap == truth.gap
        assert not any("contradicts" in str(warning) for warning in result.warnings)
        if truth.design is not None:
            assert result.best.architecture == truth.best.architecture
            assert abs(result.best.loss - truth.best.loss) <= 1e-9


@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_solvers_agree(seed: int) -> None:
    check_agreement(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW_SEEDS)
def test_solvers_agree_at_length(seed: int) -> None:
    check_agreement(seed)


@pytest.mark.parametrize(
    ("seed", "outer"),
    [
        (2, 0.3),
        pytest.param(7, 1.6, marks=pytest.mark.slow),
        *(
            pytest.param(seed, (0.15, 0.29, 0.43, 1.3, 2.5)[seed % 5], marks=pytest.mark.slow)
            for seed in range(100, 200)
        ),
    ],
)
def test_solvers_agree_on_an_outer_power(seed: int, outer: float) -> None:
    """Of about the size that its terms have: the power of each is that of besiroglu-2024."""
    law = {"E": 1.8172, "A": 482.01 ** (1 / outer), "alpha": 0.3478 / outer,
           "B": 2085.43 ** (1 / outer), "beta": 0.3658 / outer, "outer": outer}  # fmt: skip
    problem = valid_problem(seed)
    agree(problem.with_settings({"laws.raised": law, "objective.law": "raised"}))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", KNOWN)
def test_known_optima(name: str, solver: str) -> None:
    want = reference_json("known_optima/answers.json")[name]
    problem = Problem.load(reference(f"known_optima/{name}.toml"), LAW_ALONE)
    result = solve(problem, solver=solver)
    assert result.status == want["status"]
    if want["status"] == "infeasible":
        assert str(want["least_serving_memory"])[:4] in str(result.warnings[0]).replace(".", "")
        return
    assert result.objective.value == pytest.approx(want["objective"], rel=1e-12)
    layer, trunk = result.best.architecture.groups[0].layer, result.best.architecture.trunk
    assert result.best.architecture.layers == want["layers"]
    assert trunk.d_model == want["d_model"]
    assert layer.attention.head_dim == want["head_dim"]
    assert layer.attention.kv_heads == want["kv_heads"]
    assert layer.ffn.d_ff == want["d_ff"]
    assert result.best.parameters.total == want["parameters"]
    assert result.best.tokens == pytest.approx(want["tokens"], rel=1e-14)
    if "designs" in want:
        assert result.statistics["designs"] == want["designs"]


@pytest.mark.parametrize("name", ("open-1e22", "one-accelerator"))
def test_feasible_designs_are_counted(name: str) -> None:
    want = reference_json("known_optima/answers.json")[name]
    result = solve(
        Problem.load(reference(f"known_optima/{name}.toml"), LAW_ALONE), solver="exhaustive"
    )
    assert result.statistics["designs"] - result.statistics["by_budgets"] == want["feasible"]
