"""The command init."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.first_file.questions import QUESTIONS
from modelsizer.problems.reading import schema_file


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["init", *words])


def test_the_file_checks_and_solves_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "mine.toml")
    answer = run(path, "--train", "256 H100 for 30 days", "--serve", "one L40S")
    assert answer.exit_code == 0, answer.output
    assert "Proven the best" in answer.stdout
    assert f"modelsizer prices {path}" in answer.stdout
    for command in ("check", "solve"):
        assert CliRunner().invoke(app, [command, path]).exit_code == 0


def test_help_says_the_defaults() -> None:
    text = " ".join(run("--help").stdout.split())
    for question in QUESTIONS:
        assert f"{question.examples[0]} (the default)" in text.replace("'", "")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("old")
    answer = run(str(path), "--model", "small")
    assert answer.exit_code == 2
    assert "--force" in answer.stderr
    assert path.read_text() == "old"
    assert run(str(path), "--model", "small", "--force").exit_code == 0
    assert Problem.load(path).name.startswith("A small model")


def test_standard_output_holds_the_file_alone() -> None:
    answer = run("-", "--train", "256 H100 for 30 days")
    assert answer.exit_code == 0
    assert Problem.parse(answer.stdout).training.accelerators == 256
    assert schema_file().as_uri() in answer.stdout
    assert "read as H100-SXM" in answer.stderr


def test_what_does_not_fit_is_written_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    answer = run(str(path), "--train", "one H100 for 1 day", "--goal", "parameters at 2.7")
    assert answer.exit_code == 1
    assert "No design keeps every limit" in answer.stdout
    assert "makes it feasible" in answer.stdout
    assert Problem.load(path).budgets.loss is not None


def test_another_goal_takes_a_loss_that_can_be_reached() -> None:
    answer = run("-", "--goal", "serving_memory", "--train", "1e21")
    problem = Problem.parse(answer.stdout)
    assert answer.exit_code == 0
    assert problem.objective.quantity == "serving_memory"
    assert 2 < problem.budgets.loss.max < 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--train", "soon"), "--train: 'soon' is neither"),
        (("--serve", "a phone"), "--serve: unknown accelerator"),
        (("--goal", "serving_cost"), "an hour"),
        (("--goal", "decode_latency", "--serve", "none"), "serving.accelerator"),
        (("--users", "4096\n5"), "--users"),
    ],
)
def test_wrong_answers_are_refused_in_words(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    answer = run(str(path), *words)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not path.exists()


def test_a_schema_beside_the_file_goes_first(tmp_path: Path) -> None:
    (tmp_path / "problem.schema.json").write_text("{}")
    path = tmp_path / "mine.toml"
    assert run(str(path), "--model", "small").exit_code == 0
    assert path.read_text().startswith("#:schema ./problem.schema.json\n")


def test_a_terminal_is_asked_until_there_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from modelsizer.commands.init import init

    said = iter(["dense", "soon", "1e21 FLOPs", "4096 tokens", "loss"])
    asked = []

    def prompt(_: str, default: str, **__: Any) -> str:
        asked.append(default)
        return next(said)

    monkeypatch.setattr(typer, "prompt", prompt)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    path = tmp_path / "mine.toml"
    with pytest.raises(typer.Exit) as ended:
        init(str(path), serve="none")
    assert ended.value.exit_code == 0
    shown = capsys.readouterr().err.splitlines()
    (refused,) = (line for line in shown if "neither accelerators and a time" in line)
    assert max(len(line) for line in shown if line != refused) <= 60
    assert len(asked) == 5
    assert Problem.load(path).budgets.training_flops.max == 10**21
