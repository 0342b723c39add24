"""Texts of the form ``key=value``, and values as a problem file writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelsizer.problems.errors import ProblemError, short
from modelsizer.problems.plain_values import from_toml

_NO_TEXT = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OPEN, _CLOSE, _QUOTES = "[{", "]}", "\"'"


def read_value(text: str) -> Any:
    """A value as TOML has it, or else as plain text: ``80 GB`` needs no quotes.

    Examples
    --------
    >>> read_value("1e24"), read_value("[1, 2]"), read_value("80 GB")
    (1e+24, [1, 2], '80 GB')
    """
    try:
        value = from_toml(f"value = {text}")
        whole = from_toml(f"value = [{text}]")  # of more than a value, such as a comment, not
    except ValueError:
        return text
    return value["value"] if list(value) == ["value"] and len(whole["value"]) == 1 else text


def write_value(value: Any) -> str:
    """A plain value in TOML, on one line.

    Examples
    --------
    >>> write_value({"min": 8, "max": 1e24}), write_value(["80 GB", True])
    ('{min = 8, max = 1e24}', '["80 GB", true]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        pairs = (f"{write_key(key)} = {write_value(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    return repr(value).replace("e+", "e")


def write_key(key: str) -> str:
    """A key in TOML: in quotes where it has other than letters, digits, hyphens and underscores."""
    return key if _BARE.fullmatch(key) else write_value(key)


def one_line(text: str, option: str) -> str:
    """The text, which must be one line that can be printed.

    Parameters
    ----------
    text : str
    option : str
        What the error message names.

    Raises
    ------
    ProblemError
        If it has a line break or another control character, or is not Unicode text.
    """
    if found := _NO_TEXT.search(text):
        what = "a line break" if found[0] in "\r\n" else f"the character {found[0]!a}"
        raise ProblemError.of(option, f"{short(text)} holds {what}; write one line without it")
    return text


def split_pair(text: str) -> tuple[str, str] | None:
    """Key and value of ``key=value`` as text; None where one of them is missing.

    Examples
    --------
    >>> split_pair("training.tokens = 15T")
    ('training.tokens', '15T')
    """
    key, sign, value = (part.strip() for part in text.partition("="))
    return (key, value) if sign and key and value else None


def split_pairs(texts: Iterable[str], option: str) -> list[tuple[str, str]]:
    """Key and value of each ``key=value``, as text.

    Parameters
    ----------
    texts : iterable of str
    option : str
        What the error message names, such as ``--set``.

    Raises
    ------
    ProblemError
        If a text has no key or no value.
    """
    found = []
    for text in texts:
        pair = split_pair(one_line(text, option))
        if pair is None:
            raise ProblemError.of(option, f"{short(text)} is not key=value")
        found.append(pair)
    return found


def read_pairs(texts: Iterable[str], option: str = "--set") -> dict[str, object]:
    """Values by key of ``key=value`` texts; of a key given twice the last.

    Parameters
    ----------
    texts : iterable of str
    option : str
        What the error message names.

    Raises
    ------
    ProblemError
        If a text has no key or no value.

    Examples
    --------
    >>> read_pairs(["space.layers=80", "budgets.kv_cache=16 GiB"])
    {'space.layers': 80, 'budgets.kv_cache': '16 GiB'}
    """
    return {key: read_value(value) for key, value in split_pairs(texts, option)}


def check_apart(settings: Mapping[str, object], without: Iterable[str]) -> None:
    """Refuse a limit that is set and left out at once.

    Parameters
    ----------
    settings : mapping of str to value
        Of `--set`, by dotted key.
    without : iterable of str
        Dotted keys of `--without`.

    Raises
    ------
    ProblemError
        With both keys, which are the same, or one is a part of the other.
    """
    left = tuple(without)
    for given, value in settings.items():
        for key in left:
            if f"{given}.".startswith(f"{key}.") or f"{key}.".startswith(f"{given}."):
                message = f"--set {given} = {short(value)} gives it; keep one of the two"
                raise ProblemError.of(f"--without {key}", message)


def split_list(text: str) -> list[str]:
    """A text split at the commas that are outside of brackets and quotes.

    Examples
    --------
    >>> split_list('[1, 2], "a, b", {min = 1, max = 2}')
    ['[1, 2]', '"a, b"', '{min = 1, max = 2}']
    """
    found, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth -= 1
        elif letter == "," and depth == 0:
            found.append("")
            continue
        found[-1] += letter
    return [piece.strip() for piece in found]
