"""Command lines that give an answer or a report again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a command line about a problem asks for.

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
