"""The command users: the view users of describe, under its former name."""

from __future__ import annotations

from modelsizer.commands.design_source import Source, Under
from modelsizer.commands.options import (
    Csv,
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
)
from modelsizer.commands.views.options import Context, Each
from modelsizer.commands.views.view import Asked, show_view


def users(
    source: Source,
    problem: Under = None,
    context: Context = None,
    each: Each = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Say how many users a design serves at once, and at what cost.

    It is `modelsizer describe SOURCE --view users` under its former name: as many requests as fit
    the accelerators and keep the limits that are set, such as budgets.decode_latency, by context.
    The picture has a line for each value of --each.

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
        csv=csv,
        plot=plot,
        plot_size=plot_size,
        context=context,
        each=tuple(each or ()),
    )
    show_view("users", asked, former=True)
