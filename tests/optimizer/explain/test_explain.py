"""Explanations as values, as text and as JSON."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.optimizer.explain.explain import Explanation, explain
from modelsizer.problems.units import exact, parse_quantity
from modelsizer.text.explain import print_explanation
from modelsizer.text.explain_words import round_to_feasible
from tests.support.infeasible import INFEASIBLE, explained, problem_of


@pytest.mark.slow
def test_kinds_of_conflicts() -> None:
    def promised(name: str) -> set[tuple[str, ...]]:
        return set(explained(name).conflicts)

    assert promised("memory") == {("budgets.parameters", "budgets.serving_memory")}
    assert promised("loss") == {("budgets.training_flops", "budgets.loss")}
    assert promised("tokens x FLOPs") == {
        ("budgets.training_flops", "budgets.parameters", "training.tokens")
    }
    assert promised("latency") == {("budgets.decode_latency",)}
    assert promised("training memory") == {("budgets.training_memory",)}
    (latency,) = explained("latency").with_space
    assert latency.keys == ("budgets.decode_latency", "space.layers.min")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["explain", *arguments])


def test_json_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    answer = run("one-h100-1e24", "--set", "budgets.loss=1.965", "--why", "kv_cache", "--json", "-")
    assert answer.exit_code == 0
    out = json.loads(answer.stdout)
    assert out["feasible"] is False
    assert out["conflicts"] == [["budgets.training_flops", "budgets.loss"]]
    assert [r["key"] for r in out["repairs"]] == ["budgets.loss", "budgets.training_flops"]
    keys = {"key", "limit", "unit", "side", "cost", "set"}
    assert all(keys <= r.keys() for r in out["repairs"])
    assert out["why"] == [
        {"key": "budgets.kv_cache", "helps": False, "repairs": [],
         "remaining": [["budgets.training_flops", "budgets.loss"]]}
    ]  # fmt: skip
    assert 0.9 * out["repairs"][0]["cost"] < out["joint"]["cost"] <= out["repairs"][0]["cost"]
    assert out["alternatives"] == out["far_repairs"] == []


def test_a_feasible_problem_has_nothing_to_explain() -> None:
    answer = run("one-h100-1e24", "--json", "-")
    out = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert out["feasible"] is True
    assert out["conflicts"] == out["repairs"] == out["with_space"] == []
    assert "nothing to explain" in run("one-h100-1e24").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--why", "training_flop"), "did you mean"),
        (("--weight", "serving_memory=0"), "is not a positive number"),
        (("--weight", "space.layer.min=2"), "is no limit"),
        (("--weight", "serving_memory"), "is not key=value"),
    ],
)
def test_wrong_questions_are_told(arguments: tuple[str, ...], words: str) -> None:
    answer = run("one-h100-1e24", *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr


def text_of(found: Explanation) -> str:
    console = Console(width=80, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        print_explanation(console, found)
    return capture.get()


@pytest.mark.parametrize("name", INFEASIBLE)
def test_text_fits_eighty_columns_and_names_every_repair(name: str) -> None:
    found = explained(name)
    text = text_of(found)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for repair in found.repairs:
        assert repair.key.split(".")[1] in text
    assert "conflicts with" in text or "kept by no design" in text


def test_sentences_are_in_the_words_of_the_user() -> None:
    text = " ".join(text_of(explained("latency")).split())
    assert "decode_latency <= 4 ms conflicts with layers >= 24 (batch_size 32 at context" in text
    assert "the fastest such design takes 4.575" in text
    memory = " ".join(text_of(explained("training memory")).split())
    assert "recompute = selective, the best of 4 layouts" in memory
    why = explain(problem_of("latency"), why=["training_time", "decode_latency", "kv_bytes"])
    told = " ".join(text_of(why).split())
    assert "What training_time does It cannot help: without it this conflict is left" in told
    assert "It helps: <= 4 ms must become <= 4.875 ms" in told
    assert "It helps: 2 must become 1" in told


@pytest.mark.parametrize("side", ["max", "min"])
@pytest.mark.parametrize(
    ("value", "unit"),
    [(100_739_732_480, "bytes"), (1.974101191134253, "nats"), (0.00534822558, "seconds"),
     (1552355888280, "tokens"), (10**24 + 1, "FLOPs"), (7.7e6, "dollars"), (40, "count")],
)  # fmt: skip
def test_rounded_values_are_still_enough(value: Any, unit: str, side: str) -> None:
    text = round_to_feasible(value, unit, side)
    read = exact(parse_quantity(text, unit))
    assert read >= exact(value) if side == "max" else read <= exact(value)
    assert abs(read / Fraction(value) - 1) <= Fraction(2, 1000)
