"""The question in a report: the problem, and the command lines that ask it again."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from modelsizer.optimizer.result import Result
from modelsizer.page.tags import Html, block, join, pairs, tag
from modelsizer.problems.records import dataclass
from modelsizer.problems.version import __version__
from modelsizer.text.problem_toml import problem_toml

_PACKAGES = ("numpy", "scipy", "pulp")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line that a report was requested with.

    Parameters
    ----------
    source : str
        The problem's path, or its name in the library.
    settings, without : tuple of str
        ``key=value`` overrides, and keys left out.
    solver : str
    time_limit : float or None
        Seconds.
    date : str
        ISO 8601; empty for none, so that the page does not depend on the day.
    corners : bool
        Whether the corners of the problem are asked for.
    quick : bool
        Leave out what is as good within the error of the law.
    sliders : bool
        Whether the page has sliders over the main limits.
    """

    source: str
    settings: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    solver: str = "auto"
    time_limit: float | None = None
    date: str = ""
    corners: bool = False
    quick: bool = False
    sliders: bool = True

    def command(self, verb: str) -> str:
        """Return the command that reproduces the report or the answer."""
        words = ["modelsizer", verb, self.source]
        words += [part for text in self.settings for part in ("--set", text)]
        words += [part for key in self.without for part in ("--without", key)]
        words += ["--solver", self.solver] if self.solver != "auto" else []
        words += [] if self.time_limit is None else ["--time-limit", f"{self.time_limit:g}"]
        words += ["--corners"] if self.corners else []
        words += ["--quick"] if self.quick else []
        words += ["--no-sliders"] if verb == "report" and not self.sliders else []
        words += ["--date", self.date] if verb == "report" and self.date else []
        return shlex.join(words)

    def with_settings(self, pairs: Sequence[str]) -> str:
        """Return the command that answers with other settings, in place of those of their keys."""
        keys = {pair.partition("=")[0] for pair in pairs}
        kept = [text for text in self.settings if text.partition("=")[0].strip() not in keys]
        asked = replace(self, settings=(*kept, *pairs), time_limit=None, quick=False)
        return replace(asked, corners=False).command("solve")


FROM_A_FILE = CommandLine("problem.toml")


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
