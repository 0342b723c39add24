"""Rows of the registry of figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.fronts.run import ENUMERATED
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.problem import Problem


class NothingToDrawError(Exception):
    """Raised if there is nothing to draw; the report shows the reason."""


def _same(answer: Any, _clock: Clock) -> Any:
    return answer


def is_partial(*parts: object) -> bool:
    """Whether an answer, its data or one of several parts of either was stopped by a limit."""
    flat = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
    return any(
        getattr(one, "complete", True) is False or getattr(one, "status", "") == "limit"
        for one in flat
    )


def titled(title: str, *, partial: bool) -> str:
    """Return the title of a figure, which says so if it is of a partial answer."""
    if not partial:
        return title
    return f"{title} (partial: stopped by a limit)" if title else "Partial: stopped by a limit"


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
        From data, and by keyword a title, a size of `modelsizer.plots.drawing.style.SIZES` and axes
        to draw into, to the figure.
    data : callable
        From the answer of the command and the clock of its computation to the data of the figure,
        which has an attribute ``complete`` that is False if the clock stopped it; by default the
        answer itself.
    example : Example, optional
        The example in the gallery.
    report : callable, optional
        From a result and the clock of its computation to an answer and a note on it, for the
        report; raises `NothingToDrawError` or ValueError if there is none.
    of_infeasible : bool
        Whether it is in the report of an infeasible problem.
    """

    name: str
    title: str
    caption: str
    command: str
    figure: Callable[..., Figure]
    data: Callable[[Any, Clock], Any] = _same
    example: Example | None = None
    report: Callable[[Result, Clock], tuple[Any, str]] | None = None
    of_infeasible: bool = False


def drawn_by(name: str) -> Callable[..., Figure]:
    """Return the figure function of a name, of `modelsizer.plots`, imported when it is called."""

    def figure(data: Any, **style: Any) -> Figure:
        from modelsizer import plots

        found: Figure = getattr(plots, name)(data, **style)
        return found

    return figure


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
