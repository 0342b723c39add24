"""Totals by transformers: asked for, labelled, and the same as here where both count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import ModelsizerError, count_by_transformers, describe, load_architecture
from modelsizer.cli import app
from modelsizer.problems.architecture.checkpoints import by_transformers
from modelsizer.problems.architecture.checkpoints.by_transformers import LibraryCount
from modelsizer.problems.architecture.checkpoints.separate import SeparateError, run_separate

UNKNOWN = {"model_type": "brandnew", "hidden_size": 64}
ANSWER = {"total": 1000, "active": 600, "class": "BrandNewForCausalLM", "version": "5.99"}


@pytest.fixture
def unknown(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(UNKNOWN))
    return str(path)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """A library that answers; what it was asked."""
    asked: list[Mapping[str, Any]] = []

    def answer(program: str, given: Mapping[str, Any], *_: object) -> dict[str, Any]:
        asked.append(given)
        if given["model_type"] == "slow":
            raise SeparateError("took more than 300 s")
        if given["model_type"] == "bad":
            return {"error": "it has no model_type 'bad' either", "version": "5.99"}
        return ANSWER | ({"active": None} if given["model_type"] == "odd" else {})

    monkeypatch.setattr(by_transformers, "missing", lambda: None)
    monkeypatch.setattr(by_transformers, "run_separate", answer)
    return asked


def test_it_is_offered_and_never_silent(unknown: str, installed: list[Mapping[str, Any]]) -> None:
    answer = CliRunner().invoke(app, ["describe", unknown])
    assert answer.exit_code == 2 and not answer.stdout
    assert "unknown model_type 'brandnew'" in answer.stderr
    assert "`modelsizer describe --with-transformers` counts its total" in answer.stderr
    assert installed == []


def test_totals_only(unknown: str, installed: list[Mapping[str, Any]]) -> None:
    args = ["describe", unknown, "--with-transformers"]
    shown = CliRunner().invoke(app, args).stdout
    assert "1,000" in shown and "600" in shown
    assert "BrandNewForCausalLM of transformers 5.99; totals only, no costs" in " ".join(
        shown.split()
    )
    found = json.loads(CliRunner().invoke(app, [*args, "--json", "-"]).stdout)
    assert found == {
        "architecture": None,
        "parameters": {"total": 1000, "active": 600},
        "counted_by": {
            "library": "transformers", "version": "5.99", "class": "BrandNewForCausalLM",
        },
    }  # fmt: skip
    assert count_by_transformers(unknown) == LibraryCount(1000, 600, ANSWER["class"], "5.99")
    assert installed == [UNKNOWN] * 3
    answer = CliRunner().invoke(app, [*args, "--set", "serving.batch_size=2"])
    assert answer.exit_code == 2 and "no costs under settings" in answer.stderr


def test_what_is_read_here_is_counted_here(installed: list[Mapping[str, Any]]) -> None:
    answer = CliRunner().invoke(app, ["describe", "gpt2", "--with-transformers"])
    assert answer.exit_code == 0 and "forward pass" in answer.stdout
    assert installed == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bad", r"transformers 5\.99 does not count it: .* no model_type"),
        ("slow", "more than 300 s"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_refusals(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": kind}))
    with pytest.raises(ModelsizerError, match=rf"^{path}: .*{words}"):
        count_by_transformers(str(path))


def test_without_the_library(unknown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_transformers, "missing", lambda: "transformers")
    with pytest.raises(ModelsizerError, match="brandnew'") as found:
        load_architecture(unknown)
    assert "--with-transformers" not in str(found.value)  # no offer
    with pytest.raises(ModelsizerError, match=r"pip install 'modelsizer\[transformers\]'"):
        count_by_transformers(unknown)


def test_an_answer_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"architecture": {}}))
    with pytest.raises(ModelsizerError, match="is an answer, not a configuration"):
        count_by_transformers(str(path))


def test_a_program_that_fails_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SeparateError, match=r"failed: .*nothing"):
        run_separate("nothing.py", {}, 20, {})


@pytest.mark.reference
@pytest.mark.parametrize("name", ["llama-3.2-1b", "qwen3-30b-a3b", "gpt-oss-20b", "mixtral-8x7b"])
def test_against_the_library(tmp_path: Path, name: str) -> None:
    pytest.importorskip("transformers")
    path = tmp_path / "config.json"
    answer = CliRunner().invoke(app, ["export", name, "-o", str(path)])
    assert answer.exit_code == 0, answer.output
    known = describe(load_architecture(name)).parameters
    found = count_by_transformers(str(path))
    assert (found.total, found.active) == (known.total, known.active)
