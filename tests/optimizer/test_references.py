"""Questions to a problem whose limits are those of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, explain, prices, solve, sweep, whatif
from modelsizer.cli import app
from modelsizer.optimizer.constraints import constraints, dropped, moved

OURS = "as llama-3-8b at 15T tokens"
PROBLEM = Problem.from_tables(
    {
        "name": "as Llama 3 8B",
        "space": {
            "layers": [28, 32, 36], "d_model": [3584, 4096, 4608], "head_dim": 128,
            "kv_heads": [4, 8], "d_ff": [12288, 14336], "vocab_size": 128256,
        },
        "budgets": {
            "loss": OURS,
            "training_flops": "as llama-3-8b",
            "kv_bytes_per_token": {"max": "as llama-3-8b"},
        },
        "objective": {"minimize": "parameters"},
    }
)  # fmt: skip


def run(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert found.exit_code in (0, 1), found.output
    return found.output


def test_rows_of_an_answer_name_the_model_and_read_back(tmp_path: Path) -> None:
    found = solve(PROBLEM)
    rows = {row["name"]: row for row in found.to_dict()["budgets"]}
    assert {name: row.get("reference") for name, row in rows.items()} == {
        "loss": OURS,
        "training_flops": "as llama-3-8b",
        "kv_bytes_per_token": "as llama-3-8b",
    }
    assert rows["loss"]["limit"] == PROBLEM.budgets.loss.max  # type: ignore[union-attr]
    (tmp_path / "answer.json").write_text(json.dumps(found.to_dict()))
    assert "agrees" in run("verify", str(tmp_path / "answer.json"))
    assert "reference" not in solve(Problem.load("phone-2gb")).to_dict()["budgets"][0]
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM.to_toml())
    shown = " ".join(run("solve", str(path)).split())
    assert "loss 2.0" in shown
    assert OURS in shown


@pytest.mark.slow
def test_the_page_names_the_model(tmp_path: Path) -> None:
    path, page = tmp_path / "problem.toml", tmp_path / "report.html"
    path.write_text(PROBLEM.to_toml())
    assert run("report", str(path), "--no-sliders", "-o", str(page))
    assert f">{OURS}<" in page.read_text()


def test_a_moved_limit_is_a_number_and_the_others_keep_their_models() -> None:
    loss = next(c for c in constraints(PROBLEM) if c.quantity == "loss")
    assert loss.reference == OURS
    harder = moved(PROBLEM, loss.at(1.9)).to_dict()["budgets"]
    assert harder["loss"] == {"max": 1.9}
    assert harder["training_flops"] == {"max": "as llama-3-8b"}
    assert "loss" not in dropped(PROBLEM, loss).to_dict()["budgets"]


def test_repairs_name_the_model_and_make_it_feasible() -> None:
    hard = PROBLEM.with_settings({"budgets.loss": "as llama-3-70b"})
    found = explain(hard)
    assert found.feasible is False
    (repair,) = [each for each in found.repairs if each.key == "budgets.loss"]
    assert repair.to_dict()["reference"] == "as llama-3-70b"
    assert solve(hard.with_settings(repair.made)).status == "optimal"
    freer = hard.with_settings({"budgets.loss": OURS, "budgets.kv_bytes_per_token": "1 kB"})
    assert all(not r.reference for r in explain(freer).repairs if "kv_bytes" in r.key)


def test_prices_sweeps_and_scenarios_take_references() -> None:
    price = prices(PROBLEM, budgets=["loss"]).row("loss")
    assert price.to_dict()["reference"] == OURS
    today = PROBLEM.budgets.loss
    assert today is not None
    assert price.constraint.limit == today.max
    axis: dict[str, Any] = {"budgets.loss": [OURS, "as llama-3-8b at 5T"]}
    rows = sweep(PROBLEM, axis).rows
    assert [row["budgets.loss"] for row in rows] == axis["budgets.loss"]
    assert rows[0]["parameters"] > rows[1]["parameters"]
    found = whatif(PROBLEM, {"longer": {"serving.context_length": 131072}, "high": {
        "objective.ablations": "high"}})  # fmt: skip
    limits = {a.scenario.name: a.result.problem.budgets.loss.max for a in found.answers}
    assert limits["base"] == limits["longer"] < limits["high"]
