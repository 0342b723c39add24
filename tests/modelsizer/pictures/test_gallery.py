"""The gallery of the documentation is what the code draws."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.pictures.gallery import SHOWN, draw_gallery, page
from modelsizer.pictures.registry import PICTURES, draw
from tests.support.covered import covered
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.shared import ROOT

FOLDER = ROOT / "docs" / "gallery"


def test_the_page_is_that_of_the_code() -> None:
    assert (FOLDER / "gallery.md").read_text() == page()
    assert {path.stem for path in FOLDER.glob("*.png")} == set(SHOWN)


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_every_picture_reads(name: str, size: str) -> None:
    example = PICTURES[name].example
    assert example is not None
    answer, title = example.answer()
    figure = draw(name, answer, title=title, size=size)
    check(figure)
    assert not covered(figure)


SLOW = {"laws", "depth", "devices", "kinds", "experts", "three", "frontier", "roofline", "shapes", "memory",
        "landscape", "stack", "sweep", "users", "front", "audit", "allocation"}  # fmt: skip
"""Answered and drawn twice for it; each is drawn once in the default test above."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in SHOWN]
)
def test_the_command_shown_draws_the_picture(name: str, tmp_path: Path) -> None:
    (drawn,) = draw_gallery(tmp_path, only=[name])
    example = PICTURES[name].example
    assert example is not None
    words = shlex.split(example.command)
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
