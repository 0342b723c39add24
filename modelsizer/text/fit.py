"""A fitted law as a person reads it, at 80 columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.fitting.study import Study

_SHOWN = 8  # names in a list
_WORDS = {"N": "N", "D": "D", "C": "FLOPs", "run": "run"}
_APPROACHES = {"curves": "minimum over curves", "isoflop": "isoFLOP parabolas"}


def _number(value: float, digits: int = 5) -> str:
    return f"{value:.{digits}g}" if math.isfinite(value) else "-"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=True)
    return table


def _indented(console: Console, item: Table | Text, left: int = 2) -> None:
    console.print(Padding(item, (0, 0, 0, left)))


def print_study(console: Console, study: Study, written: str | None = None) -> None:
    """Print coefficients, how sure they are, how good the fit is and what to beware of.

    Parameters
    ----------
    console : Console
    study : Study
    written : str, optional
        Path of the law file, if one was written.
    """
    runs, found = study.runs, study.fit
    console.print(Text(f"{study.form.name}: {study.form.text}"))
    left = f", {len(study.dropped)} dropped" if study.dropped else ""
    console.print(Text(f"{runs.source}: {len(runs.labels)} runs{left}"))
    said = ", ".join(f"{_WORDS.get(k, k)} = {v}" for k, v in runs.used_names.items())
    console.print(Text(f"columns: {said}"))
    console.print()
    _coefficients(console, study)
    console.print()
    console.print("Fit")
    lines = [
        f"objective {found.objective:.6g}: sum of Huber({found.delta:g}) of ln predicted - ln seen",
        f"R2 {study.r_squared:.5f} of ln loss; median |residual| {_median(study):.2g} in ln loss",
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
    for line in lines:
        _indented(console, Text(line))
    _names(console, "Dropped", study.dropped)
    out = tuple(f"{name} ({value:+.3f})" for name, value in study.outliers)
    _names(console, "Outliers (ln predicted - ln seen beyond five robust sigmas)", out)
    _checks(console, study)
    if study.warnings:
        console.print()
        console.print("Warnings")
        for warning in study.warnings:
            table = Table.grid(padding=(0, 1, 0, 0))
            table.add_row("-", Text(warning))
            _indented(console, table)
    if written is not None:
        console.print()
        console.print(Text(f'Written: {written}, to use as objective.law = "file:{written}"'))


def _coefficients(console: Console, study: Study) -> None:
    drawn = study.bootstrap is not None
    headings = ["", "value", f"s.e. ({study.errors_from})"]
    headings += ["90 % interval", "s.e. (curvature)"] if drawn else []
    table = _table(*headings)
    curved = study.curvature.standard_errors
    for i, (name, value) in enumerate(study.fit.coefficients.items()):
        if name in study.form.fixed:
            table.add_row(name, _number(value), "held")
            continue
        row = [name, _number(value), _number(study.standard_errors[name], 3)]
        if drawn:
            low, high = study.intervals[name]
            row += [f"{_number(low, 4)} to {_number(high, 4)}", _number(float(curved[i]), 3)]
        table.add_row(*row)
    _indented(console, table)


def _median(study: Study) -> float:
    import numpy as np

    return float(np.median(np.abs(study.fit.residuals)))


def _names(console: Console, title: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    console.print()
    console.print(title)
    _indented(console, Text("; ".join(names[:_SHOWN]) + more))


def _checks(console: Console, study: Study) -> None:
    if not (study.approaches or study.no_approach):
        return
    console.print()
    console.print("Cross-checks: a of the best N = k C^a, without a law")
    table = _table("", "a", "s.e.", "budgets")
    for one in study.approaches:
        table.add_row(
            _APPROACHES[one.name],
            f"{one.exponent:.3f}",
            f"{one.standard_error:.3f}",
            str(len(one.flops)),
        )
    if study.size_exponent is not None:
        aside = "" if study.form.columns == ("N", "D") else " (terms of N and D)"
        table.add_row(f"the law{aside}", f"{study.size_exponent:.3f}", "", "")
    _indented(console, table)
    for reason in study.no_approach:
        _indented(console, Text(f"left out: {reason}"))
