"""The command layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.architecture.models import models


def run(*words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["layers", *words], env={"COLUMNS": "80"})
    return answer.exit_code, answer.stdout, answer.stderr


def in_json(*words: str) -> dict[str, Any]:
    status, out, said = run(*words, "--json", "-")
    assert status == 0, said
    found: dict[str, Any] = json.loads(out)
    return found


def test_it_stands_beside_the_nearest_or_those_asked_for() -> None:
    found = in_json("qwen3-30b-a3b", "--set", "serving.context_length=32768")
    assert found["context_length"] == 32768 and len(found["models"]) == 5
    first = found["models"][0]
    assert first["order"] == [{"mixer": "full", "ffn": "experts"}] * 48
    assert first["parameters"] == models()["qwen3-30b-a3b"].parameters.total
    assert first["active_parameters"] == models()["qwen3-30b-a3b"].parameters.active
    found = in_json("qwen3-30b-a3b", "--beside", "gemma-3-27b", "--beside", "nemotron-h-8b")
    assert [m["name"] for m in found["models"][1:]] == ["gemma-3-27b", "nemotron-h-8b"]
    assert {layer["mixer"] for layer in found["models"][2]["order"]} == {"mamba", "full", None}


def test_the_report_names_pattern_and_costs() -> None:
    status, text, _ = run("gemma-3-27b", "--beside", "gpt-oss-20b")
    assert status == 0
    assert "10 x (5 window, 1 full), 2 window" in text and "62 dense" in text
    assert "12 x (1 window" in text
    assert max(map(len, text.splitlines())) <= 80


def test_of_a_problem_and_of_its_answer(tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    solved = CliRunner().invoke(app, ["solve", "phone-2gb", "--json", str(answer)])
    assert solved.exit_code == 0
    one, other = in_json("phone-2gb"), in_json(str(answer), "--problem", "phone-2gb")
    assert one["models"][0]["serving_memory"] == other["models"][0]["serving_memory"]
    assert one["models"][0]["name"] == "optimum"
    memory = sum(one["models"][0]["serving_memory"].values())
    assert memory == json.loads(answer.read_text())["quantities"]["serving_memory"]


def test_bad_input() -> None:
    status, _, said = run("gemma-3-27b", "--picture", "stak")
    assert status == 2 and "'stak'" in said and "stack, kinds, experts" in said
    status, _, said = run("qwen3-30b-a3b", "--picture", "experts", "--plot", "x.png")
    assert status == 2 and "--problem or training.tokens" in said
    status, _, said = run("gemma-3-27b", "--problem", "exercise-1e24", "--picture", "experts",
                          "--plot", "x.png")  # fmt: skip
    assert status == 2 and "no experts" in said
