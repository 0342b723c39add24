"""The question in a report: the problem, and the command lines that ask it again."""

from __future__ import annotations

import platform
from importlib.metadata import version

from modelsizer.optimizer.result import Result
from modelsizer.page.tags import Html, block, join, pairs, tag
from modelsizer.problems.version import __version__
from modelsizer.text.command_line import CommandLine
from modelsizer.text.problem_toml import problem_toml

_PACKAGES = ("numpy", "scipy", "pulp")


def problem_section(result: Result, command_line: CommandLine) -> Html:
    """Where the problem and its laws are from, and its tables."""
    problem = result.problem
    rows: list[tuple[str, str]] = [("from", command_line.source)]
    rows += [("set over it", text) for text in command_line.settings]
    rows += [("left out of it", key) for key in command_line.without]
    for what, law in (("loss law", problem.law), ("shape law", problem.shape)):
        rows.append((what, f"{law.name}: {law.source}" if law.source else law.name))
    text = (
        "With what was set and left out:"
        if command_line.settings or command_line.without
        else "Its tables:"
    )
    return join([pairs(rows), tag("p", text), block(problem_toml(problem))], "\n")


def reproduce_section(command_line: CommandLine) -> Html:
    """The commands that give the page and the answer again, and what they were made with."""
    same = "modelsizer solve problem.toml"
    made_with = [("modelsizer", __version__), ("Python", platform.python_version())]
    made_with += [(name, version(name)) for name in _PACKAGES]
    return join(
        [
            tag("p", "This page, and the answer alone:"),
            *(block(command_line.command(verb)) for verb in ("report", "solve")),
            tag("p", "Or save the tables above as problem.toml, and"),
            block(same),
            tag("h3", "Made with"),
            pairs(made_with),
        ],
        "\n",
    )
