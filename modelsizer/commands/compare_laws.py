"""The command compare-laws: the optimum under each of several laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, say, user_errors
from modelsizer.commands.frontier import DEFAULT_OVER, MOST_POINTS
from modelsizer.commands.law_options import law_settings, under_laws
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file
from modelsizer.commands.progress_lines import steps

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.laws.curves import LawCurve
    from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
    from modelsizer.problems.units import Number


def compare_laws(
    file: File,
    laws: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Compare these laws; by default all that can be used."
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Show the sizes along a limit too; by default the problem's first on training.",
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="VALUE", help="Begin the sweep of --over at this value."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="VALUE", help="End the sweep of --over at this value.")
    ] = None,
    points: Annotated[
        int, typer.Option(min=2, max=MOST_POINTS, help="Take N values, evenly spaced in logarithm.")
    ] = 13,
    set_: Settings = None,
    without: Without = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve under each loss law; find the design of least regret.

    Each answer is judged by every other law: in nats of that law, and as the share of the compute
    that it wastes. The picture is of parameters against the limit of --over under each law, or of
    each law's optimum where no limit can be swept.

    Exit status: 0 all proven, 1 no law has a design, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.optimizer.tables.clock import Clock, Ending

        check_tables(csv)
        check_plot(plot, plot_size)
        clock = before_drawing(Clock.of(time_limit), plot)
        problem = load(file, set_, without)
        from modelsizer.optimizer.laws.curves import law_curves, swept_limit
        from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
        from modelsizer.pictures.laws import along_a_limit, published
        from modelsizer.text.cases import cases_csv
        from modelsizer.text.compare_laws import print_comparison

        names = law_settings(problem, laws)
        asked = (over, from_, to) != (None, None, None)
        setting: NumericSetting | None = None
        values: tuple[Number, ...] = ()
        if asked or plot is not None:
            setting = NumericSetting.of(problem, over) if over else swept_limit(problem)
            if setting is None and asked:
                setting = NumericSetting.of(problem, DEFAULT_OVER)
        if setting is not None:
            values = setting.spaced(problem, from_, to, points)
        found = under_laws(problem, names, clock.share(1 if setting is None else 2))
        curves: tuple[LawCurve, ...] = ()
        if setting is not None:
            with steps("law") as progress:
                curves = law_curves(
                    problem,
                    setting,
                    values,
                    names,
                    time_limit=clock.left.seconds,
                    progress=progress,
                )
        ending = Ending(found.stop)
        if not all(curve.complete for curve in curves):
            ending.stop = clock.stop

        def show(console: Console) -> None:
            print_comparison(console, found, curves if asked else ())

        shown: Any = {"title": problem.name, "size": plot_size, "ending": ending}
        if plot is not None and setting is not None and along_a_limit(curves):
            along = (curves, setting.name, published(setting))
            picture = plot_file(plot, "laws", along, **shown)
        else:
            picture = plot_file(plot, "law_optima", found, **shown)
        content, cases = found.to_dict(), found.cases()
        if setting is not None:
            content["complete"] = ending.complete
            content["frontier"] = {
                "over": setting.over,
                "laws": [curve.to_dict() for curve in curves],
            }
        rows = text_file("--csv", csv if cases is not None else None, lambda: cases_csv(cases))
        emit(content, json_, show, rows, picture)
        if csv is not None and cases is None:
            why = found.why_not or "not every law has a proven design"
            say(f"--csv: {csv} is not written: no design is judged by other laws, since {why}")
    if not ending.complete:
        raise typer.Exit(STOPPED)
    if {law.status for law in found.laws} == {"infeasible"}:
        raise typer.Exit(INFEASIBLE)
