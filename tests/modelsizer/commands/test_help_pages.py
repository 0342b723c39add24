"""The help of every command: nothing left out, in groups, plain, with an example that parses."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.commands.group import GROUPS
from modelsizer.commands.help_pages import SECTIONS, options_in_groups

GROUP: Any = typer.main.get_command(app)


def context(name: str, arguments: list[str] | None = None) -> Any:
    command = GROUP.commands[name]
    return command.make_context(name, arguments or [], resilient_parsing=arguments is None)


@pytest.fixture(autouse=True)
def of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_list_has_each_command_once_in_a_line_of_its_group() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert {row.group for row in COMMANDS.values()} == set(GROUPS)
    for group, purpose in GROUPS.items():
        part = text.partition(f"\n{group} {purpose}:\n")[2].partition("\n\n")[0]
        rows = {name: row.does for name, row in COMMANDS.items() if row.group == group}
        wanted = [f"{name:14}{does}" for name, does in rows.items()]
        assert [line.strip() for line in part.splitlines()] == wanted
    for row in COMMANDS.values():
        assert row.does[0].isupper() and row.does.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_every_option_and_plain_words(name: str) -> None:
    text = CliRunner().invoke(app, [name, "--help"]).stdout
    assert not re.search(r"<\w+( range)?>|<=x|x>=", text)
    assert max(map(len, text.splitlines())) <= 80
    made = context(name)
    options = [p for p in made.command.get_params(made) if p.param_type_name == "option"]
    for parameter in options:
        assert parameter.hidden or re.search(rf"^  .*{parameter.opts[-1]}\b", text, re.M)
    grouped = options_in_groups(options)
    assert sum(map(len, grouped.values())) == sum(not p.hidden for p in options)
    assert text.rstrip().splitlines()[-2] == "Example:"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_is_a_command_line_of_the_command(name: str) -> None:
    assert context(name, shlex.split(COMMANDS[name].example)).params


def test_every_shared_option_is_one_of_some_command() -> None:
    known = {
        option
        for name in COMMANDS
        for parameter in GROUP.commands[name].get_params(context(name))
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {o for own in SECTIONS.values() for o in own} - known <= {"--no-title"}
