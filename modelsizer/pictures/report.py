"""Figures of a report, each with its caption or the reason for its absence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.pictures.picture import NothingToDrawError, Picture, is_partial, titled
from modelsizer.pictures.registry import PICTURES
from modelsizer.problems.records import dataclass
from modelsizer.text.kit.words import STOPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.result import Result


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure of a report.

    Parameters
    ----------
    name, title : str
    caption : str
        What it shows, or the reason why there is no figure.
    figures : mapping of str to Figure
        By size; empty if there is nothing to draw.
    whole : bool
        Whether no limit of time stopped it.
    """

    name: str
    title: str
    caption: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    whole: bool = True


_DRAWING = 1.0
"""Seconds to draw a picture in all sizes, before the first is drawn."""


def pictures(result: Result, clock: Clock) -> Iterator[Drawn]:
    """Yield all figures of a result, in the order of the registry.

    Parameters
    ----------
    result : Result
    clock : Clock
        Figures that it leaves no time for are not drawn.
    """
    rows = [
        picture
        for picture in PICTURES.values()
        if picture.report is not None and (result.design is not None or picture.of_infeasible)
    ]
    slowest = _DRAWING
    for left, picture in zip(range(len(rows), 0, -1), rows, strict=True):
        seconds = clock.limits.seconds
        late = seconds is not None and seconds - clock.elapsed < slowest
        made, ending = Clock(), Ending(clock.stop if late or clock.out_of_time else "proven")
        if ending.complete:
            with ending:
                drawn = _drawn(picture, result, clock.within(clock.share(2 * left)))
        if ending.complete:
            yield drawn
            slowest = max(slowest, made.elapsed)
        else:
            yield Drawn(picture.name, picture.title, STOPS[ending.stop], whole=False)


def _drawn(picture: Picture, result: Result, clock: Clock) -> Drawn:
    """Draw one figure in all sizes."""
    from modelsizer.plots.drawing.style import SIZES

    assert picture.report is not None
    try:
        answer, note = picture.report(result, clock)
        data = picture.data(answer, clock)
        partial = is_partial(answer, data)
        # The report's own title has the name of the problem.
        title = titled("", partial=partial)
        figures = {size: picture.figure(data, title=title, size=size) for size in SIZES}
    except (NothingToDrawError, ValueError) as reason:
        late = clock.out_of_time
        why = f"{STOPS[clock.stop]}: {reason}" if late else str(reason)
        return Drawn(picture.name, picture.title, why, whole=not late)
    caption = f"{picture.caption} {note}".strip()
    return Drawn(picture.name, picture.title, caption, figures, whole=not partial)
