"""The command allocate: the view allocation of describe, under its former name."""

from __future__ import annotations

from modelsizer.commands.design_source import Source
from modelsizer.commands.options import (
    Csv,
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
)
from modelsizer.commands.views.options import Context
from modelsizer.commands.views.view import Asked, show_view


def allocate(
    source: Source,
    context: Context = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show where the parameters and the FLOPs of a design go.

    It is `modelsizer describe SOURCE --view allocation` under its former name: by component, by
    layer, by context. The picture is of the shares, as bars.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    asked = Asked(
        source=source,
        settings=tuple(set_ or ()),
        time_limit=time_limit,
        download=download,
        json=json_,
        csv=csv,
        plot=plot,
        plot_size=plot_size,
        context=context,
    )
    show_view("allocation", asked, former=True)
