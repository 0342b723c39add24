"""`--no-title` leaves the heading of a picture out, of every command that draws one."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app

DRAWING = [
    name
    for name in COMMANDS
    for module in [import_module(f"modelsizer.commands.{name.replace('-', '_')}")]
    if "plot" in inspect.signature(getattr(module, name.replace("-", "_"))).parameters
]


def test_every_command_that_draws_has_the_option() -> None:
    group = typer.main.get_command(app)
    assert len(DRAWING) > 15
    for name in COMMANDS:
        options = {
            option
            for parameter in group.commands[name].params  # type: ignore[attr-defined]
            for option in parameter.opts
        }
        assert ("--no-title" in options) == (name in DRAWING), name


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["laws", "besiroglu-2024"], "besiroglu-2024"),
        (["allocate", "gpt2"], "gpt2: 12 layers"),
        (["memory", "gpt2", "--devices", "L4,H100-SXM"], "gpt2 on each accelerator"),
        (["roofline", "gpt2", "--set", "serving.accelerator=L4"], ""),
    ],
)
def test_the_heading_alone_is_left_out(words: list[str], title: str, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    drawn = []
    for more in ([], ["--no-title"], []):
        answer = CliRunner().invoke(app, [*words, "--plot", str(path), *more])
        assert answer.exit_code == 0, answer.stderr
        drawn.append(path.read_text())
    assert title in drawn[0] and drawn[2] == drawn[0]
    if title:
        assert title not in drawn[1]
        assert drawn[1].count("<text") < drawn[0].count("<text")
