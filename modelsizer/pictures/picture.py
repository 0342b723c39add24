"""Rows of the registry of figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.fronts.run import ENUMERATED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.result import Result
    from modelsizer.problems.problem import Problem


class NothingToDrawError(Exception):
    """Raised if there is nothing to draw; the report shows the reason."""


def _same(answer: Any) -> Any:
    return answer


@dataclass(frozen=True, slots=True)
class Example:
    """A figure as shown in the gallery.

    Parameters
    ----------
    command : str
        The command line that draws it.
    answer : callable
        Returns the answer of that command, and the title of the figure.
    note : str
        Description of the example, appended to the caption.
    """

    command: str
    answer: Callable[[], tuple[Any, str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Parameters
    ----------
    name : str
        Unique name; also the stem of its file in the gallery.
    title, caption : str
        Its title, and what it shows.
    command : str
        The command that draws it with ``--plot``.
    figure : callable
        From data, a title and a size of `modelsizer.plots.drawing.style.SIZES` to the figure.
    data : callable
        From the answer of the command to the data of the figure; by default the answer itself.
    example : Example, optional
        The example in the gallery.
    report : callable, optional
        From a result and a time limit in seconds to an answer and a note on it, for the report;
        raises `NothingToDrawError` or ValueError if there is none.
    of_infeasible : bool
        Whether it is in the report of an infeasible problem.
    """

    name: str
    title: str
    caption: str
    command: str
    figure: Callable[[Any, str, str], Figure]
    data: Callable[[Any], Any] = _same
    example: Example | None = None
    report: Callable[[Result, float | None], tuple[Any, str]] | None = None
    of_infeasible: bool = False


def too_many(problem: Problem) -> str:
    """Return why a problem's designs are not enumerated; empty if they are."""
    pairs = problem.counted.pairs
    if pairs <= ENUMERATED:
        return ""
    return f"the space has {pairs:,} designs, and those of more than {ENUMERATED:,} are not listed"


def check_listed(problem: Problem) -> None:
    """Raise `NothingToDrawError` if there are too many designs to enumerate."""
    if reason := too_many(problem):
        raise NothingToDrawError(reason)
