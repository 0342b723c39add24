"""Next best and near-optimal designs, against sorting of every design."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.surveys.near_optimal import (
    collected,
    diverse,
    k_best,
    near_optimal,
    tolerance_of,
)
from modelsizer.optimizer.surveys.nearest_model import nearest
from modelsizer.optimizer.surveys.ranking import rank
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.narrowing import fixed, forbidden
from tests.support.enumerated import sorted_by_hand
from tests.support.random_problems import small
from tests.support.shared import LAW_ALONE, reference, reference_json, seeds

REFERENCE = Problem.load("one-h100-1e24")
OPTIMUM = solve(REFERENCE)


@pytest.mark.parametrize("seed", seeds(range(50), {3, *range(7, 50)}))
def test_k_best_are_those_of_plain_sorting(seed: int) -> None:
    problem = small(seed)
    result = solve(problem)
    wanted = sorted_by_hand(problem)
    if result.status == "infeasible":
        assert not wanted
        return
    for count in (1, 4, 10_000):
        found = k_best(result, count)
        assert [d.architecture for d in found.best] == [d.architecture for d in wanted[:count]]
    name, value = result.objective.name, float(wanted[0].exact[result.objective.name])
    for tolerance in (0.0, 0.002 * abs(value), 0.1 * abs(value)):
        near = near_optimal(result, tolerance, 5)
        inside = [d for d in wanted if abs(float(d.exact[name]) - value) <= tolerance * (1 + 1e-12)]
        assert near.within == len(inside)
        assert [d.architecture for d in near.best] == [d.architecture for d in inside[:5]]
        for quantity, design in near.savings:
            least = min(float(d.exact[quantity]) for d in inside)
            assert float(design.exact[quantity]) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("name", ["open-1e22", "one-accelerator"])
def test_known_five_best(name: str) -> None:
    wanted = reference_json("known_optima/answers.json")[name]["five_best_losses"]
    found = k_best(solve(Problem.load(reference(f"known_optima/{name}.toml"), LAW_ALONE)), 5)
    assert [d.loss for d in found.best] == pytest.approx(wanted, abs=1e-9)


def test_a_space_too_large_to_list_is_searched_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = rank(REFERENCE, top=25).best
    monkeypatch.setattr("modelsizer.optimizer.tables.store.LISTABLE", 0)
    found = k_best(solve(REFERENCE), 25)
    assert [d.architecture for d in found.best] == [d.architecture for d in ranked]


def test_bounds_leave_most_designs_unseen() -> None:
    scorer = Scorer(REFERENCE, [Goal("loss", "minimize")])
    looked_at = 0
    plain = scorer.feasible

    def counted(table: object, row: np.ndarray, j: np.ndarray) -> object:  # type: ignore[type-arg]
        nonlocal looked_at
        looked_at += len(row)
        return plain(table, row, j)  # type: ignore[arg-type]

    scorer.feasible = counted  # type: ignore[method-assign, assignment]
    held = collected(scorer, OPTIMUM.best.loss + 1e-4)
    assert 1 <= len(held) < 50
    assert looked_at < REFERENCE.count_designs() // 10


def test_diverse_designs_are_far_apart_and_as_good() -> None:
    close = near_optimal(OPTIMUM, 0.001, 6)
    apart = diverse(OPTIMUM, 0.001, 6)
    assert apart.within == close.within
    assert apart.best[0].architecture == OPTIMUM.best.architecture
    assert all(d.loss <= OPTIMUM.best.loss + 0.001 for d in apart.best)

    def nearest_pair(designs: tuple[Evaluation, ...]) -> float:
        shapes = [np.log([d.architecture.layers, d.architecture.trunk.d_model]) for d in designs]
        return min(float(np.linalg.norm(a - b)) for i, a in enumerate(shapes) for b in shapes[:i])

    assert nearest_pair(apart.best) > nearest_pair(close.best)


def test_tolerances() -> None:
    assert tolerance_of("0.001", "loss", 2.0) == 0.001
    assert tolerance_of("0.1 %", "loss", 2.0) == 0.002
    assert tolerance_of("0.1", "serving_memory", 80e9) == 8e9
    with pytest.raises(ValueError, match="is not a tolerance"):
        tolerance_of("much", "loss", 2.0)


# Pins


def test_a_pin_costs_what_the_pinned_problem_loses() -> None:
    command = ["solve", "one-h100-1e24", "--fix", "layers=60", "--json", "-"]
    answer = json.loads(CliRunner().invoke(app, command).stdout)
    alone = solve(REFERENCE.with_settings({"space.layers": 60}))
    assert answer["loss"] == alone.best.loss
    assert answer["pinned"]["cost"] == pytest.approx(alone.best.loss - OPTIMUM.best.loss)
    assert answer["pinned"]["free"]["objective"] == OPTIMUM.best.loss


def test_forbidden_values_are_gone_and_nothing_else() -> None:
    less = forbidden(REFERENCE, {"d_model": [6144], "kv_heads": [4]})
    d_models = less.space.d_model.numbers
    assert 6144 not in d_models
    assert len(d_models) == len(REFERENCE.space.d_model.numbers) - 1
    assert solve(less).best.loss > OPTIMUM.best.loss
    assert fixed(REFERENCE, {"kv_heads": 8}).space.kv_heads is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fix", "layers=180"], "does not offer 180; nearest: 160"),
        (["--fix", "heads=48"], "heads = d_model / head_dim"),
        (["--fix", "layer=80"], "did you mean layers"),
        (["--fix", "routed_experts=8"], "did you mean experts.routed"),
        (["--fix", "layers=[70, 80]"], "one value"),
        (["--forbid", "head_dim=128"], "nothing is left"),
        (["--fix", "layers"], "is not key=value"),
        (["--best", "0"], "1 or more"),
        (["--within", "-1"], "zero or more"),
        (["--within", "much"], "--within"),
        (["--diverse"], "needs --within"),
        (["--near", "falcon-mamba-7b"], "no space has"),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    answer = CliRunner().invoke(app, ["solve", "one-h100-1e24", *arguments])
    assert answer.exit_code == 2, answer.stdout
    assert message in answer.stderr


# A known model


def test_nearest_changes_the_fewest_settings() -> None:
    model = load_architecture("llama-3.1-70b")
    problem = REFERENCE.with_settings(
        {"space.d_model": [7168, 8192], "space.layers": {"min": 44, "max": 90}}
    )
    found = nearest(problem, model)
    assert found is not None
    assert found.design.feasible
    was = {"layers": 80, "d_model": 8192, "heads": 64, "kv_heads": 8, "head_dim": 128,
           "d_ff": 28672, "vocab_size": 128256, "tied_embeddings": 0}  # fmt: skip
    best = None
    for design in sorted_by_hand(problem):
        attention = design.architecture.groups[0].layer.attention
        now = {
            "layers": design.architecture.layers,
            "d_model": design.architecture.trunk.d_model,
            "heads": attention.heads,
            "kv_heads": attention.kv_heads,
            "head_dim": attention.head_dim,
            "d_ff": design.architecture.groups[0].layer.ffn.d_ff,
            "vocab_size": design.architecture.trunk.vocab_size,
            "tied_embeddings": int(design.architecture.trunk.tied_embeddings),
        }
        changed = sum(now[n] != was[n] for n in was)
        apart = sum(abs(math.log(now[n] / was[n])) for n in was if n != "tied_embeddings")
        best = min(best or (99, 0.0), (changed, apart))
    assert best is not None
    assert len(found.changed) == best[0]
    assert sum(abs(math.log(b / a)) for a, b in found.changed.values()) == pytest.approx(best[1])


def test_a_model_that_fits_is_its_own_nearest() -> None:
    found = nearest(REFERENCE, load_architecture("llama-3-8b"))
    assert found is not None
    assert not found.changed
    assert nearest(REFERENCE.with_settings({"budgets.serving_memory": "1 GB"}),
                   load_architecture("llama-3-8b")) is None  # fmt: skip
