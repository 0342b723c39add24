"""How to train a design: laws against their papers, published models and their own runs."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.hyperparameters import hyperparameters, suggested
from modelsizer.problems.laws.hyperparameters import UNITS, hyperparameter_laws
from tests.support.shared import reference

LAWS = {law.name: law for law in hyperparameter_laws()}


def by_law(model: str, tokens: float) -> dict[tuple[str, str], float]:
    found = suggested(load_architecture(model, lambda _: None), tokens, 4096)
    return {(each.law, each.name): each.value for each in found}


@pytest.mark.parametrize(
    ("model", "batch", "rate", "off"),
    [
        # 2401.02954, table 2: 4,096 tokens a sequence, trained by their own law.
        ("deepseek-llm-7b", 2304 * 4096, 4.2e-4, 0.03),
        ("deepseek-llm-67b", 4608 * 4096, 3.2e-4, 0.10),
    ],
)
def test_deepseek_trained_by_its_law(model: str, batch: float, rate: float, off: float) -> None:
    found = by_law(model, 2e12)
    assert found["deepseek-2024", "batch_size"] == pytest.approx(batch, rel=off)
    assert found["deepseek-2024", "learning_rate"] == pytest.approx(rate, rel=off)


@pytest.mark.parametrize(
    ("active", "batch", "rate"),
    [(51e9, 18144 * 4096, 1.86e-4), (6.1e9, 8352 * 4096, 2.61e-4)],  # 2510.22115, table 1
)
def test_ling_trained_by_its_law(active: float, batch: float, rate: float) -> None:
    powers, scale = LAWS["ling-2025"].powers, {"C": 6 * active * 20e12}
    assert powers["batch_size"].at(scale) == pytest.approx(batch, rel=0.05)
    assert powers["learning_rate"].at(scale) == pytest.approx(rate, rel=0.05)


@pytest.mark.parametrize(
    ("table", "count"), [("steplaw2025_dense_best", 17), ("steplaw2025_moe_best", 16)]
)
def test_step_law_is_near_its_best_runs(table: str, count: int) -> None:
    law = LAWS["steplaw-2025"]
    with reference(f"modern/{table}.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        scale = {"N": float(row["N"]), "D": float(row["D"])}
        rate = float(row["lr"]) / law.powers["learning_rate"].at(scale)
        batch = float(row["bs"]) * 2048 / law.powers["batch_size"].at(scale)
        assert 1 / 2.5 < rate < 2.5
        assert 1 / 2.3 < batch < 2.3
        assert not law.outside(scale)
    assert len(rows) == count


def test_an_answer_has_a_suggestion_of_each_law_for_its_kind_of_design() -> None:
    for name, mixture in (("one-h100-1e24", False), ("mixture-30b-a3b", True)):
        answer = solve(Problem.load(name)).to_dict()["hyperparameters"]
        own = "ling-2025" if mixture else "deepseek-2024"
        assert [each["law"] for each in answer] == [own, own, "steplaw-2025", "steplaw-2025"]
        for each in answer:
            assert each["low"] <= each["value"] <= each["high"]
            assert each["unit"] == UNITS[each["name"]]
            assert each["within"] is (not each["outside"])
            assert not each["within"]
            assert "arXiv" in each["source"]


def test_a_law_within_its_fit_comes_first() -> None:
    architecture = load_architecture("smollm2-360m", lambda _: None)
    found = suggested(architecture, 3e10, 2048)
    assert (found[0].law, found[0].within) == ("steplaw-2025", True)
    n, d = 314_635_200, 3e10
    assert found[1].value == pytest.approx(1.79 * n**-0.713 * d**0.307, rel=1e-9)
    assert found[0].value == pytest.approx(0.58 * d**0.571, rel=1e-12)
    assert [each.outside for each in found[2:]] == [("above 2e19 FLOPs",)] * 2
    small = suggested(architecture, 1e6, 2048)
    assert {each.law: each.outside for each in small} == {
        "steplaw-2025": ("below 2B tokens",),
        "deepseek-2024": ("below 1e17 FLOPs",),
    }


def test_endless_tokens_and_no_design_have_none() -> None:
    problem = Problem.load("phone-2gb")
    design = evaluate(problem, load_architecture("smollm2-360m", lambda _: None))
    assert not hyperparameters(problem, replace(design, tokens=math.inf))
    impossible = problem.with_settings({"budgets.parameters": 1e5})
    assert solve(impossible).to_dict()["hyperparameters"] == []
