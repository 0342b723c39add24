"""Plain values from texts in TOML and JSON, neither deeper nor larger than can be handled.

The parsers of the standard library give a RecursionError for deep nesting, a bare ValueError for
integers of more than 4300 digits, the last value for a key given twice in JSON, and take minutes
for dotted keys of thousands of parts. Here each of these is an error that names the key.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

from modelsizer.problems.errors import short

MOST_DEPTH = 32
"""Levels of nesting; the deepest that modelsizer writes has 7."""
NO_LIMIT = "none"
"""A limit that is lifted."""
LARGEST = int(sys.float_info.max)
"""Magnitude of numbers; larger integers have no floating-point value."""

# Each run of keys and dots is looked at once, from its first character.
_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w.\"'-]){_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{{MOST_DEPTH}}}")
_DIGITS = re.compile(r"[0-9_]{1000,}")  # an integer that no parser reads
_JSON_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')
_TOO_DEEP = f"is nested more than {MOST_DEPTH} levels deep"
_TOO_LARGE = f"is too large: the largest number is {sys.float_info.max:.3g}"


class PlainValueError(ValueError):
    """Raised for a value that cannot be handled.

    Parameters
    ----------
    key : str
        Dotted key of the value; empty if unknown or the whole.
    message : str
        What is wrong.
    line : int or None
        Line of the text, counted from 1, if known.
    """

    def __init__(self, key: str, message: str, line: int | None = None) -> None:
        self.key, self.message, self.line = key, message, line
        super().__init__(f"{key}: {message}" if key else message)


def from_toml(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises
    ------
    TOMLDecodeError
        For invalid syntax and duplicate keys.
    PlainValueError
        See `check_plain`.
    """
    if found := _LONG_KEY.search(text):
        key = f"{found[0][:40]}..."
        message = f"a dotted key has at most {MOST_DEPTH} parts"
        raise PlainValueError(key, message, _line(text, found.start()))
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise PlainValueError("", f"the text {_TOO_DEEP}") from None
    except ValueError as error:
        if (digits := _DIGITS.search(text)) is None:
            raise PlainValueError("", str(error)) from None
        raise PlainValueError("", _many(digits[0]), _line(text, digits.start())) from None
    check_plain(tables)
    return tables


def from_json(text: str, *, finite: bool = False) -> Any:
    """Parse JSON; NaN and Infinity are read, as Python and JavaScript libraries write them.

    Parameters
    ----------
    text : str
    finite : bool
        Refuse them, as the standard does (RFC 8259).

    Raises
    ------
    PlainValueError
        If the text is not JSON, an object has a key twice, or `check_plain` fails.
    """
    constant = _not_finite if finite else None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_constant=constant
        )
    except json.JSONDecodeError as error:
        raise PlainValueError("", f"not valid JSON: {error}") from None
    except RecursionError:
        raise PlainValueError("", f"the JSON {_TOO_DEEP}") from None
    except PlainValueError as error:
        if error.key or (digits := _DIGITS.search(text)) is None:
            raise
        before = _JSON_KEY.findall(text, max(0, digits.start() - 200), digits.start())
        raise PlainValueError(before[-1] if before else "", error.message) from None
    check_plain(value)
    return value


def check_plain(value: object) -> None:
    """Check depth, keys and integers of nested mappings and lists.

    Raises
    ------
    PlainValueError
        If they are nested too deep, a key is no text, or an integer is too large.
    """
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    while waiting:
        key, inner, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise PlainValueError(_shortened(key), _TOO_DEEP)
        if isinstance(inner, Mapping):
            for name, below in inner.items():
                if not isinstance(name, str):
                    raise PlainValueError(key, f"the key {short(name)} is not text")
                path = f"{key}.{name}" if key else name
                _look(path, below, depth, waiting)
        elif isinstance(inner, list | tuple):
            for below in inner:
                _look(key, below, depth, waiting)
        else:
            _look(key, inner, depth, [])


def _look(key: str, value: object, depth: int, waiting: list[tuple[str, object, int]]) -> None:
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            raise PlainValueError(key, f"{short(value)} {_TOO_LARGE}")
    elif isinstance(value, Mapping | list | tuple):
        waiting.append((key, value, depth + 1))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in found if names.count(name) > 1)
        raise PlainValueError(name, "this key is given twice; keep one of them")
    return found


def _not_finite(text: str) -> float:
    raise PlainValueError("", f"{text} is no number in JSON")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise PlainValueError("", _many(text)) from None


def _many(digits: str) -> str:
    return f"a whole number of {len(digits):,} digits, {digits[:8]}..., {_TOO_LARGE}"


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _shortened(key: str) -> str:
    return key if len(key) <= 60 else f"{key[:60]}..."
