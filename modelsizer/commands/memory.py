"""The command memory: the view memory of describe, under its former name."""

from __future__ import annotations

from modelsizer.commands.design_source import Source, Under
from modelsizer.commands.options import (
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Verbose,
)
from modelsizer.commands.views.options import Devices
from modelsizer.commands.views.view import Asked, show_view


def memory(
    source: Source,
    problem: Under = None,
    devices: Devices = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    verbose: Verbose = False,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show what fills the memory of one accelerator.

    It is `modelsizer describe SOURCE --view memory` under its former name: the parts in serving and
    in training.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    asked = Asked(
        source=source,
        problem=problem,
        settings=tuple(set_ or ()),
        time_limit=time_limit,
        download=download,
        verbose=verbose,
        json=json_,
        plot=plot,
        plot_size=plot_size,
        devices=devices,
    )
    show_view("memory", asked, former=True)
