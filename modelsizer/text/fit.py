"""Report of a fitted law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from modelsizer.problems.units import format_number, format_quantity
from modelsizer.problems.visible import visible
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, warnings
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.fitting.runs import Runs
    from modelsizer.optimizer.fitting.study import Study

_SHOWN = 8  # names in a list
_WIDEST = 40  # characters of a name that is not used
_WORDS = {"N": "N", "D": "D", "C": "FLOPs", "run": "run"}
_APPROACHES = {"curves": "minimum over curves", "isoflop": "isoFLOP parabolas"}


def _number(value: float, digits: int = 5) -> str:
    return format_number(value, digits) if math.isfinite(value) else NONE


def _fixed(value: float) -> str:
    return f"{value:.5f}" if math.isfinite(value) else NONE


def print_study(
    console: Console, study: Study, written: str | None = None, *, verbose: bool = False
) -> None:
    """Print coefficients with their uncertainty, goodness of fit, checks and warnings.

    Parameters
    ----------
    console : Console
    study : Study
    written : str, optional
        Path of the law file, if one was written.
    verbose : bool
        Whether to show all warnings.
    """
    runs, found = study.runs, study.fit
    said = list(study.warnings)
    if study.poor:
        poor = said.pop(0)
        line(console, f"{poor[0].upper()}{poor[1:]}.", below=1)
    line(console, f"{study.form.name}: {study.form.text}")
    left = f", {len(study.dropped)} dropped" if study.dropped else ""
    line(console, f"{runs.source}: {len(runs.labels)} runs{left}")
    line(console, f"columns: {_columns(runs)}")
    line(console)
    _coefficients(console, study)
    section(console, "Fit")
    lines = [
        f"objective {format_number(found.objective)}: sum of Huber({format_number(found.delta)}) "
        "of ln predicted - ln seen",
        f"R2 {_fixed(study.r_squared)} of ln loss; "
        f"median |residual| {format_number(_median(study), 2)} in ln loss; "
        f"error {format_number(found.rms, 2)} nats in the root mean square",
        f"{found.agreeing} of {found.starts} starts reached it; {study.fit_seconds:.2f} s",
    ]
    if (drawn := study.bootstrap) is not None:
        of = "models" if drawn.clustered else "runs"
        lines.append(
            f"{len(drawn.draws)} bootstrap samples of {drawn.groups} {of}; "
            f"{study.bootstrap_seconds:.2f} s"
        )
    if (held := study.hold_out) is not None:
        lines.append(
            f"hold-out: fitted to {held.fitted} runs, the {held.held} of "
            f"{format_quantity(held.from_flops, 'FLOPs', 3)} FLOPs or more are predicted to "
            f"{held.mean:.2%} of their loss on average, {held.worst:.2%} at worst, "
            f"{'too high' if held.bias > 0 else 'too low'} by {abs(held.bias):.2%}"
        )
    for each in lines:
        paragraph(console, each)
    _forms(console, study)
    _names(console, "Dropped", study.dropped)
    out = tuple(f"{name} ({value:+.3f})" for name, value in study.outliers)
    _names(console, "Outliers (ln predicted - ln seen beyond five robust sigmas)", out)
    _checks(console, study)
    warnings(console, said, verbose=verbose)
    if written is not None:
        line(console, f'Written: {written}, to use as objective.law = "file:{written}"', above=1)


def _columns(runs: Runs) -> str:
    """What each column was taken for: its name, which parameters or loss, and its unit."""
    said = []
    for key, column in runs.read_as.items():
        about = [column.meaning(key)] if column.kind else []
        if column.factor != 1:
            about.append(f"x {format_number(column.factor, 4)}")
        more = f" ({', '.join(about)})" if about else ""
        said.append(f"{_WORDS.get(key, key)} = {column.name}{more}")
    if runs.tokens_from:
        said.append(f"D = {runs.tokens_from}")
    unread = _some([shorten(visible(name), _WIDEST) for name in runs.unread], ", ")
    return ", ".join(said) + (f"; not used: {unread}" if unread else "")


def _some(names: Sequence[str], between: str) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return between.join(names[:_SHOWN]) + more


def _coefficients(console: Console, study: Study) -> None:
    drawn = study.bootstrap is not None
    headings = ["", "value", f"s.e. ({study.errors_from})"]
    headings += ["90 % interval", "s.e. (curvature)"] if drawn else []
    rows = []
    curved = study.curvature.standard_errors
    for i, (name, value) in enumerate(study.fit.coefficients.items()):
        if name in study.form.fixed:
            rows.append([name, _number(value), "held"])
            continue
        row = [name, _number(value), _number(study.standard_errors[name], 3)]
        if drawn:
            low, high = study.intervals[name]
            row += [f"{_number(low, 4)} to {_number(high, 4)}", _number(float(curved[i]), 3)]
        rows.append(row)
    print_table(console, Table(headings, rows), indent=INDENT, expand=True)


def _forms(console: Console, study: Study) -> None:
    """Forms on the same runs: errors, and the best size at the target."""
    compared = study.compared
    if compared is None:
        return
    target = format_quantity(compared.target_flops, "FLOPs", 3)
    section(console, f"Forms on these runs, and the best size at {target} FLOPs")
    headings = ["", "RMS error", f"of the {compared.held} largest, held out", "N", "D"]
    rows = [
        (
            row.form,
            f"{row.error.relative:.2%}",
            NONE if row.held_out is None else f"{row.held_out.relative:.2%}",
            NONE if row.parameters is None else format_quantity(row.parameters, "", 3),
            NONE if row.tokens is None else format_quantity(row.tokens, "", 3),
        )
        for row in compared.rows
    ]
    print_table(console, Table(headings, rows), indent=INDENT, expand=True)


def _median(study: Study) -> float:
    import numpy as np

    return float(np.median(np.abs(study.fit.residuals)))


def _names(console: Console, title: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    section(console, title)
    paragraph(console, _some(names, "; "))


def _checks(console: Console, study: Study) -> None:
    if not (study.approaches or study.no_approach):
        return
    section(console, "Cross-checks: a of the best N = k C^a, without a law")
    rows = [
        (
            _APPROACHES[one.name],
            f"{one.exponent:.3f}",
            f"{one.standard_error:.3f}",
            str(len(one.flops)),
        )
        for one in study.approaches
    ]
    if study.size_exponent is not None:
        aside = "" if study.form.columns == ("N", "D") else " (terms of N and D)"
        rows.append((f"the law{aside}", f"{study.size_exponent:.3f}", "", ""))
    print_table(console, Table(("", "a", "s.e.", "budgets"), rows), indent=INDENT, expand=True)
    for reason in study.no_approach:
        paragraph(console, f"left out: {reason}")
