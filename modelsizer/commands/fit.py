"""The command fit: fit a law to the user's own runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, fail_choice, say, user_errors
from modelsizer.commands.fit_terms import BASE_LAW, TERMS, fit_table
from modelsizer.commands.numbers import amount
from modelsizer.commands.options import (
    MOST_SAMPLES,
    Json,
    Plot,
    PlotSize,
    TimeLimit,
    Verbose,
    check_ending,
    check_plot,
)
from modelsizer.commands.output import Output, before_drawing, emit, plot_file

if TYPE_CHECKING:
    from modelsizer.problems.laws.laws import ParameterKind


def fit(
    context: typer.Context,
    runs: Annotated[
        Path,
        typer.Argument(
            metavar="RUNS",
            help="A table of runs: .csv, .tsv, .jsonl or .parquet.",
        ),
    ],
    law: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help="chinchilla, chinchilla-outer, gemstones, bian, or the .toml of a law of form "
            '"terms": your own. terms: a table of ablations, of runs in which a choice was varied.',
        ),
    ] = "chinchilla",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=NAME,...",
            help="Columns of N, D, C, width, depth, heads, kv_heads, head_dim, d_ff, vocab_size, "
            "steps, batch, sequence, loss and run, such as N=params,C=flops*1e9; common names "
            "are known, and units in names.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help='Keep the rows of which this is so: "tokens>=100B"; repeatable.',
        ),
    ] = None,
    drop_worst: Annotated[
        int, typer.Option(min=0, metavar="K", help="Leave out the K runs of highest loss.")
    ] = 0,
    drop_outliers: Annotated[
        int,
        typer.Option(
            min=0, metavar="K", help="Then the K runs of largest residual of a first fit."
        ),
    ] = 0,
    huber: Annotated[
        float,
        typer.Option(
            metavar="DELTA",
            help="Residual of ln loss at which Huber's loss turns from square to straight.",
        ),
    ] = 1e-3,
    bootstrap: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_SAMPLES,
            metavar="SAMPLES",
            help="Take so many bootstrap samples; 0 for none.",
        ),
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap's random numbers.")] = 0,
    hold_out: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Fit again without this share of the runs, those of largest compute, and "
            "predict them.",
        ),
    ] = None,
    cross_check: Annotated[
        bool,
        typer.Option(
            "--cross-check",
            help="Find the best size by isoFLOP parabolas and by training curves too.",
        ),
    ] = False,
    any_sign: Annotated[
        bool,
        typer.Option("--any-sign", help="Let exponents take the other sign than the form's."),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Fit Chinchilla's form with and without an outer power too: errors on the "
            "largest runs held out, and the best size at --at.",
        ),
    ] = True,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="FLOPS",
            help="Where best sizes are compared: 1e24 FLOPs, or ten times the largest run if that "
            "is more.",
        ),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What N counts, and so which column it is: total (unless the column or the law's "
            "file says otherwise), non_embedding or active.",
        ),
    ] = None,
    base_law: Annotated[
        str,
        typer.Option(
            metavar="LAW", help="For --law terms: the law of N and D above whose E the shares are."
        ),
    ] = BASE_LAW,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Write the law as .toml."),
    ] = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
    verbose: Verbose = False,
    plot: Plot = None,
    figure: Annotated[
        str,
        typer.Option(
            "--picture",
            "--figure",
            metavar="PICTURE",
            help="What --plot draws: all, fit, residuals, isoflop, pairs, or scaling: the loss "
            "against compute, with the runs, the law, its band and the target of --at.",
        ),
    ] = "all",
    plot_size: PlotSize = "wide",
) -> None:
    """Fit a loss law to your own training runs.

    Huber loss of ln loss, least over a grid of starts; standard errors by bootstrap, of whole
    models where runs are checkpoints. Where only C is given, D = C / 6N. The law written by -o is
    used by objective.law = "file:PATH".

    --law terms fits the terms of objective.ablations instead, to runs that differ from others of
    the same base (a column base, or N and D) in heads, kv_heads, r, full_every, between, window or
    kv_lora_rank; -o writes the file that objective.ablations = "file:PATH" takes.

    Exit status: 0 fitted, 2 bad input, 3 stopped by a limit.
    """
    if law == TERMS:
        fit_table(context, runs, columns, where or (), base_law, output, json_)
        return
    with user_errors():
        from modelsizer.optimizer.fitting.columns import parse_columns
        from modelsizer.optimizer.fitting.from_runs import fit as fitted
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.interrupts import held
        from modelsizer.text.fit import print_study

        check_plot(plot, plot_size)
        check_ending("--output", output, ".toml")
        kind = _kind(parameters)
        target = None if at is None else amount("--at", at, "FLOPs")
        _check(figure)
        clock = Clock.of(time_limit)
        with held():
            found = fitted(
                runs,
                law,
                columns=parse_columns(columns),
                where=where or (),
                drop_worst=drop_worst,
                drop_outliers=drop_outliers,
                huber=huber,
                bootstrap=bootstrap,
                seed=seed,
                hold_out=hold_out,
                cross_check=cross_check,
                any_sign=any_sign,
                parameters=kind,
                compare=compare,
                at=target,
                time_limit=before_drawing(clock, plot).limits.seconds,
            )
        ending = Ending(found.stop)
        if output is not None and not found.converged:
            say(f"--output: {output} is not written: the fit was stopped before its minimum")
            output = None
        written: list[str] = []

        def save(path: Path) -> None:
            from modelsizer.fitted_laws import save_law

            named = ",".join(f"{key}={one.as_told}" for key, one in found.runs.read_as.items())
            words = [f"modelsizer fit {found.runs.source} --law {law}", f'--columns "{named}"']
            words += [f'--where "{condition}"' for condition in where or ()]
            words += [f"--drop-worst {drop_worst}"] if drop_worst else []
            words += [f"--drop-outliers {drop_outliers}"] if drop_outliers else []
            words += ["--any-sign"] if any_sign else []
            words += [f"--parameters {parameters}"] if parameters else []
            words += [f"--huber {huber:g} --bootstrap {bootstrap} --seed {seed}"]
            save_law(found, path, parameters=kind, command=" ".join(words))
            written.append(str(path))

        emit(
            found.to_dict(),
            json_,
            lambda console: print_study(console, found, *written, verbose=verbose),
            Output("--output", output, save),
            plot_file(
                plot,
                "fit",
                (found, figure),
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def _kind(text: str | None) -> ParameterKind | None:
    """Return the parameters that N counts, if the option is given."""
    from typing import get_args

    from modelsizer.problems.laws.laws import ParameterKind

    known: tuple[ParameterKind, ...] = get_args(ParameterKind)
    if text is not None and text not in known:
        fail_choice("--parameters", text, known)
    return next((kind for kind in known if kind == text), None)


def _check(figure: str) -> None:
    """Reject an unknown figure."""
    from modelsizer.plots.laws.fit import PANELS

    if figure not in ("all", *PANELS):
        fail_choice("--picture", figure, ("all", *PANELS))
