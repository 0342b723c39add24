"""Each picture stands in the registry once, and everything that draws reads it there."""

from __future__ import annotations

import re
import sys

import pytest
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.pictures.registry import PICTURES, draw
from modelsizer.problems.errors import MissingExtraError
from tests.support.shared import ROOT


def test_rows_are_whole_and_their_commands_exist() -> None:
    known = set(COMMANDS)
    for name, picture in PICTURES.items():
        assert picture.name == name
        assert picture.title and picture.caption.endswith(".")
        first = picture.command.split()[0]
        assert first in known or first == "python", name
        if picture.example is not None:
            assert picture.example.command.startswith(f"modelsizer {picture.command} ")
            assert picture.example.command.endswith(f"--plot {name}.png")


def test_every_row_is_drawn_by_something_and_nothing_draws_past_the_registry() -> None:
    text = {
        path: path.read_text()
        for folder in ("modelsizer/commands", "modelsizer/pictures", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    drawn = re.compile(r'(?:draw\(\s*|(?:draw|plot_file)\(\s*\w+,\s*)"(\w+)"')
    called = {name for code in text.values() for name in drawn.findall(code)}
    shown = {name for name, picture in PICTURES.items() if picture.example is not None}
    assert called | shown == set(PICTURES)
    assert called <= set(PICTURES)
    for path, code in text.items():
        if path.parent.name == "commands":
            assert not re.search(r"modelsizer\.plots\.(?!drawing|laws\.fit import PANELS)", code), (
                path
            )


def test_without_matplotlib_a_command_says_so_before_it_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError):
        draw("memory", [])
    answer = CliRunner().invoke(app, ["solve", "one-h100-1e24", "--plot", "x.png"])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "drawing needs matplotlib" in answer.stderr and "Traceback" not in answer.stderr
