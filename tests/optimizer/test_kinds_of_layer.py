"""Two kinds of layer, through every engine and survey, against plain loops over designs."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, front, rank, solve
from modelsizer.cli import app
from modelsizer.optimizer.fronts.goals import parse_goals, question
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.near_optimal import k_best, near_optimal
from modelsizer.optimizer.tables import store
from modelsizer.problems.architecture.configs.exports.hf import to_huggingface
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.sources import from_json
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.text.answer_rows import architecture_rows
from tests.support.mixed_blocks import PATTERNS, WINDOW, architectures, tie
from tests.support.random_problems import random_tables

SEEDS, SOLVABLE = 16, 9
FEW = 150  # designs: plain loops are slow
ENGINES = ("exhaustive", "bound")
FIRST = [
    name if name == "free" else pytest.param(name, marks=pytest.mark.slow) for name in PATTERNS
]
"""Both patterns, one of them at length."""


def tables_of(pattern: str, seed: int) -> dict[str, Any]:
    """A random problem of two kinds of layer with few designs, of several layouts now and then."""
    r = random.Random(f"{pattern} {seed}")
    tables = random_tables(seed + 100 * len(pattern))
    low, wide = r.randint(2, 12), 256 * r.randint(2, 9)
    tables["objective"]["ablations"] = "none"
    tables["space"] |= PATTERNS[pattern] | {
        "block": "llama",
        "layers": r.choice(
            [{"min": low, "max": low + 9}, {"min": low, "max": low + 20, "step": 4},
             sorted(r.sample(range(2, 30), 5))]
        ),
        "d_model": {"min": wide, "max": wide + 256, "step": 256},
    }  # fmt: skip
    tables["serving"].pop("tensor_parallel", None)
    if r.random() < 0.5:
        tables["space"].pop("aspect_ratio", None)
    for name in ("parameters", "non_embedding_parameters"):
        if not isinstance(tables["budgets"].get(name, 0), dict):
            tables["budgets"].pop(name, None)
    if r.random() < 0.3:
        tables["training"] |= {
            "accelerators": 4, "tensor_parallel": [1, 2], "pipeline_parallel": [1, 2],
        }  # fmt: skip
        tables["budgets"]["training_memory"] = f"{r.choice([20, 60, 200])} GB"
    return tables


def designs(pattern: str, seed: int) -> tuple[Problem, tuple[Evaluation, ...]] | None:
    """A problem, and all of its designs that a layout can split, evaluated; None if it has none."""
    tables = tables_of(pattern, seed)
    try:
        problem = Problem.from_tables(tables)
    except ProblemError:
        return None
    if problem.count_designs() > FEW:
        return None
    plain = tables | {"training": {**tables["training"], "tensor_parallel": 1}}
    found = [evaluate(problem, a) for a in architectures(plain)]
    found = [d for d in found if "training.pipeline_parallel" not in d.violated]
    for design in found:
        expected = tie(design.architecture, design.parameters.total)
        assert design.tie_key[: len(expected)] == expected
    return problem, tuple(found)


def in_order(problem: Problem, found: tuple[Evaluation, ...]) -> list[Evaluation]:
    """Feasible designs, the best first."""
    name, sign = problem.objective.quantity, -1 if problem.objective.sense == "maximize" else 1
    kept = [design for design in found if design.feasible]
    return sorted(kept, key=lambda design: (sign * design.exact[name], design.tie_key))


@cache
def drawn(pattern: str) -> list[tuple[Problem, tuple[Evaluation, ...]]]:
    """Problems of the first seeds, as many as it takes for some of either kind."""
    found, solvable, seed = [], 0, 0
    while len(found) < SEEDS or solvable < SOLVABLE or solvable == len(found):
        if (drawn := designs(pattern, seed)) is not None:
            found.append(drawn)
            solvable += any(design.feasible for design in drawn[1])
        seed += 1
        assert seed < 20 * SEEDS
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
def test_engines_find_the_best_design(pattern: str) -> None:
    solved = mixed = infeasible = 0
    for number, (problem, found) in enumerate(drawn(pattern)):
        assert problem.count_designs() == len(found)
        best = in_order(problem, found)[:1]
        engines = ENGINES if number % 5 else (*ENGINES, "scipy", "pulp")
        for engine in engines:
            result = Solver(problem, solver=engine).solve(details=False)
            if not best:
                assert result.status == "infeasible"
                continue
            assert result.status == "optimal" and result.gap == 0
            assert result.best.architecture == best[0].architecture, engine
            assert result.best.layout == best[0].layout
        solved += bool(best)
        infeasible += not best
        mixed += bool(best) and len(best[0].architecture.groups) == 2
    assert solved >= SOLVABLE and mixed > 5 and infeasible > 0


@pytest.mark.parametrize("pattern", FIRST)
def test_a_space_too_large_to_list(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LISTABLE", 0)
    solved = 0
    for problem, found in drawn(pattern):
        best = in_order(problem, found)[:1]
        result = Solver(problem).solve(details=False)
        assert (result.design is None) == (not best)
        if best:
            assert result.best.architecture == best[0].architecture
            assert result.statistics["blocks"] > 0
            solved += 1
    assert solved >= SOLVABLE


@pytest.mark.parametrize("pattern", FIRST)
def test_designs_in_order(pattern: str) -> None:
    several = 0
    for problem, found in drawn(pattern):
        expected = in_order(problem, found)
        ranking = rank(problem, top=30, group_by="layers", keep_all=True)
        assert ranking.feasible == len(expected)
        shown = [design.architecture for design in ranking.best]
        assert shown == [design.architecture for design in expected[:30]]
        if not expected:
            continue
        several += len({len(a.groups) for a in shown}) > 0
        for group in ranking.groups:
            mine = [d for d in expected if d.architecture.layers == group.value]
            assert group.designs == len(mine)
            assert group.best.architecture == mine[0].architecture
        columns = next(ranking.batches(["layers", "heads", "parameters"]))
        assert columns["parameters"].tolist() == [d.parameters.total for d in expected]
        result = Solver(problem).solve(details=False)
        assert [d.architecture for d in k_best(result, 7).best] == [
            d.architecture for d in expected[:7]
        ]
        value = float(expected[0].exact[problem.objective.quantity])
        tolerance = 0.02 * abs(value)
        within = [
            d
            for d in expected
            if abs(float(d.exact[problem.objective.quantity]) - value) <= tolerance
        ]
        assert near_optimal(result, tolerance, 3).within == len(within)
    assert several >= SOLVABLE


@cache
def front_of_all(pattern: str, number: int, names: tuple[str, ...]) -> dict[tuple[float, ...], int]:
    """Values that no design of a problem improves on, and how many designs have them."""
    problem, _ = drawn(pattern)[number]
    asked = question(problem, parse_goals(problem, names))
    plain = asked.to_dict()
    plain["training"] = {**plain.get("training", {}), "tensor_parallel": 1}
    vectors: dict[tuple[float, ...], int] = {}
    for architecture in architectures(plain):
        design = evaluate(asked, architecture)
        if design.feasible:
            vector = tuple(float(design.exact[name]) for name in names)
            vectors[vector] = vectors.get(vector, 0) + 1
    return {
        v: n
        for v, n in vectors.items()
        if not any(o != v and all(a <= b for a, b in zip(o, v, strict=True)) for o in vectors)
    }


@pytest.mark.parametrize("pattern", FIRST)
@pytest.mark.parametrize("names", [["loss", "kv_cache"], ["loss", "kv_cache", "parameters"]])
@pytest.mark.parametrize(
    ("solver", "problems"),
    [
        ("exhaustive", 6),
        ("bound", 6),
        # Plain loops over the designs of each problem take most of the time.
        pytest.param("exhaustive", 12, marks=pytest.mark.slow),
        pytest.param("bound", 12, marks=pytest.mark.slow),
        pytest.param("scipy", 5, marks=pytest.mark.slow),
    ],
)
def test_fronts(pattern: str, names: list[str], solver: str, problems: int) -> None:
    points = 0
    for number, (problem, _) in enumerate(drawn(pattern)[:problems]):
        asked = question(problem, parse_goals(problem, names))
        if not asked.token_limits.bounded:
            continue
        best = front_of_all(pattern, number, tuple(names))
        if solver == "scipy" and len(best) > 12:
            continue
        found = front(problem, names, solver=solver)
        assert found.complete
        values = zip(*(found.values[name] for name in names), found.designs, strict=True)
        assert {tuple(map(float, v)): n for *v, n in values} == best
        points += len(best)
        for i in range(len(found)):
            assert evaluate(asked, found.architecture(i)).feasible
    assert points > 10


@pytest.mark.parametrize("pattern", FIRST)
def test_a_changed_budget_is_solved_again_from_kept_tables(pattern: str) -> None:
    changed = 0
    for problem, found in drawn(pattern)[:12]:
        solver = Solver(problem)
        solver.solve(details=False)
        limit = float(np.median([float(d.exact["kv_cache"]) for d in found]))
        settings = {"budgets.kv_cache": limit, "serving.batch_size": 2}
        again = problem.with_settings(settings)
        expected = in_order(again, tuple(evaluate(again, d.architecture) for d in found))[:1]
        result = solver.solve(settings, details=False)
        assert (result.design is None) == (not expected)
        if expected:
            assert result.best.architecture == expected[0].architecture
            changed += 1
    assert changed > 3


def test_answers_show_their_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON, text and page; and the JSON reads back to the same design."""
    # They take most of the time, and do not show the groups in words.
    monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(()))
    shown = 0
    for problem, found in drawn("every"):
        best = in_order(problem, found)[:1]
        if not best or len(best[0].architecture.groups) == 1 or shown > 5:
            continue
        result = solve(problem)
        text = json.dumps(result.to_dict())
        counts = best[0].architecture.counts
        groups = json.loads(text)["architecture"]["groups"]
        assert [group["count"] for group in groups] == list(counts)
        assert [group["attention"]["kind"] for group in groups] == ["full", "sliding"]
        assert from_json(text, "answer") == best[0].architecture
        row = dict(architecture_rows(result))["groups"]
        assert f"count = {counts[1]}" in row
        assert f"window = {WINDOW}" in row
        with pytest.raises(ConfigError):
            to_huggingface(best[0].architecture)
        shown += 1
        if shown == 1:
            path = tmp_path / "problem.toml"
            path.write_text(problem.to_toml())
            page = tmp_path / "page.html"
            run = CliRunner().invoke(app, ["report", str(path), "--no-sliders", "-o", str(page)])
            assert run.exit_code == 0, run.output
            assert f"window = {WINDOW}" in page.read_text()
            run = CliRunner().invoke(app, ["solve", str(path)])
            assert f"window = {WINDOW}" in " ".join(run.output.split())
    assert shown > 5
