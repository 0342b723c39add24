"""JSON of answers: a key a line, and of lists of rows a row a line.

The rows are text by the C encoder, which the standard library uses only without indentation: some
ten times as fast, and they are never all held as one text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_INDENT = "  "
_line = json.JSONEncoder(allow_nan=False).encode


def json_pieces(value: Any) -> Iterator[str]:
    """JSON of an answer in pieces, with a newline at the end.

    Parameters
    ----------
    value : object
        As `json.dumps` takes it; a value of a mapping, or of one within, may be any iterable of
        rows, which is read once.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    yield from _pieces(value, "\n")
    yield "\n"


def _pieces(value: Any, newline: str) -> Iterator[str]:
    inner = newline + _INDENT
    if isinstance(value, Mapping) and value:
        before = "{"
        for key, one in value.items():
            yield f"{before}{inner}{_line(str(key))}: "
            yield from _pieces(one, inner)
            before = ","
        yield newline + "}"
    elif isinstance(value, Iterable) and not isinstance(value, Mapping | str):
        yield from _rows(value, newline)
    else:
        yield _line(value)


def _rows(rows: Iterable[Any], newline: str) -> Iterator[str]:
    """A row a line; numbers and words on one line."""
    if isinstance(rows, list | tuple) and not any(isinstance(r, dict | list | tuple) for r in rows):
        yield _line(rows)
        return
    before = "[" + newline + _INDENT
    for row in rows:
        yield before
        yield _line(row)
        before = "," + newline + _INDENT
    yield newline + "]" if before[0] == "," else "[]"
