"""Laws of features of whole stacks: designs by plain loops, all solvers, and bounds of boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem, ProblemError, fit, plan_runs, solve
from modelsizer.optimizer.laws.draws import Draws
from modelsizer.optimizer.laws.uncertainty import contenders, optima
from modelsizer.optimizer.tables import store
from modelsizer.problems.laws.ablations import unseen_by
from tests.support.block_bounds import check_bounds
from tests.support.enumerated import all_designs, designs_of, unseen
from tests.support.random_laws import loss
from tests.support.stack_laws import features, random_problem

SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, *range(2, 60)))]


@pytest.mark.parametrize("seed", SEEDS)
def test_solvers_agree_with_all_designs_in_plain_loops(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = random_problem(seed)
    law: Any = problem.to_dict()["laws"]["own"]
    best = None
    for design in designs_of(problem):
        if not design.feasible:
            continue
        at = {"parameters": float(design.law_parameters), "tokens": design.tokens}
        at |= features(design.architecture, float(design.exact["active_parameters"]))
        want = loss(law, at)
        least = problem.law.irreducible
        want += unseen(problem, design.architecture) * max(want - least, 0.0)
        assert design.loss == pytest.approx(want, rel=1e-11)
        best = want if best is None else min(best, want)
    assert best is not None
    for solver in ("bound", "exhaustive", "scipy"):
        found = solve(problem, solver=solver)
        assert found.status == "optimal"
        assert found.best.loss == pytest.approx(best, rel=1e-11), solver
    monkeypatch.setattr(store, "LISTABLE", 0)
    assert solve(problem).best.architecture == found.best.architecture  # by boxes


@pytest.mark.parametrize("seed", SEEDS)
def test_no_design_is_below_the_bound_of_a_box(seed: int) -> None:
    assert check_bounds(random_problem(seed), seed, blocks=12) > 0


def test_draws_of_such_a_law_are_solved_as_the_solver_solves_them() -> None:
    problem = random_problem(3)
    some = contenders(problem)
    assert some is not None
    found = optima(problem, some, Draws.of([problem.law]))
    assert found.loss[0] == pytest.approx(solve(problem).best.loss, rel=1e-12)
    assert len(all_designs(problem)) + some.infeasible >= len(some)


def own(*terms: dict[str, float], **settings: Any) -> Problem:
    known = [
        {"coefficient": 482.0, "parameters": -0.35},
        {"coefficient": 2085.0, "tokens": -0.37},
    ]
    return Problem.load("one-h100-1e24").with_settings(
        {"laws.own": {"E": 1.8, "terms": [*known, *terms]}, "objective.law": "own", **settings}
    )


def test_terms_that_the_law_sees_are_no_ablations() -> None:
    law = own({"coefficient": 0.1, "window": -0.1}, {"coefficient": 0.1, "full_share": -0.1}).law
    assert "window" not in unseen_by(law)
    assert "sparse" not in unseen_by(law)
    assert "kv_heads" in unseen_by(law)


def test_layers_without_attention_have_no_window() -> None:
    linear = {"space.full_every": 4, "space.between": "mamba2"}
    with pytest.raises(ProblemError, match=r"sees window, which layers with mamba2 layers"):
        own({"coefficient": 0.1, "window": -0.1}, **linear)
    assert own({"coefficient": 0.1, "full_share": -0.1}, **linear).law.features == ("full_share",)


def test_the_window_of_a_full_layer_is_the_training_sequence() -> None:
    losses = []
    for length in (2048, 8192):
        problem = own({"coefficient": 0.1, "window": -0.1}, **{"training.sequence_length": length})
        found = solve(problem).best
        plain = solve(own(**{"training.sequence_length": length}))
        assert plain.design is not None
        losses.append(found.loss - float(problem.law.E) - 0.1 * length**-0.1)  # type: ignore[attr-defined]
        assert "window@" not in problem.to_toml()
        assert Problem.from_tables(problem.to_dict()).law.features == (f"window@{length}",)
    assert losses[0] == pytest.approx(losses[1], abs=0.02)


def test_runs_are_not_planned_for_features_of_stacks() -> None:
    with pytest.raises(ProblemError, match="window: runs are planned of dense models"):
        plan_runs(own({"coefficient": 0.1, "window": -0.1}), 1e21)


def test_terms_of_such_features_are_fitted_from_their_columns(tmp_path: Path) -> None:
    r = np.random.default_rng(0)
    n, d = 10 ** r.uniform(8, 10, 60), 10 ** r.uniform(9, 11, 60)
    routed, window = r.choice([1, 8, 64], 60), r.choice([512.0, 2048.0, 4096.0], 60)
    seen = 1.8 + 482 * n**-0.35 + 2085 * d**-0.37 + 0.3 * routed**-0.2 + 0.5 * window**-0.15
    rows = zip(n, d, routed, window, seen, strict=True)
    (tmp_path / "runs.csv").write_text(
        "\n".join(
            [
                "params,tokens,num_experts,sliding_window,loss",
                *(",".join(map(str, row)) for row in rows),
            ]
        )
    )
    (tmp_path / "form.toml").write_text(
        '[law]\nform = "terms"\nE = 1.7\nterms = [\n'
        '{name = "A", coefficient = 400.0, parameters = -0.3},\n'
        '{name = "B", coefficient = 2000.0, tokens = -0.3},\n'
        '{name = "R", coefficient = 0.2, routed = -0.2},\n'
        '{name = "W", coefficient = 0.4, window = -0.15},\n]\nfixed = ["W.window", "R.routed"]\n'
    )
    found = fit(tmp_path / "runs.csv", tmp_path / "form.toml", bootstrap=0, compare=False)
    assert found.fit.coefficients["R"] == pytest.approx(0.3, rel=0.02)
    assert found.fit.coefficients["W"] == pytest.approx(0.5, rel=0.02)
    law = found.law_file("mine", "total", {})
    assert law.ranges["window"].high == 4096
