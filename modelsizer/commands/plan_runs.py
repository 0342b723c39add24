"""The command plan-runs: small runs that are most informative about a law."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, fail, say, user_errors
from modelsizer.commands.numbers import amount
from modelsizer.commands.options import (
    MOST_RUNS,
    MOST_SAMPLES,
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Verbose,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import Output, before_drawing, emit, plot_file, say_infeasible

if TYPE_CHECKING:
    from modelsizer.optimizer.planning.plan import Plan


def plan_runs(
    file: File,
    budget: Annotated[
        str, typer.Option(metavar="FLOPS", help="Training FLOPs of all runs together, as 1e21.")
    ],
    runs: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Plan so many runs.")] = 24,
    law: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Law that is to be learnt: a name, or a file of `fit -o`; the problem's by "
            "default. Bootstrap draws of a file are planned for.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(help="gemstones or bian: learn the published law of that form, shape too."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="N,D[,LAYERS,D_MODEL]",
            help="Predict there, as 70B,1.4T, instead of at the problem's optimum.",
        ),
    ] = None,
    around: Annotated[
        float,
        typer.Option(
            metavar="K",
            help="Predict at sizes K times smaller and larger too, at its FLOPs; 1 for none.",
        ),
    ] = 4.0,
    criterion: Annotated[
        str,
        typer.Option(
            help="target: least variance of the predicted loss; determinant: of the coefficients."
        ),
    ] = "target",
    largest: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="Spend at most this on one run: a share of the budget up to 1, or FLOPs.",
        ),
    ] = None,
    tokens_per_parameter: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="Keep tokens over parameters between these.")
    ] = "5,500",
    smallest: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Parameters of the smallest model; the law's data by default."
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_RUNS,
            help="Allow so many runs of one config at the same tokens, by seed.",
        ),
    ] = 1,
    have: Annotated[
        Path | None,
        typer.Option(
            metavar="RUNS", help="Count runs that were already made: a table as `fit` reads it."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="KEY=NAME,...", help="Columns of --have, as of `fit`.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            metavar="SD",
            help="Standard deviation of ln loss of a run; it scales errors, and changes no plan.",
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="Use the first N draws of the law.")] = 16,
    simulate: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_SAMPLES,
            metavar="K",
            help="Check by K fits to losses drawn from the law.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts and of the simulation.")] = 0,
    set_: Settings = None,
    without: Without = None,
    csv: Csv = None,
    export_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write a Hugging Face config for each architecture.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
    verbose: Verbose = False,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Plan the small runs that tell most about the loss at scale.

    Runs of the target's family are chosen by exchange, proven near the best by a convex bound, and
    compared with the best of many isoFLOP grids of the same budget.

    Exit status: 0 planned, 1 no design keeps every limit, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        from modelsizer.optimizer.fitting.columns import parse_columns
        from modelsizer.optimizer.planning.plan_runs import NoPlanError
        from modelsizer.optimizer.planning.plan_runs import plan_runs as planned
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.interrupts import held
        from modelsizer.text.plan_runs import print_plan

        flops = amount("--budget", budget, "FLOPs")
        least = None if smallest is None else amount("--smallest", smallest, "parameters")
        problem = load(file, set_, without)
        clock = Clock.of(time_limit)
        try:
            with held():
                found = planned(
                    problem,
                    flops,
                    runs,
                    law=law,
                    form=form,
                    at=None if at is None else _at(at),
                    around=around,
                    criterion=criterion,  # type: ignore[arg-type]  # any text is checked
                    largest=None if largest is None else amount("--largest", largest, "FLOPs"),
                    tokens_per_parameter=_limits(tokens_per_parameter),
                    smallest=least,
                    repeats=repeats,
                    have=have,
                    columns=parse_columns(columns),
                    noise=noise,
                    draws=draws,
                    simulate=simulate,
                    seed=seed,
                    clock=before_drawing(clock, plot),
                )
        except NoPlanError as error:
            reason = str(error)
            emit({"complete": False, "stop": error.stop}, json_, lambda _: say(reason))
            raise typer.Exit(STOPPED) from None
        if found is None:
            emit({"status": "infeasible"}, json_, say_infeasible)
            raise typer.Exit(INFEASIBLE)
        ending = Ending(found.stop)
        emit(
            found.to_dict,
            json_,
            lambda console: print_plan(console, found, verbose=verbose),
            Output("--csv", csv, lambda path: _write_csv(found, path)),
            Output("--export-dir", export_dir, lambda folder: _export(found, folder)),
            plot_file(
                plot,
                "plan",
                found,
                title=found.problem.name,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


# Reading options


def _limits(text: str) -> tuple[float, float]:
    ends = [
        amount("--tokens-per-parameter", part, "count") for part in text.split(",") if part.strip()
    ]
    if len(ends) != 2 or ends[0] > ends[1]:
        fail(f"--tokens-per-parameter: {text!r} is not LOW,HIGH, such as 5,500")
    return ends[0], ends[1]


def _at(text: str) -> tuple[float, ...]:
    parts = text.split(",")
    if len(parts) not in (2, 4):
        fail(f"--at: {text!r} is not N,D or N,D,LAYERS,D_MODEL, such as 70B,1.4T,80,8192")
    dimensions = ("parameters", "tokens", "count", "count")
    return tuple(amount("--at", part, unit) for part, unit in zip(parts, dimensions, strict=False))


# Writing


def _write_csv(found: Plan, path: Path) -> None:
    from modelsizer.problems.table_files import by_column, write_table

    write_table(path, [by_column(found.rows())])


def _export(found: Plan, folder: Path) -> None:
    """Write a file for each architecture, named by its shape and other distinguishing choices."""
    from modelsizer.problems.architecture.configs.exports.export import export
    from modelsizer.problems.files import make_folder, write_text

    make_folder(folder)
    for one, name in found.file_names().items():
        write_text(folder / f"{name}.json", export(one))
