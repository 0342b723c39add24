"""Select the rows of a table that can be fitted, and record which were left out and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelsizer.optimizer.fitting.columns import Column, mapped, notes, numbers
from modelsizer.optimizer.fitting.forms import Array, Design, Form
from modelsizer.optimizer.fitting.tables import Table, read_table
from modelsizer.problems.errors import ModelsizerError, did_you_mean, short
from modelsizer.problems.key_values import one_line
from modelsizer.problems.units import parse_quantity

SIX = 6.0  # FLOPs per parameter and token: C = 6 N D (Kaplan et al. 2020, section 2.1)
LEAST_MODELS = 3
"""Least number of runs or models to draw from."""
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "!=": lambda a, b: a != b,
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
_CONDITION = re.compile(r"([^<>=!]+)(>=|<=|!=|=|>|<)(.+)")


@dataclass(frozen=True)
class Runs:
    """Runs that can be fitted.

    Parameters
    ----------
    columns : mapping of array, shape (runs,)
        N, D, C and whatever else the form needs, such as width and depth; all positive.
    loss : array, shape (runs,)
    labels : tuple of str
        Name of each run, or its row in the table, counted from 1.
    models : tuple of str or None
        Model of each run, if some model has several runs.
    used_names : mapping
        Name in the table of each column; C may be computed.
    skipped : mapping
        Number of rows left out, by reason.
    source, sha256 : str
    unusable : tuple of str
        Labels of rows with a value that is missing, not finite or not positive.
    notes : tuple of str
        Notes on how the table was read.
    """

    columns: Mapping[str, Array]
    loss: Array
    labels: tuple[str, ...]
    models: tuple[str, ...] | None
    used_names: Mapping[str, str]
    skipped: Mapping[str, int]
    source: str = ""
    sha256: str = ""
    unusable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def design(self, form: Form) -> Design:
        """Evaluate a form on these runs."""
        return Design(form, {name: self.columns[name] for name in form.columns}, np.log(self.loss))

    def take(self, kept: Array) -> Runs:
        """Select runs by a mask."""
        rows = np.flatnonzero(kept)
        return Runs(
            {name: column[rows] for name, column in self.columns.items()},
            self.loss[rows],
            tuple(self.labels[i] for i in rows),
            None if self.models is None else tuple(self.models[i] for i in rows),
            self.used_names,
            self.skipped,
            self.source,
            self.sha256,
            self.unusable,
            self.notes,
        )


def read_runs(
    path: Path,
    form: Form,
    columns: Mapping[str, str] | None = None,
    where: Sequence[str] = (),
) -> Runs:
    """Read the runs of a table.

    Parameters
    ----------
    path : Path
        File with one of the endings `modelsizer.optimizer.fitting.tables.ENDINGS`.
    form : Form
        Determines which columns are needed; tokens may be missing if FLOPs are given.
    columns : mapping, optional
        Names in the table for the keys of `modelsizer.optimizer.fitting.columns.NAMES`.
    where : sequence of str
        Conditions such as ``"tokens>=100B"`` that rows must satisfy.

    Raises
    ------
    ModelsizerError
        If the file cannot be read, a column is missing, a value is not a number, or no row
        remains.
    """
    table = read_table(path)
    if not table.rows:
        raise ModelsizerError(f"{path}: there is no row")
    names = mapped(path, list(table.columns), columns or {}, form)
    keep = np.ones(table.rows, bool)
    skipped: dict[str, int] = {}
    for condition in where:
        holds = _holds(table, names, condition)
        skipped[f"not {condition}"] = int((keep & ~holds).sum())
        keep &= holds
    found = {key: numbers(table, column, key) for key, column in names.items() if key != "run"}
    fit_for = np.ones(len(keep), bool)
    for values in found.values():
        fit_for &= np.isfinite(values) & (np.where(np.isfinite(values), values, 0.0) > 0)
    if bad := int((keep & ~fit_for).sum()):
        skipped["a value that is missing, not finite or not positive"] = bad
    rows = np.flatnonzero(keep & fit_for)
    if not rows.size:
        why = "; ".join(f"{count} rows: {reason}" for reason, count in skipped.items())
        raise ModelsizerError(f"{path}: no run is left ({why or 'the table is empty'})")
    taken = {key: values[rows] for key, values in found.items()}
    loss = taken.pop("loss")
    if "D" not in taken:
        taken["D"] = taken["C"] / (SIX * taken["N"])
    if "C" not in taken:
        taken["C"] = SIX * taken["N"] * taken["D"]
    labels, models, few = _labels(table, names, rows)
    bad_rows = tuple(table.where(int(i)) for i in np.flatnonzero(keep & ~fit_for))
    used = {key: column.name for key, column in names.items()}
    said = (*notes(table, names, taken), *few)
    return Runs(taken, loss, labels, models, used, skipped, path.name, table.sha256, bad_rows, said)


def _labels(
    table: Table, names: Mapping[str, Column], rows: Array
) -> tuple[tuple[str, ...], tuple[str, ...] | None, tuple[str, ...]]:
    """Labels of runs, the models they belong to, and a note if these are too few."""
    plain = tuple(f"row {i + 1}" for i in rows)
    if "run" not in names:
        return plain, None, ()
    column = names["run"].name
    values = [table.columns[column][i] for i in rows]
    given = [
        n if v is None or not str(v).strip() else str(v) for v, n in zip(values, plain, strict=True)
    ]
    many = len(set(given))
    if many == len(given):
        return tuple(given), None, ()
    if many < LEAST_MODELS:
        return (
            plain,
            None,
            (
                f"column {column!r} names {many} model{'s' * (many > 1)}, too few to draw from: "
                "runs are taken as independent",
            ),
        )
    labels = tuple(f"{n}, {row}" for n, row in zip(given, plain, strict=True))
    return labels, tuple(given), ()


def _holds(table: Table, names: Mapping[str, Column], condition: str) -> Array:
    """Mask of the rows that satisfy a condition."""
    match = _CONDITION.fullmatch(one_line(condition, "--where"))
    if match is None:
        raise ModelsizerError(f"--where: {short(condition)} is no condition; write tokens>=100B")
    name, sign, text = (part.strip() for part in match.groups())
    keys = {column.name: key for key, column in names.items()}
    key = keys.get(name) if name in table.columns else name
    column = names.get(key or "", Column(name))
    if column.name not in table.columns:
        hint = did_you_mean(name, [*table.columns, *names])
        raise ModelsizerError(f"--where: {table.path} has no column {short(name)}{hint}")
    try:
        limit = float(parse_quantity(text, "count"))
    except ValueError:
        if sign not in ("=", "!="):
            raise ModelsizerError(
                f"--where: {short(text)} in {short(condition)} is not a number"
            ) from None
        same = np.array([str(value) == text for value in table.columns[column.name]])
        return same if sign == "=" else ~same
    if sign in ("=", "!=") and key == "run":
        same = np.array([str(value) == text for value in table.columns[column.name]])
        return same if sign == "=" else ~same
    values = numbers(table, column, key)
    compare = _COMPARED[sign]
    return np.array([not math.isnan(v) and compare(float(v), limit) for v in values])
