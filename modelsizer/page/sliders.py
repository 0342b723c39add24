"""Section of the page with sliders over the main limits."""

from __future__ import annotations

from modelsizer.live.grid import Grid, grid
from modelsizer.live.sliders import sliders_data
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.page.scripts import json_element
from modelsizer.page.tags import Html, join, tag
from modelsizer.problems.records import dataclass
from modelsizer.text.command_line import CommandLine
from modelsizer.text.kit.words import STOPS, joined

NAME, HEADING = "sliders", "Other limits"
_LEAST = 0.5
"""Share of the points that must be proven: below it a slider would mostly meet gaps."""


@dataclass(frozen=True, slots=True)
class Sliders:
    """The sliders of a page.

    Parameters
    ----------
    section : tuple of (name, heading, content) or None
        None where no limit moves the answer.
    moves : bool
        Whether it holds sliders, and not only why there are none.
    whole : bool
        Whether no limit of time left something out.
    """

    section: tuple[str, str, Html] | None
    moves: bool = False
    whole: bool = True


NONE = Sliders(None)


def sliders_of(result: Result, command_line: CommandLine, clock: Clock) -> Sliders:
    """The sliders of an answer.

    Parameters
    ----------
    result : Result
    command_line : CommandLine
    clock : Clock
    """
    ending = Ending()
    found: Grid | None = None
    with ending:
        found = grid(result, clock)
    stop = ending.stop if found is None else found.stop
    if found is None and ending.complete:
        return NONE
    if found is None or len(found.points) < _LEAST * found.size or not found.axes:
        why = "its answers take too long to prove" if stop == "proven" else STOPS[stop]
        said = (f"No sliders: {why}. ", tag("code", "modelsizer serve"), " answers for any limits.")
        content = tag("p", *said, class_="quiet")
        return Sliders((NAME, HEADING, content), whole=stop == "proven")
    missing = "" if found.complete else f"Not proven: {STOPS[stop]} while this page was made."
    data = json_element("sliders-data", sliders_data(found, command_line.with_settings, missing))
    parts = [tag("p", *_words(found)), tag("div", _without_scripts(), id="sliders-desk"), data]
    return Sliders((NAME, HEADING, join(parts, "\n")), moves=True, whole=found.complete)


def _words(found: Grid) -> list[str]:
    """What the sliders hold."""
    names = joined([axis.control.label.partition(",")[0] for axis in found.axes])
    count, of = f"{len(found.points):,}", "" if found.complete else f" of {found.size:,}"
    left = "" if found.complete else f" The others were not: {STOPS[found.stop]}."
    return [
        f"The answer at other values of {names}; all else is as in the file. {count}{of} "
        "answers were proven when this page was made, and are what ",
        tag("code", "modelsizer solve"),
        f" gives.{left}",
    ]


def _without_scripts() -> Html:
    return tag("noscript", tag("p", "The sliders need JavaScript; the rest of this page does not."))
