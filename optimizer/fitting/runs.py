"""Reading a table of training runs: CSV, JSON lines or Parquet, its columns by name or as told."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.fitting.forms import Array, Design, Form
from problems.errors import ModelsizerError, did_you_mean

SIX = 6.0  # FLOPs of a parameter and a token: C = 6 N D (Kaplan et al. 2020, section 2.1)
ENDINGS = (".csv", ".jsonl", ".parquet")
NAMES: dict[str, tuple[str, ...]] = {
    "N": ("N", "params", "parameters", "n_params", "num_params", "num_parameters", "model_size",
          "total_params", "params_total", "params_active_precise", "params_active",
          "active_params", "non_embedding_params", "params_non_embedding"),
    "D": ("D", "tokens", "training_tokens", "train_tokens", "n_tokens", "num_tokens",
          "tokens_seen", "total_tokens"),
    "C": ("C", "flops", "training_flops", "training_flop", "train_flops", "total_flops", "flop",
          "compute"),
    "width": ("width", "d_model", "hidden_size", "n_embd", "dim", "hidden_dim"),
    "depth": ("depth", "layers", "n_layers", "num_layers", "n_layer", "num_hidden_layers"),
    "loss": ("loss", "final_loss", "val_loss", "validation_loss", "eval_loss", "test_loss"),
    "run": ("run", "run_name", "run_id", "name", "model", "model_name"),
}  # fmt: skip
"""What each column may be called; capitals, spaces and hyphens do not matter."""
_WORDS = {"N": "parameters", "D": "tokens", "C": "training FLOPs", "width": "d_model",
          "depth": "layers", "loss": "the loss"}  # fmt: skip
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "!=": lambda a, b: a != b,
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
_CONDITION = re.compile(r"\s*(.+?)\s*(>=|<=|!=|=|>|<)\s*(.+?)\s*$")


@dataclass(frozen=True)
class Runs:
    """Runs that can be fitted.

    Parameters
    ----------
    columns : mapping of array, shape (runs,)
        N, D, C and, where there are, width and depth; all positive.
    loss : array, shape (runs,)
    labels : tuple of str
        Name of each run, or its row in the table, the first row of data being 1.
    models : tuple of str or None
        Model of each run, where some model has several.
    used_names : mapping
        The table's name for each column; C may be computed.
    skipped : mapping
        Reason -> how many rows were left out for it.
    source, sha256 : str
    """

    columns: Mapping[str, Array]
    loss: Array
    labels: tuple[str, ...]
    models: tuple[str, ...] | None
    used_names: Mapping[str, str]
    skipped: Mapping[str, int]
    source: str = ""
    sha256: str = ""

    def design(self, form: Form) -> Design:
        """A form on these runs."""
        return Design(form, {name: self.columns[name] for name in form.columns}, np.log(self.loss))

    def take(self, kept: Array) -> Runs:
        """Some of them; kept is a mask."""
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
        )


def parse_columns(text: str | None) -> dict[str, str]:
    """``"N=Model Size,loss=loss"`` as a mapping.

    Raises
    ------
    ModelsizerError
        If a piece is no ``KEY=NAME`` or the key is unknown.
    """
    found: dict[str, str] = {}
    for piece in (text or "").split(","):
        if not piece.strip():
            continue
        key, equals, name = piece.partition("=")
        key, name = key.strip(), name.strip()
        if not equals or not name:
            raise ModelsizerError(f"--columns: {piece.strip()!r} is not KEY=NAME, such as D=tokens")
        if key not in NAMES:
            hint = did_you_mean(key, NAMES)
            raise ModelsizerError(f"--columns: unknown key {key!r}{hint}; keys: {', '.join(NAMES)}")
        if key in found:
            raise ModelsizerError(f"--columns: {key} is given twice")
        found[key] = name
    return found


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
        ``.csv``, ``.jsonl`` or ``.parquet``.
    form : Form
        Says which columns are needed; tokens may be left out where FLOPs are given.
    columns : mapping, optional
        The table's names for N, D, C, width, depth, loss and run.
    where : sequence of str
        Conditions such as ``"tokens>=100B"`` that rows must keep.

    Raises
    ------
    ModelsizerError
        If the file cannot be read, a column is not there, a value is no number, or no row is left.
    """
    table, digest = _table(path)
    if not table:
        raise ModelsizerError(f"{path}: there is no row")
    names = _mapped(path, list(table), columns or {}, form)
    keep = np.ones(len(next(iter(table.values()))), bool)
    skipped: dict[str, int] = {}
    for condition in where:
        holds = _holds(path, table, names, condition)
        skipped[f"not {condition}"] = int((keep & ~holds).sum())
        keep &= holds
    numbers = {
        key: _numbers(path, table[name], name) for key, name in names.items() if key != "run"
    }
    fit_for = np.ones(len(keep), bool)
    for values in numbers.values():
        fit_for &= np.isfinite(values) & (np.where(np.isfinite(values), values, 0.0) > 0)
    if bad := int((keep & ~fit_for).sum()):
        skipped["a value that is missing, not finite or not positive"] = bad
    rows = np.flatnonzero(keep & fit_for)
    if not rows.size:
        why = "; ".join(f"{count} rows: {reason}" for reason, count in skipped.items())
        raise ModelsizerError(f"{path}: no run is left ({why or 'the table is empty'})")
    taken = {key: values[rows] for key, values in numbers.items()}
    loss = taken.pop("loss")
    if "D" not in taken:
        taken["D"] = taken["C"] / (SIX * taken["N"])
    if "C" not in taken:
        taken["C"] = SIX * taken["N"] * taken["D"]
    labels, models = _labels(table, names, rows)
    return Runs(taken, loss, labels, models, names, skipped, path.name, digest)


def _labels(
    table: Mapping[str, list[Any]], names: Mapping[str, str], rows: Array
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    if "run" not in names:
        return tuple(f"row {i + 1}" for i in rows), None
    given = [str(table[names["run"]][i]) for i in rows]
    if len(set(given)) == len(given):
        return tuple(given), None
    return tuple(f"{n}, row {i + 1}" for n, i in zip(given, rows, strict=True)), tuple(given)


# The table


def _table(path: Path) -> tuple[dict[str, list[Any]], str]:
    """Columns as lists, and the hash of the file."""
    if path.suffix not in ENDINGS:
        raise ModelsizerError(f"{path} must end in {', '.join(ENDINGS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelsizerError(f"{path}: cannot be read: {error.strerror or error}") from None
    digest = hashlib.sha256(content).hexdigest()
    try:
        if path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            read = pq.read_table(pa.BufferReader(content)).to_pydict()
            return {str(name): list(values) for name, values in read.items()}, digest
        text = content.decode("utf-8-sig")
        return (_csv if path.suffix == ".csv" else _json_lines)(text), digest
    except (ValueError, OSError, csv.Error) as error:  # ArrowInvalid and JSON's are ValueErrors
        raise ModelsizerError(f"{path}: is no {path.suffix[1:]} table: {error}") from None


def _csv(text: str) -> dict[str, list[Any]]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows:
        return {}
    header = [name.strip() for name in rows[0]]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ValueError(f"the column {twice[0]!r} is there twice")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} values, the header {len(header)}")
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else ([] for _ in header)
    return {name: list(values) for name, values in zip(header, columns, strict=True)}


def _json_lines(text: str) -> dict[str, list[Any]]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is not an object")
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _numbers(path: Path, values: Sequence[Any], name: str) -> Array:
    """A column as numbers, NaN where there is none."""
    found = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            if isinstance(value, bool):
                raise ValueError
            found[i] = float(value)
        except (TypeError, ValueError):
            raise ModelsizerError(
                f"{path}: row {i + 1}: {value!r} in column {name!r} is not a number"
            ) from None
    return found


# Columns


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip()).lower()


def _mapped(
    path: Path, there: Sequence[str], told: Mapping[str, str], form: Form
) -> dict[str, str]:
    """The table's name for each column that there is."""
    listed = ", ".join(there)
    for key, name in told.items():
        if name not in there:
            hint = did_you_mean(name, there)
            raise ModelsizerError(
                f"--columns: {path} has no column {name!r} for {key}{hint}; it has: {listed}"
            )
    plain: dict[str, str] = {}
    for name in there:
        plain.setdefault(_plain(name), name)
    names = dict(told)
    taken = set(told.values())
    for key, known in NAMES.items():
        if key in names:
            continue
        exact = [key] if key in there and key not in taken else []
        common = [plain[_plain(n)] for n in known if _plain(n) in plain]
        free = [name for name in (*exact, *common) if name not in taken]
        if free:
            names[key] = free[0]
            taken.add(free[0])
    wanted = [*form.columns, "loss"]
    if "D" not in names and "C" in names:
        wanted.remove("D")
    for key in wanted:
        if key not in names:
            also = " (or C, training FLOPs)" if key == "D" else ""
            raise ModelsizerError(
                f"{path} has no column for {key}, {_WORDS[key]}{also}: name it by --columns "
                f"{key}=NAME; it has: {listed}"
            )
    needed = {*form.columns, "loss", "C", "run"}
    return {key: name for key, name in names.items() if key in needed}


def _holds(
    path: Path, table: Mapping[str, list[Any]], names: Mapping[str, str], condition: str
) -> Array:
    """Which rows keep a condition."""
    from problems.units import parse_quantity

    match = _CONDITION.match(condition)
    if match is None:
        raise ModelsizerError(f"--where: {condition!r} is no condition; write tokens>=100B")
    name, sign, text = match.groups()
    column = names.get(name, name) if name not in table else name
    if column not in table:
        hint = did_you_mean(name, [*table, *names])
        raise ModelsizerError(f"--where: {path} has no column {name!r}{hint}")
    try:
        limit = float(parse_quantity(text, "count"))
    except ValueError:
        if sign not in ("=", "!="):
            raise ModelsizerError(f"--where: {text!r} in {condition!r} is not a number") from None
        same = np.array([str(value) == text for value in table[column]])
        return same if sign == "=" else ~same
    values = _numbers(path, table[column], column)
    compare = _COMPARED[sign]
    return np.array([not math.isnan(v) and compare(float(v), limit) for v in values])
