"""The command that makes a law of one's own runs: fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import fail, told
from modelsizer.commands.options import Json, Plot, PlotSize, check_ending, check_plot
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from modelsizer.optimizer.fitting.study import Study, Wishes
    from modelsizer.optimizer.fitting.terms import Form
    from modelsizer.problems.laws.laws import ParameterKind

_KINDS = ("total", "non_embedding", "active")


def fit(
    runs: Annotated[
        Path,
        typer.Argument(metavar="RUNS", help="A table of runs: .csv, .tsv, .jsonl or .parquet."),
    ],
    law: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help='chinchilla, gemstones, bian, or the .toml of a law of form "terms": your own.',
        ),
    ] = "chinchilla",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=NAME,...",
            help="Columns of N, D, C, width, depth, heads, kv_heads, head_dim, d_ff, vocab_size, "
            "loss and run, such as N=params,C=flops; common names are known.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help='Rows to keep: "tokens>=100B"; repeatable.'),
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
        float, typer.Option(metavar="DELTA", help="Where Huber's loss of ln loss turns straight.")
    ] = 1e-3,
    bootstrap: Annotated[
        int, typer.Option(min=0, metavar="SAMPLES", help="Bootstrap samples; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
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
            "--cross-check", help="The best size by isoFLOP parabolas and by training curves too."
        ),
    ] = False,
    any_sign: Annotated[
        bool,
        typer.Option("--any-sign", help="Let exponents take the other sign than the form's."),
    ] = False,
    parameters: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What N counts: total (unless its column or the law's file says otherwise), "
            "non_embedding or active.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Write the law as .toml."),
    ] = None,
    json_: Json = None,
    plot: Plot = None,
    figure: Annotated[
        str, typer.Option(help="What --plot draws: all, fit, residuals, isoflop or pairs.")
    ] = "all",
    plot_size: PlotSize = "wide",
) -> None:
    """Fit a loss law to your own training runs.

    Huber loss of ln loss, least over a grid of starts; standard errors by bootstrap, of whole
    models where runs are checkpoints. Where only C is given, D = C / 6N. The law written by -o is
    used by objective.law = "file:PATH". Exit status: 0 fitted, 2 bad input.
    """
    with told():
        from modelsizer.optimizer.fitting.columns import counts_of, parse_columns
        from modelsizer.optimizer.fitting.runs import read_runs
        from modelsizer.optimizer.fitting.study import Wishes, study
        from modelsizer.problems.errors import ModelsizerError
        from modelsizer.text.fit import print_study

        check_plot(plot, plot_size)
        check_ending("--output", output, ".toml")
        _check(parameters, huber, bootstrap, hold_out, figure)
        wishes = Wishes(
            huber, drop_worst, drop_outliers, bootstrap, seed, hold_out, cross_check, any_sign
        )
        form, own_kind = _form(law)
        table = read_runs(runs, form, parse_columns(columns), where or ())
        try:
            found = study(table, form, wishes)
        except ValueError as error:
            raise ModelsizerError(f"{runs}: {error}") from None
        if output is not None:
            kind = parameters or own_kind or counts_of(table.used_names["N"])
            _write(found, output, law, kind, wishes, where or [])
        written = None if output is None else str(output)
        emit(found.to_dict(), json_, lambda console: print_study(console, found, written))
        if plot is not None:
            from modelsizer.commands.output import write_plot
            from modelsizer.plots.laws.fit import fit_figure

            write_plot(plot, lambda: fit_figure(found, figure, size=plot_size))


def _form(law: str) -> tuple[Form, ParameterKind | None]:
    """A form by its name or from a file, and what its file says that N counts."""
    from modelsizer.optimizer.fitting.forms import FORMS
    from modelsizer.optimizer.fitting.own_forms import form_of
    from modelsizer.problems.errors import did_you_mean

    if law not in FORMS and not law.endswith(".toml"):
        hint = did_you_mean(law, FORMS)
        fail(f"--law: unknown form {law!r}{hint}; known: {', '.join(FORMS)}, or your own's .toml")
    return (FORMS[law], None) if law in FORMS else form_of(Path(law))


def _check(
    parameters: str | None, huber: float, bootstrap: int, hold_out: float | None, figure: str
) -> None:
    """Refuse what no study can do."""
    from modelsizer.optimizer.fitting.bootstrap import LEAST_DRAWS
    from modelsizer.plots.laws.fit import PANELS

    if parameters is not None and parameters not in _KINDS:
        fail(f"--parameters: {parameters!r} is not one of {', '.join(_KINDS)}")
    if not 0 < huber < float("inf"):
        fail(f"--huber: {huber} is not a positive number")
    if 0 < bootstrap < LEAST_DRAWS:
        fail(f"--bootstrap: {bootstrap} samples make no standard error; take {LEAST_DRAWS} or 0")
    if hold_out is not None and not 0 < hold_out < 1:
        fail(f"--hold-out: {hold_out} is not a share between 0 and 1")
    if figure not in ("all", *PANELS):
        fail(f"--figure: {figure!r} is not one of all, {', '.join(PANELS)}")


def _write(
    found: Study, output: Path, law: str, parameters: Any, wishes: Wishes, where: list[str]
) -> None:
    """Write the file of the law."""
    from modelsizer import __version__
    from modelsizer.problems.files import write_text
    from modelsizer.problems.laws.files import TERMS, law_text

    asked = [f"modelsizer fit {found.runs.source} --law {law}"]
    named = ",".join(f"{key}={name}" for key, name in found.runs.used_names.items())
    asked += [f'--columns "{named}"', *(f'--where "{condition}"' for condition in where)]
    asked += [f"--drop-worst {wishes.worst}"] if wishes.worst else []
    asked += [f"--drop-outliers {wishes.outliers}"] if wishes.outliers else []
    asked += ["--any-sign"] if wishes.any_sign else []
    asked += [f"--huber {wishes.delta:g} --bootstrap {wishes.samples} --seed {wishes.seed}"]
    provenance = {
        "runs": found.runs.source,
        "sha256": found.runs.sha256,
        "used": len(found.runs.labels),
        "dropped": len(found.dropped),
        "delta": wishes.delta,
        "objective": found.fit.objective,
        "r2": found.r_squared,
        "standard_errors_from": found.errors_from,
        "modelsizer": __version__,
        "command": " ".join(asked),
    }
    fitted = found.law_file(output.stem, parameters, provenance)
    if found.form.kind != TERMS and (turned := found.form.turned(fitted.coefficients)):
        fail(f"--output: {', '.join(turned)} of the other sign: no file of {law} can hold it")
    write_text(output, law_text(fitted))
