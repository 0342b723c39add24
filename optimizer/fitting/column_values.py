"""Read the values of a column as numbers: ``1.3e9``, ``"1,300,000,000"``, ``"1.3B"``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.column_names import unit_word, words_of
from modelsizer.optimizer.fitting.tables import Table
from modelsizer.optimizer.fitting.terms import Array
from modelsizer.problems.errors import ModelsizerError, short
from modelsizer.problems.units import parse_quantity

DIMENSIONS = {"N": "parameters", "D": "tokens", "C": "FLOPs"}
_MISSING = frozenset(
    ("", "na", "n/a", "n.a.", "nan", "none", "null", "-", "--", "?", "#n/a", "#value!", "#div/0!",
     "#ref!", "<na>", "missing")
)  # fmt: skip
_NOT_FINITE = frozenset(
    [f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity")]
    + ["diverged", "oom", "crashed", "failed"]
)
"""Losses of runs that diverged or failed."""
_NUMBER_AND_UNIT = re.compile(r"~?\s*([+-]?[\d.,_]+(?:[eE][+-]?\d+)?)\s*(.*)")
_LONGEST = 60  # characters of a number and its unit


def is_missing(value: Any) -> bool:
    """Whether a cell is empty, or says so in a word."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _MISSING)


def numbers(table: Table, name: str, factor: float = 1.0, key: str | None = None) -> Array:
    """Read a column as numbers, NaN for missing values and inf for runs that diverged.

    Parameters
    ----------
    table : Table
    name : str
    factor : float
        Of the column's unit.
    key : str, optional
        What the column holds: units in cells of N, D and C are read.

    Raises
    ------
    ModelsizerError
        If a value is not a number.
    """
    values = table.columns[name]
    found = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if is_missing(value):
            continue
        try:
            found[i] = _number(value, key) * factor
        except (TypeError, ValueError, OverflowError):
            where = f"{table.path}: {table.where(i)}"
            raise ModelsizerError(
                f"{where}: {short(value)} in column {name!r} is not a number{_remedy(value)}"
            ) from None
    return found


def numeric(values: Sequence[Any], key: str) -> bool:
    """Whether most cells that are there are numbers."""
    there = [value for value in values if not is_missing(value)]
    right = 0
    for value in there:
        try:
            _number(value, key)
        except (TypeError, ValueError, OverflowError):
            continue
        right += 1
    return 2 * right > len(there)


def _number(value: Any, key: str | None) -> float:
    if isinstance(value, bool):
        raise ValueError
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    if text.lower() in _NOT_FINITE:
        return float("inf")
    if key not in DIMENSIONS:
        if text[-1:].isalpha():
            raise ValueError
        return float(parse_quantity(text, "count"))
    try:
        return float(parse_quantity(text, DIMENSIONS[key]))
    except ValueError:
        return _with_words(text, key)


def _with_words(text: str, key: str) -> float:
    """A number and a unit as people write them: 1.5b, ~300 million, 2.5 PF-days.

    Raises
    ------
    ValueError
        If a word is no unit.
    """
    match = _NUMBER_AND_UNIT.fullmatch(text[:_LONGEST])
    if match is None or len(text) > _LONGEST:
        raise ValueError
    words = words_of(match[2])
    factor, plain = 1.0, DIMENSIONS[key].lower()
    for word in (*words.context, *words.leaf, *words.bracketed):
        if word.lower() in (plain, plain.rstrip("s"), "params", "param", "of", "toks", "tok"):
            continue
        found = unit_word(key, word)
        if found is None:
            raise ValueError
        factor *= found
    return float(parse_quantity(match[1], "count")) * factor


def _remedy(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+,\d+", value.strip()):
        return f"; if its comma is a decimal point, write {value.strip().replace(',', '.')}"
    return "; leave the cell empty to leave the run out"
