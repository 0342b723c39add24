"""The list of commands, none of which is imported until it is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from modelsizer.cli import COMMANDS, app

GROUP: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_has_the_first_sentence_of_each_command(name: str) -> None:
    assert GROUP.commands[name].get_short_help_str(1000) == COMMANDS[name].does
    assert GROUP.commands[name].name == name


def test_help_and_a_wrong_name_import_no_command() -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from modelsizer.cli import app\n"
        "said = [CliRunner().invoke(app, [word]) for word in ('--help', 'sovle')]\n"
        "print(*sys.modules)\n"
        "assert 'Find the best design' in said[0].stdout, said\n"
        'assert "did you mean solve?" in said[1].stderr, said\n'
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not answer.returncode, answer.stderr
    loaded = set(answer.stdout.split())
    assert not loaded & {f"modelsizer.commands.{name.replace('-', '_')}" for name in COMMANDS}
