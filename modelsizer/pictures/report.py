"""The pictures of a report: each with its caption, or the reason why it is left out."""

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
    """A picture of a report.

    Parameters
    ----------
    name, title : str
    caption : str
        What it shows; the reason where there is no figure.
    figures : mapping of str to Figure
        By size; empty where there is nothing to draw.
    """

    name: str
    title: str
    caption: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


def pictures(result: Result, *, time_limit: float | None = None) -> Iterator[Drawn]:
    """Every picture that a result can have, in the order of the registry.

    Parameters
    ----------
    result : Result
    time_limit : float, optional
        Seconds, of each search.
    """
    from modelsizer.plots.drawing.style import SIZES

    for picture in PICTURES.values():
        if picture.report is None or (result.design is None and not picture.of_infeasible):
            continue
        try:
            answer, note = picture.report(result, time_limit)
            data = picture.data(answer)
            # The report has the name of the problem as its own title.
            figures = {size: picture.figure(data, "", size) for size in SIZES}
        except (NothingToDrawError, ValueError) as reason:
            yield Drawn(picture.name, picture.title, str(reason))
        else:
            caption = f"{picture.caption} {note}".strip()
            yield Drawn(picture.name, picture.title, caption, figures)
