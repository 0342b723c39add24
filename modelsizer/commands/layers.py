"""The command layers: the view layers of describe, under its former name."""

from __future__ import annotations

from modelsizer.commands.design_source import Source, Under
from modelsizer.commands.options import (
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
)
from modelsizer.commands.views.options import Beside, Picture
from modelsizer.commands.views.view import Asked, show_view


def layers(
    source: Source,
    problem: Under = None,
    beside: Beside = None,
    picture: Picture = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show the pattern of the layers, and what each kind costs.

    It is `modelsizer describe SOURCE --view layers` under its former name.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    asked = Asked(
        source=source,
        problem=problem,
        settings=tuple(set_ or ()),
        time_limit=time_limit,
        download=download,
        json=json_,
        plot=plot,
        plot_size=plot_size,
        beside=None if beside is None else tuple(beside),
        picture=picture,
    )
    show_view("layers", asked, former=True)
