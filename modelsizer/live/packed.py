"""Many values of nearly one shape as a short text, which a browser unpacks without help.

What repeats is written once: values are taken apart into columns, a column of equal values is one
value, and others are their distinct values and an index for each row. The JSON of that is deflated
(RFC 1950) and written in base64 (RFC 4648), as ``DecompressionStream("deflate")`` reads it.
`assets/offline.js` puts rows together again.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

_LEVEL = 9
_LONGEST = 64
"""Entries of a list that is taken apart; of longer ones each is a value by itself."""


def packed(rows: Sequence[Any]) -> str:
    """Pack plain values for JSON, of which there is one at least.

    Returns
    -------
    str
        Base64 of the deflated JSON ``{"n": number of rows, "of": column}``, see `columns`.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    value = {"n": len(rows), "of": columns(rows)}
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return b64encode(zlib.compress(text.encode(), _LEVEL)).decode()


def columns(rows: Sequence[Any]) -> dict[str, Any]:
    """A column of rows.

    Returns
    -------
    dict
        ``{"k": value}``: every row has this value. ``{"d": {key: column}}``: rows are tables with
        these keys. ``{"l": [column, ...]}``: rows are lists as long. ``{"g": [number of a group of
        each row], "of": [column of each group]}``: rows of several shapes. ``{"u": [values], "i":
        [index of each row]}``: anything else.
    """
    texts = [json.dumps(row, ensure_ascii=False) for row in rows]
    if len(set(texts)) == 1:
        return {"k": rows[0]}
    shapes = [_shape(row) for row in rows]
    kinds = list(dict.fromkeys(shapes))
    if len(kinds) > 1:
        groups = {kind: number for number, kind in enumerate(kinds)}
        of = [[r for r, s in zip(rows, shapes, strict=True) if s == kind] for kind in kinds]
        return {"g": [groups[shape] for shape in shapes], "of": [columns(each) for each in of]}
    if isinstance(rows[0], dict) and rows[0]:
        return {"d": {key: columns([row[key] for row in rows]) for key in rows[0]}}
    if isinstance(rows[0], list | tuple) and rows[0] and len(rows[0]) <= _LONGEST:
        return {"l": [columns(column) for column in zip(*rows, strict=True)]}
    first = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    values = dict(zip(texts, rows, strict=True))
    return {"u": [values[text] for text in first], "i": [first[text] for text in texts]}


def _shape(row: Any) -> tuple[Any, ...]:
    """What rows of one column have in common."""
    if isinstance(row, dict):
        return ("table", *row)
    if isinstance(row, list | tuple):
        return ("list", len(row))
    return ("value",)
