"""The command problems: a problem of the library is shown, and copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.problems.reading import library, schema_file


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["problems", *words])


def test_a_problem_is_shown() -> None:
    assert run("phone-2gb").stdout == library()["phone-2gb"].read_text("utf-8")
    assert json.loads(run("phone-2gb", "--json", "-").stdout)["problem"]["space"]["head_dim"] == 64


def test_a_copy_is_the_problem_with_a_line_for_editors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run("phone-2gb", "--copy")
    assert "modelsizer solve phone-2gb.toml" in answer.stdout
    first, rest = (tmp_path / "phone-2gb.toml").read_text("utf-8").split("\n", 1)
    assert first == f"#:schema {schema_file().as_uri()}"
    assert rest == library()["phone-2gb"].read_text("utf-8")
    assert Problem.load("phone-2gb.toml") == Problem.load(library()["phone-2gb"])


def test_a_copy_goes_where_it_is_asked_for_and_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert run("phone-2gb", "--copy", str(path)).exit_code == 0
    path.write_text("mine")
    again = run("phone-2gb", "--copy", str(path))
    assert (again.exit_code, path.read_text()) == (2, "mine")
    assert "--force" in again.stderr
    assert run("phone-2gb", "--copy", str(path), "--force").exit_code == 0
    assert Problem.load(path) == Problem.load("phone-2gb")


def test_a_copy_may_go_to_standard_output() -> None:
    assert Problem.parse(run("phone-2gb", "--copy", "-").stdout) == Problem.load("phone-2gb")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("phone-2g",), "did you mean phone-2gb?"),
        (("--copy",), "say which problem"),
        (("phone-2gb", "mine.toml"), "--copy writes it"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str) -> None:
    answer = run(*words)
    assert answer.exit_code == 2
    assert said in answer.stderr
