"""Read rows from JSON: a line each, a list, or the ways in which pandas writes a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.plain_values import from_json


def rows_of(text: str) -> tuple[list[Mapping[str, Any]], list[int] | None]:
    """Rows of a text, and the line of each; None if rows are not lines.

    Raises
    ------
    ValueError
        If the text is no JSON, or its rows are not objects.
    """
    start = text.lstrip()[:1]
    if start == "[":
        try:
            return _checked(from_json(text), None)
        except _NotRowsError:
            pass  # lines of lists: reported below
        except ValueError as error:
            if text.lstrip()[1:].lstrip()[:1] == "{":
                raise ValueError(str(error)) from None
    if start == "{" and (whole := _of_one_object(text)) is not None:
        return _checked(whole, None)
    rows: list[Any] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(from_json(line))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        lines.append(number)
    return _checked(rows, lines)


class _NotRowsError(ValueError):
    """Raised if a row is not an object."""


def _checked(
    rows: Any, lines: list[int] | None
) -> tuple[list[Mapping[str, Any]], list[int] | None]:
    for i, row in enumerate(rows):
        if not isinstance(row, Mapping):
            where = f"row {i + 1}" if lines is None else f"line {lines[i]}"
            raise _NotRowsError(f'{where} is not an object such as {{"N": 1e8, "loss": 3.1}}')
    if lines == list(range(1, len(rows) + 1)):
        lines = None  # rows are counted instead
    return rows, lines


def _of_one_object(text: str) -> list[Any] | None:
    """Rows of a text that is one object holding a table; None if it is a row, or rows by line.

    Tables are a list of rows under one key, columns of lists, or columns of values by row, as
    pandas writes them.
    """
    try:
        whole = from_json(text)
    except ValueError:
        return None
    if not isinstance(whole, Mapping) or not whole:
        return None
    values = list(whole.values())
    lists = [value for value in values if isinstance(value, list)]
    tables = [value for value in lists if value and all(isinstance(v, Mapping) for v in value)]
    if len(tables) == 1 and len(lists) == 1:
        return tables[0]
    if len(lists) == len(values) and len({len(value) for value in lists}) == 1:
        return [dict(zip(whole, row, strict=True)) for row in zip(*values, strict=True)]
    if all(isinstance(value, Mapping) for value in values):
        keys = list(values[0])
        if keys and all(list(value) == keys for value in values) and _are_positions(keys):
            return [{name: column[key] for name, column in whole.items()} for key in keys]
    return None


def _are_positions(keys: list[str]) -> bool:
    return all(key.isdigit() for key in keys)
