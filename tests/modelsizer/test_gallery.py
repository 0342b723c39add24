"""The gallery of the documentation is what the code draws."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.gallery import PICTURES, draw_gallery, page
from tests.support.figure_checks import check
from tests.support.shared import ROOT

FOLDER = ROOT / "docs" / "gallery"


def test_the_page_is_that_of_the_code() -> None:
    assert (FOLDER / "gallery.md").read_text() == page()
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_reads_in_a_column(name: str) -> None:
    check(PICTURES[name].draw("column"))


@pytest.mark.parametrize("name", ["allocation", "memory"])
def test_the_command_shown_draws_the_picture(name: str, tmp_path: Path) -> None:
    (drawn,) = draw_gallery(tmp_path, only=[name])
    words = shlex.split(PICTURES[name].command)
    assert words[0] == "modelsizer"
    path = tmp_path / "by_command.png"
    answer = CliRunner().invoke(app, [*words[1:-1], str(path)])
    assert answer.exit_code == 0, answer.stderr
    assert path.read_bytes() == drawn.read_bytes()


def test_bad_input(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["gallery", str(tmp_path), "--only", "dept"])
    assert answer.exit_code == 2
    assert "did you mean depth" in answer.stderr
    (tmp_path / "file").touch()
    assert CliRunner().invoke(app, ["gallery", str(tmp_path / "file")]).exit_code == 2
