"""Select the rows of a table that can be fitted, and record which were left out and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from modelsizer.optimizer.fitting.column_notes import high_loss, notes
from modelsizer.optimizer.fitting.column_values import DIMENSIONS, numbers
from modelsizer.optimizer.fitting.columns import Column, batches, mapped
from modelsizer.optimizer.fitting.forms import Array, Design, Form
from modelsizer.optimizer.fitting.magnitudes import SIX, implausible, settled
from modelsizer.optimizer.fitting.tables import Table, read_table
from modelsizer.problems.errors import ModelsizerError, did_you_mean, short
from modelsizer.problems.key_values import one_line
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_number, parse_quantity

_MOST_IN_A_BATCH = 3e8  # tokens; published batches reach about 1e8
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
    read_as : mapping of str to Column
        Column of the table that each was read from; C, or D, may be computed.
    skipped : mapping
        Number of rows left out, by reason.
    source, sha256 : str
    unusable : tuple of str
        Labels of rows with a value that is missing, not finite or not positive.
    notes : tuple of str
        Notes on how the table was read.
    unread : tuple of str
        Columns of the table that this form has no use for.
    """

    columns: Mapping[str, Array]
    loss: Array
    labels: tuple[str, ...]
    models: tuple[str, ...] | None
    read_as: Mapping[str, Column]
    skipped: Mapping[str, int]
    source: str = ""
    sha256: str = ""
    unusable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def used_names(self) -> dict[str, str]:
        """Name in the table of each column read."""
        return {key: column.name for key, column in self.read_as.items()}

    @property
    def counts(self) -> ParameterKind:
        """Which parameters N counts, by the name of its column."""
        kind = self.read_as["N"].kind if "N" in self.read_as else ""
        return (
            "non_embedding"
            if kind == "non_embedding"
            else "active"
            if kind == "active"
            else "total"
        )

    @property
    def tokens_from(self) -> str:
        """How tokens were computed, if the table does not state them."""
        if not self.read_as or "D" in self.read_as:
            return ""
        if keys := batches(self.read_as):
            return " x ".join(self.read_as[key].name for key in keys)
        return "C / 6N"

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
            self.read_as,
            self.skipped,
            self.source,
            self.sha256,
            self.unusable,
            self.notes,
            self.unread,
        )


def read_runs(
    path: Path,
    form: Form,
    columns: Mapping[str, str] | None = None,
    where: Sequence[str] = (),
    counts: ParameterKind | None = None,
) -> Runs:
    """Read the runs of a table.

    Parameters
    ----------
    path : Path
        File with one of the endings `modelsizer.optimizer.fitting.tables.ENDINGS`.
    form : Form
        Determines which columns are needed; tokens may be missing if FLOPs are given.
    columns : mapping, optional
        Names in the table for the keys of `modelsizer.optimizer.fitting.columns.KEYS`.
    where : sequence of str
        Conditions such as ``"tokens>=100B"`` that rows must satisfy.
    counts : {"total", "non_embedding", "active"}, optional
        Which parameters to take where the table has several counts.

    Raises
    ------
    ModelsizerError
        If the file cannot be read, a column is missing, a value is not a number, or no row
        remains.
    """
    table = read_table(path)
    if not table.rows:
        raise ModelsizerError(f"{path}: there is no row")
    names = mapped(table, columns or {}, form, counts)
    found = {
        key: numbers(table, column.name, column.factor, key)
        for key, column in names.items()
        if key != "run"
    }
    if keys := batches(found):
        found["D"] = _of_batches(table, names, {key: found.pop(key) for key in keys})
    usable = np.all([_positive(found[key]) for key in found if _needed(key, found)], axis=0)
    names, found, doubts = _in_counts(names, found, usable)
    keep = np.ones(table.rows, bool)
    skipped: dict[str, int] = {}
    for condition in where:
        met = holds(table, names, condition)
        skipped[f"not {condition}"] = int((keep & ~met).sum())
        keep &= met
    if bad := int((keep & ~usable).sum()):
        skipped["a value that is missing, not finite or not positive"] = bad
    rows = np.flatnonzero(keep & usable)
    if not rows.size:
        why = "; ".join(f"{count} rows: {reason}" for reason, count in skipped.items())
        raise ModelsizerError(f"{path}: no run is left ({why or 'the table is empty'})")
    taken = _with_both({key: values[rows] for key, values in found.items()})
    loss = taken.pop("loss")
    labels, models, few = _labels(table, names, rows)
    bad_rows = tuple(table.where(int(i)) for i in np.flatnonzero(keep & ~usable))
    doubts = [*implausible(names, taken), *doubts, *high_loss(loss)]
    said = (*doubts, *notes(table, names, form), *few)
    read = {column.name for column in names.values()}
    unread = tuple(name for name in table.columns if name not in read)
    return Runs(
        taken, loss, labels, models, names, skipped, path.name, table.sha256, bad_rows, said, unread
    )


def _of_batches(table: Table, names: Mapping[str, Column], found: Mapping[str, Array]) -> Array:
    """Tokens as steps by the tokens of a batch.

    Raises
    ------
    ModelsizerError
        If a batch of sequences has more tokens than any: it is of tokens already.
    """
    tokens: Array = np.prod(list(found.values()), axis=0)
    if "batch" in found:
        each = found["batch"] * found["sequence"]
        if np.nanmax(np.where(np.isfinite(each), each, np.nan), initial=0.0) > _MOST_IN_A_BATCH:
            name, most = names["batch"].name, format_number(float(np.nanmax(each)), 3)
            raise ModelsizerError(
                f"{table.path}: {name!r} x {names['sequence'].name!r} reaches {most} tokens a "
                f'batch; if {name!r} is in tokens, write --columns "batch_tokens={name}"'
            )
    return tokens


def _positive(values: Array) -> Array:
    return np.isfinite(values) & (np.where(np.isfinite(values), values, 0.0) > 0)


def _needed(key: str, found: Mapping[str, Array]) -> bool:
    """Whether a run without this value is left out: not for FLOPs beside tokens."""
    return key != "C" or "D" not in found


def _in_counts(
    names: dict[str, Column], found: dict[str, Array], usable: Array
) -> tuple[dict[str, Column], dict[str, Array], list[str]]:
    """Columns and values in the units that C = 6ND makes certain, and what is doubtful."""
    rows = np.flatnonzero(usable & _positive(found.get("C", np.full(len(usable), np.nan))))
    if not rows.size:
        return names, found, []
    counted = {key: found[key][rows] for key in DIMENSIONS if key in found}
    settled_names, _, doubts = settled(names, counted)
    for key in counted:
        if key in names and settled_names[key] != names[key]:
            found = found | {key: found[key] * settled_names[key].factor}
    return settled_names, found, doubts


def _with_both(taken: dict[str, Array]) -> dict[str, Array]:
    """Tokens and FLOPs by C = 6ND where one of them is missing."""
    if "D" not in taken:
        return taken | {"D": taken["C"] / (SIX * taken["N"])}
    counted = SIX * taken["N"] * taken["D"]
    given = taken.get("C", counted)
    return taken | {"C": np.where(_positive(given), given, counted)}


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


def holds(table: Table, names: Mapping[str, Column], condition: str) -> Array:
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
    values = numbers(table, column.name, column.factor, key)
    compare = _COMPARED[sign]
    return np.array([not math.isnan(v) and compare(float(v), limit) for v in values])
