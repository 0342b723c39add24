"""Figures of a report, each with its caption or the reason for its absence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelsizer.pictures.picture import NothingToDrawError
from modelsizer.pictures.registry import PICTURES

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
    """

    name: str
    title: str
    caption: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


def pictures(result: Result, *, time_limit: float | None = None) -> Iterator[Drawn]:
    """Yield all figures of a result, in the order of the registry.

    Parameters
    ----------
    result : Result
    time_limit : float, optional
        Time limit of each search, in seconds.
    """
    from modelsizer.plots.drawing.style import SIZES

    for picture in PICTURES.values():
        if picture.report is None or (result.design is None and not picture.of_infeasible):
            continue
        try:
            answer, note = picture.report(result, time_limit)
            data = picture.data(answer)
            # The report's own title has the name of the problem.
            figures = {size: picture.figure(data, "", size) for size in SIZES}
        except (NothingToDrawError, ValueError) as reason:
            yield Drawn(picture.name, picture.title, str(reason))
        else:
            caption = f"{picture.caption} {note}".strip()
            yield Drawn(picture.name, picture.title, caption, figures)
