"""Open nested values: mappings in rows of JSON, and mappings written as text in cells of a CSV."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.problems.plain_values import from_json

_NO_LITERAL = re.compile(r"(?<=[:\[(,\s])[+-]?(?:nan|inf|NaN|Infinity)(?=[\s,\])}])")
_MOST_CHARACTERS = 1_000_000


def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Flatten nested values of a row into dotted names."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def opened(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Replace columns of mappings written as text by a column for each of their values.

    So W&B's API is exported with pandas: a column ``summary`` and a column ``config``, of Python's
    or JSON's dictionaries.
    """
    found: dict[str, list[Any]] = {}
    for name, values in columns.items():
        rows = _mappings(values)
        if rows is None:
            found[name] = values
            continue
        inner = [flat(row, f"{name}.") for row in rows]
        for key in dict.fromkeys(key for row in inner for key in row):
            found[key] = [row.get(key) for row in inner]
    return found


def _mappings(values: Sequence[Any]) -> list[Mapping[str, Any]] | None:
    """The mappings that cells hold as text, empty for an empty cell; None if they hold others."""
    there = [str(value).strip() for value in values]
    if not any(there) or any(text and not (text[0] == "{" and text[-1] == "}") for text in there):
        return None
    found = []
    for text in there:
        row = _mapping(text) if text else {}
        if row is None:
            return None
        found.append(row)
    return found


def _mapping(text: str) -> Mapping[str, Any] | None:
    if len(text) > _MOST_CHARACTERS:
        return None
    try:
        value = from_json(text)
    except ValueError:
        try:
            value = ast.literal_eval(_NO_LITERAL.sub("None", text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    if not isinstance(value, Mapping):
        return None
    return {str(key): inner for key, inner in value.items()}
