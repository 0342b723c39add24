"""Identify the columns of a table, by their names or as the user states."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from modelsizer.optimizer.fitting.column_meanings import (
    OTHER_NAMES,
    Reading,
    loss_kind,
    parameters_kind,
    read_name,
    unit_of_loss,
)
from modelsizer.optimizer.fitting.column_names import stated_unit, words_of
from modelsizer.optimizer.fitting.column_values import DIMENSIONS, is_missing, numbers, numeric
from modelsizer.optimizer.fitting.tables import Table
from modelsizer.optimizer.fitting.terms import Form
from modelsizer.problems.errors import ModelsizerError, did_you_mean, short
from modelsizer.problems.key_values import split_pair
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import parse_quantity

UnitFrom = Literal["", "name", "cells", "told", "6ND"]
WORDS = {"N": "parameters", "D": "tokens", "C": "training FLOPs", "width": "d_model",
         "depth": "layers", "loss": "the loss"}  # fmt: skip
KEYS = ("N", "D", "C", *(key for key in OTHER_NAMES if key != "run"), "loss", "run")
"""What a column may be, in the order in which columns are looked for."""
BATCHES = ("steps", "batch", "sequence", "batch_tokens")
"""Columns whose product is tokens."""
_KINDS = {
    "total": "all parameters",
    "non_embedding": "parameters without embeddings",
    "active": "active parameters",
    "held out": "of held-out text",
    "training": "of training text",
}
_ALIKE = 1e-2  # relative difference below which two columns say the same
_MOST_LISTED = 40


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Parameters
    ----------
    name : str
        Name in the table.
    factor : float
        Multiplier of each value.
    unit_from : {"", "name", "cells", "told", "6ND"}
        What says so: the name, its cells, the user, or that C = 6ND holds in that unit alone.
    kind : str
        Which parameters, or the loss of which text.
    odd : str
        Text in brackets in its name that is not understood.
    others : tuple of str
        Other columns that might be meant.
    """

    name: str
    factor: float = 1.0
    unit_from: UnitFrom = ""
    kind: str = ""
    odd: str = ""
    others: tuple[str, ...] = ()

    @property
    def as_told(self) -> str:
        """The column as ``--columns`` takes it, with a unit that its name does not state."""
        stated = self.unit_from in ("told", "6ND")
        return f"{self.name}*{self.factor:.15g}" if stated else self.name

    def meaning(self, key: str) -> str:
        """What the column is taken for, in words."""
        kind = _KINDS.get(self.kind, "")
        if key == "N" and kind:
            return kind
        word = WORDS.get(key, key).replace("the loss", "loss" if kind else "a loss")
        return f"{word} {kind}".strip()

    def to_dict(self, key: str) -> dict[str, Any]:
        """Convert to a mapping for JSON."""
        return {
            "column": self.name,
            "unit": DIMENSIONS.get(key),
            "factor": self.factor,
            "factor_from": self.unit_from or None,
            "meaning": self.meaning(key),
        }


def parse_columns(text: str | None) -> dict[str, str]:
    """Parse ``"N=Model Size,C=flops*1e9"`` into a mapping.

    Raises
    ------
    ModelsizerError
        If a piece is not of the form ``KEY=NAME``, or the key is unknown.
    """
    found: dict[str, str] = {}
    for piece in (text or "").split(","):
        if not piece.strip():
            continue
        pair = split_pair(piece)
        if pair is None:
            raise ModelsizerError(
                f"--columns: {short(piece.strip())} is not KEY=NAME, such as D=tokens"
            )
        key, name = pair
        if key not in KEYS:
            hint = did_you_mean(key, KEYS)
            raise ModelsizerError(
                f"--columns: unknown key {short(key)}{hint}; keys: {', '.join(KEYS)}"
            )
        if key in found:
            raise ModelsizerError(f"--columns: {key} is given twice")
        found[key] = name
    return found


def mapped(
    table: Table, told: Mapping[str, str], form: Form, counts: ParameterKind | None = None
) -> dict[str, Column]:
    """Find the column for each required key, and for the optional keys that are present.

    Parameters
    ----------
    table : Table
    told : mapping of str to str
        Columns that the user states, with their unit where the name does not: ``flops*1e9``.
    form : Form
        Determines which columns are needed.
    counts : {"total", "non_embedding", "active"}, optional
        Which parameters to take where the table has several counts.

    Raises
    ------
    ModelsizerError
        If a required or stated column is missing, or several are equally likely.
    """
    found = {key: _stated(table, key, text) for key, text in told.items()}
    taken = {column.name for column in found.values()}
    unclear: dict[str, tuple[str, ...]] = {}
    for key in KEYS:
        if key in found:
            continue
        names, equal = _likely(table, key, taken, counts or form.counts)
        if equal:
            unclear[key] = equal
        elif names:
            found[key] = names
            taken.add(names.name)
    wanted = [*form.columns, "loss"]
    if "D" not in found and "D" not in unclear and ({"C", "N"} <= set(found) or batches(found)):
        wanted.remove("D")
        if "C" in unclear and not batches(found):
            wanted.append("C")
    for key in wanted:
        if key in unclear:
            raise _several(table, key, unclear[key])
        if key not in found:
            also = " (or C, training FLOPs)" if key == "D" else ""
            word = f", {WORDS[key]}" if key in WORDS and key != "loss" else ""
            hint = _perplexity(table) if key == "loss" else ""
            raise ModelsizerError(
                f"{table.path} has no column for {key}{word}{also}: name it by --columns "
                f"{key}=NAME; it has: {_listed(list(table.columns))}{hint}"
            )
    needed = {*form.columns, "loss", "C", "run"}
    needed |= (
        set(batches(found))
        if "D" not in found and ("C" not in found or told.get("steps"))
        else set()
    )
    return {key: column for key, column in found.items() if key in needed}


def batches(found: Collection[str]) -> tuple[str, ...]:
    """Keys of columns whose product is tokens, if all of a product are there."""
    for keys in (("steps", "batch_tokens"), ("steps", "batch", "sequence")):
        if all(key in found for key in keys):
            return keys
    return ()


def column_for(
    table: Table, key: str, told: str | None = None, taken: Collection[str] = ()
) -> Column | None:
    """The column of one key, as the user states or by its name; None if no name is likely.

    Parameters
    ----------
    table : Table
    key : str
        One of `KEYS`.
    told : str, optional
        Column that the user states, with its unit where the name does not: ``params*1e6``.
    taken : collection of str
        Columns that hold something else.

    Raises
    ------
    ModelsizerError
        If there is no such column, or several are equally likely.
    """
    if told is not None:
        return _stated(table, key, told)
    found, equal = _likely(table, key, set(taken), None)
    if equal:
        raise _several(table, key, equal)
    return found


def _several(table: Table, key: str, names: Sequence[str]) -> ModelsizerError:
    return ModelsizerError(
        f"{table.path} has several columns that may be {WORDS.get(key, key)}, and they "
        f"differ: {', '.join(names)}; name one by --columns {key}={names[0]}"
    )


def _stated(table: Table, key: str, text: str) -> Column:
    """The column that the user states, and its unit.

    Raises
    ------
    ModelsizerError
        If there is no such column.
    """
    name, factor = _with_factor(table, key, text)
    if name not in table.columns:
        hint = did_you_mean(name, list(table.columns))
        raise ModelsizerError(
            f"--columns: {table.path} has no column {short(name)} for {key}{hint}; it has: "
            f"{_listed(list(table.columns))}"
        )
    reading = read_name(key, name) or Reading(())
    kind, known = reading.kind, reading.factor
    if key == "N":
        kind = parameters_kind(name)
    elif key == "loss":
        kind = loss_kind(name)
    if known is None and key in DIMENSIONS:
        known = stated_unit(key, words_of(name))
    if factor is not None:
        return Column(name, factor, "told", kind)
    return _with_unit(table, key, Column(name, known or 1.0, "name" if known else "", kind,
                                         reading.odd))  # fmt: skip


def _with_factor(table: Table, key: str, text: str) -> tuple[str, float | None]:
    """Name and factor of ``flops*1e9`` or ``flops (GFLOPs)``, where the table has ``flops``."""
    if text in table.columns:
        return text, None
    name, sign, factor = (part.strip() for part in text.rpartition("*"))
    if sign and name in table.columns:
        try:
            return name, float(parse_quantity(factor, "count"))
        except ValueError:
            raise ModelsizerError(
                f"--columns: {short(factor)} in {short(text)} is not a number, such as 1e9"
            ) from None
    bracketed = re.fullmatch(r"(.+?)\s*[(\[](.+)[)\]]\s*", text)
    if bracketed and bracketed[1] in table.columns and key in DIMENSIONS:
        unit = stated_unit(key, words_of(f"x ({bracketed[2]})"))
        if unit is not None:
            return bracketed[1], unit
    return text, None


def _likely(
    table: Table, key: str, taken: set[str], counts: ParameterKind | None
) -> tuple[Column | None, tuple[str, ...]]:
    """The column that a key most likely is, or else the names of equally likely ones."""
    read = {name: read_name(key, name) for name in table.columns if name not in taken}
    known = {name: reading for name, reading in read.items() if reading is not None}
    if key == "steps":
        known = {name: r for name, r in known.items() if not name.startswith("_")}  # W&B's _step
    if key != "run":
        right = {
            n: r for n, r in known.items() if _there(table, n) and numeric(table.columns[n], key)
        }
        known = right or known
    if not known:
        return None, ()
    ordered = sorted(known, key=lambda name: known[name].rank)
    if key == "N":
        kind = _kind_to_take(table, known, ordered, counts)
        ordered.sort(key=lambda name: known[name].kind != kind)
    first = known[ordered[0]]
    equal = [n for n in ordered if known[n].rank == first.rank and known[n].kind == first.kind]
    if key in (*DIMENSIONS, "loss") and len(equal) > 1 and not _alike(table, key, equal, known):
        return None, tuple(equal)
    factor, name = first.factor, ordered[0]
    others = tuple(
        other
        for other in ordered[1:]
        if key in ("N", "loss") and not _alike(table, key, (name, other), known)
    )
    column = Column(name, factor or 1.0, "name" if factor else "", first.kind, first.odd, others)
    return _with_unit(table, key, column), ()


def _kind_to_take(
    table: Table, known: Mapping[str, Reading], ordered: Sequence[str], counts: str | None
) -> str:
    """Which count of parameters: as asked; active ones of mixtures; else all before others."""
    firsts = {kind: [n for n in ordered if known[n].kind == kind] for kind in
              ("total", "active", "non_embedding")}  # fmt: skip
    if counts and firsts.get(counts):
        return counts
    if firsts["total"] and firsts["active"]:
        pair = [firsts["total"][0], firsts["active"][0]]
        return "total" if _alike(table, "N", pair, known) else "active"
    return next(kind for kind, names in firsts.items() if names)


def _there(table: Table, name: str) -> bool:
    return not all(is_missing(value) for value in table.columns[name])


def _alike(table: Table, key: str, names: Sequence[str], known: Mapping[str, Reading]) -> bool:
    """Whether columns have the same values where both have one."""
    try:
        first, *rest = (numbers(table, n, known[n].factor or 1.0, key) for n in names)
    except ModelsizerError:
        return False
    return all(
        bool(np.all(np.isclose(first, other, rtol=_ALIKE) | np.isnan(first) | np.isnan(other)))
        for other in rest
    )


def _with_unit(table: Table, key: str, column: Column) -> Column:
    """The column, marked if its cells state units, which go before that of its name."""
    if key not in DIMENSIONS:
        return column
    cells = [v for v in table.columns[column.name] if isinstance(v, str) and not is_missing(v)]
    if any(re.search(r"\d\s*(?:[A-DF-Za-df-z]|[Ee][A-Za-z])", value) for value in cells):
        return replace(column, factor=1.0, unit_from="cells")
    return column


def _perplexity(table: Table) -> str:
    """What a table without a loss may have in its place."""
    found = next((name for name in table.columns if unit_of_loss(name) == "perplexity"), None)
    return f"; {short(found)} is a perplexity: write its logarithm as a column" if found else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
