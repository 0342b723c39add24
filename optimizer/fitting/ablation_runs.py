"""Read runs in which choices of an architecture were varied, in groups of one base each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modelsizer.optimizer.fitting.column_values import is_missing, numbers
from modelsizer.optimizer.fitting.columns import Column, column_for
from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.fitting.runs import holds
from modelsizer.optimizer.fitting.tables import Table, read_table
from modelsizer.problems.errors import ModelsizerError, did_you_mean, short
from modelsizer.problems.key_values import split_pair
from modelsizer.problems.laws.ablated import CHOICES, units_of
from modelsizer.problems.records import dataclass

BASE, LOSS = "base", "loss"
_COUNTS = ("N", "D")
_OF_FITS = (LOSS, *_COUNTS)  # columns that every fit reads
KEYS = (LOSS, BASE, "N", "D", *CHOICES)
"""What a column may hold."""
_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        BASE: ("group", "base_id", "id", "pair"),
        "heads": ("num_heads", "n_heads", "n_head", "num_attention_heads"),
        "kv_heads": ("num_kv_heads", "n_kv_heads", "num_key_value_heads", "num_query_groups"),
        "r": ("ffn_over_attention", "mlp_to_attention"),
        "window": ("sliding_window", "window_size"),
    }
)


@dataclass(frozen=True, slots=True)
class AblationRun:
    """One run.

    Parameters
    ----------
    label : str
        Its row in the table.
    base : str
        What it shares with the runs that it is compared with.
    loss : float
    choices : mapping
        Of `modelsizer.problems.laws.ablated.CHOICES`.
    units : mapping of float
        What each coefficient of the terms is multiplied by.
    n, d : float or None
        Parameters and tokens, where the table has both.
    """

    label: str
    base: str
    loss: float
    choices: Mapping[str, Any]
    units: Mapping[str, float]
    n: float | None
    d: float | None


@dataclass(frozen=True, slots=True)
class AblationRuns:
    """The runs of a table.

    Parameters
    ----------
    runs : tuple of AblationRun
    source, sha256 : str
    columns : mapping of str to Column
        Column of each key, with its unit.
    skipped : mapping of int
        Rows that were left out, by reason.
    """

    runs: tuple[AblationRun, ...]
    source: str
    sha256: str
    columns: Mapping[str, Column]
    skipped: Mapping[str, int]


def parse_ablation_columns(text: str | None) -> dict[str, str]:
    """Parse ``"loss=paloma,kv_heads=kv"`` into a mapping.

    Raises
    ------
    ModelsizerError
        If a piece is not ``KEY=NAME``, or the key is unknown.
    """
    found: dict[str, str] = {}
    for piece in filter(str.strip, (text or "").split(",")):
        pair = split_pair(piece)
        if pair is None:
            raise ModelsizerError(f"--columns: {short(piece.strip())} is not KEY=NAME")
        found[pair[0]] = pair[1]
    return found


def read_ablation_runs(
    path: Path, columns: Mapping[str, str] | None = None, where: Sequence[str] = ()
) -> AblationRuns:
    """Read runs, each with its base and its choices.

    Parameters
    ----------
    path : Path
    columns : mapping, optional
        Names in the table for `KEYS`, with a unit where the name does not state it; those of the
        same name and some others are known, of the loss, N and D those that `fit` knows.
    where : sequence of str
        Conditions that rows must satisfy.

    Raises
    ------
    ModelsizerError
        If the file cannot be read, a column is missing, or a value is none.
    """
    table = read_table(path)
    names = _names(table, columns or {})
    values = {
        key: numbers(table, column.name, column.factor, key if key in _COUNTS else None)
        for key, column in names.items()
        if key not in (BASE, "between")
    }
    skipped: dict[str, int] = {}
    kept = [True] * table.rows
    for condition in where:
        met = holds(table, names, condition)
        skipped[f"not {condition}"] = sum(k and not m for k, m in zip(kept, met, strict=True))
        kept = [k and bool(m) for k, m in zip(kept, met, strict=True)]
    found: list[AblationRun] = []
    without = 0
    for i in range(table.rows):
        if not kept[i]:
            continue
        if not math.isfinite(values[LOSS][i]):
            without += 1
            continue
        found.append(_run(table, names, values, i))
    if without:
        skipped["no loss"] = without
    return AblationRuns(tuple(found), path.name, table.sha256, names, skipped)


def _names(table: Table, told: Mapping[str, str]) -> dict[str, Column]:
    for key, name in told.items():
        if key not in KEYS:
            hint = did_you_mean(key, KEYS)
            raise ModelsizerError(
                f"--columns: unknown key {short(key)}{hint}; keys: {', '.join(KEYS)}"
            )
        if key not in _OF_FITS and name not in table.columns:
            hint = did_you_mean(name, list(table.columns))
            raise ModelsizerError(f"--columns: {table.path} has no column {short(name)}{hint}")
    found = {key: Column(name) for key, name in told.items() if key not in _OF_FITS}
    plain = {_plain(name): name for name in table.columns}
    for key in KEYS:
        taken = [column.name for column in found.values()]
        if key in _OF_FITS:
            if (column := column_for(table, key, told.get(key), taken)) is not None:
                found[key] = column
            continue
        spellings = (key.lower(), *_SPELLINGS.get(key, ()))
        likely = [plain[each] for each in spellings if each in plain]
        if key not in found and likely and likely[0] not in taken:
            found[key] = Column(likely[0])
    listed = ", ".join(table.columns)
    if LOSS not in found:
        raise ModelsizerError(f"{table.path} has no column loss: name it by --columns loss=NAME; "
                              f"it has: {listed}")  # fmt: skip
    if BASE not in found and not {"N", "D"} <= found.keys():
        raise ModelsizerError(
            f"{table.path} does not say which runs have the same base: give a column base, or N "
            f"and D, by --columns base=NAME; it has: {listed}"
        )
    if not any(key in found for key in CHOICES):
        raise ModelsizerError(
            f"{table.path} has no choice that a term sees: {', '.join(CHOICES)}; it has: {listed}"
        )
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _run(
    table: Table, names: Mapping[str, Column], values: Mapping[str, Array], i: int
) -> AblationRun:
    """One row as a run."""
    choices: dict[str, Any] = {}
    for key in CHOICES:
        cell = table.columns[names[key].name][i] if key in names else None
        if is_missing(cell):
            continue
        choices[key] = str(cell).strip() if key == "between" else float(values[key][i])
    try:
        units = units_of(choices)
    except ValueError as error:
        raise ModelsizerError(f"{table.path}: {table.where(i)}: {error}") from None
    n, d = (float(values[key][i]) if key in values else math.nan for key in ("N", "D"))
    counted = math.isfinite(n) and math.isfinite(d) and n > 0 and d > 0
    if BASE in names:
        base = str(table.columns[names[BASE].name][i]).strip()
    elif counted:
        base = f"N {n:.9g}, D {d:.9g}"
    else:
        raise ModelsizerError(f"{table.path}: {table.where(i)}: N and D are not positive numbers")
    return AblationRun(
        f"row {i + 1}",
        base,
        float(values[LOSS][i]),
        choices,
        units,
        n if counted else None,
        d if counted else None,
    )
