"""The command verify: exit status, text, JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from tests.support.tampering import answer_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer_of("phone-2gb")), "utf-8")
    return path


def edit(path: Path, key: str, value: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")


def test_an_answer_that_solve_wrote_agrees(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    CliRunner().invoke(app, ["solve", "phone-2gb", "--json", str(path)])
    told = CliRunner().invoke(app, ["verify", str(path)])
    assert told.exit_code == 0, told.output
    assert "agrees" in told.stdout and "as the answer says" in told.stdout


def test_standard_input_is_read(path: Path) -> None:
    told = CliRunner().invoke(app, ["verify", "-", "--json", "-"], input=path.read_text("utf-8"))
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    assert found["agrees"] is True and found["differences"] == []


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_an_edited_figure_is_named(path: Path, quick: list[str]) -> None:
    edit(path, "tokens", 1e12)
    told = CliRunner().invoke(app, ["verify", str(path), *quick], env={"COLUMNS": "80"})
    assert told.exit_code == 3
    assert "- tokens: 1000000000000.0 in the answer" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_a_failed_proof_is_said(path: Path) -> None:
    told = CliRunner().invoke(app, ["verify", str(path), "--time-limit", "0"])
    assert told.exit_code == 3
    assert "not verified" in told.stdout and "not proven again" in told.stdout


def test_what_holds_no_answer_is_named(tmp_path: Path) -> None:
    (other := tmp_path / "config.json").write_text("{}")
    told = CliRunner().invoke(app, ["verify", str(other)])
    assert told.exit_code == 2
    assert told.stderr.startswith(f"error: {other}: no answer of solve or whatif")


@pytest.mark.parametrize(
    "arguments",
    [["nowhere.json"], ["{path}", "--solver", "none"], ["{path}", "--time-limit", "-1"],
     ["{path}", "--problem", "phone-2gb"]],
)  # fmt: skip
def test_bad_input_is_one_line(path: Path, arguments: list[str]) -> None:
    told = CliRunner().invoke(app, ["verify", *(a.format(path=path) for a in arguments)])
    assert told.exit_code == 2
    assert told.stderr.startswith("error: ") and len(told.stderr.splitlines()) == 1
