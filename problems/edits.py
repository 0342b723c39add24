"""Keyword settings: changed tables from mappings, and from limits by their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modelsizer.problems.errors import ArgumentError, did_you_mean, short
from modelsizer.problems.plain_values import NO_LIMIT
from modelsizer.problems.registry import loosely
from modelsizer.problems.typed_tables import Table

_NAME, _BUDGETS, _PRICES = "name", "budgets", "prices"


def edited(
    raw: Mapping[str, Any],
    keywords: Mapping[str, object],
    limits: Mapping[str, object],
    names: Mapping[str, tuple[str, ...]],
    lifted: Collection[str],
) -> dict[str, Any]:
    """New values of the tables that keywords change; None for a table that is left out.

    Parameters
    ----------
    raw : mapping
        The tables as they are.
    keywords : mapping
        Tables, or keys of none, with their new values.
    limits : mapping
        All other keywords.
    names : mapping of str to tuple of str
        Keys of each table that has given ones.
    lifted : collection of str
        Names of limits that hold by themselves, where the tables say nothing.

    Raises
    ------
    ArgumentError
        If a keyword is neither a table nor a limit, a table is given something else, or a limit
        is given twice.
    """
    changed: dict[str, Any] = {}
    for name, value in keywords.items():
        if value is None or name == _NAME:
            changed[name] = value
        else:
            changed[name] = _merged(name, raw.get(name, {}), _keys(name, value), lifted)
    for name in limits:
        if name not in names[_BUDGETS]:
            raise ArgumentError(name, _unknown(name, names))
        if name in dict(_keys(_BUDGETS, keywords.get(_BUDGETS))):
            raise ArgumentError(name, "is given twice, by itself and in budgets")
    if limits:
        base = changed.get(_BUDGETS, raw.get(_BUDGETS, {})) or {}
        changed[_BUDGETS] = _merged(_BUDGETS, base, limits.items(), lifted)
    return changed


def _keys(name: str, value: object) -> Collection[tuple[str, object]]:
    if value is None:
        return ()
    given = value.given() if isinstance(value, Table) else value
    if not isinstance(given, Mapping):
        raise ArgumentError(name, f"{short(value)} is not a table of keys and values")
    return given.items()


def _merged(
    name: str,
    base: Mapping[str, Any],
    keys: Collection[tuple[str, object]],
    lifted: Collection[str],
) -> dict[str, Any]:
    """A table with other values of some keys, and without those whose value is None."""
    found = dict(base)
    for key, value in keys:
        if name == _PRICES and isinstance(key, str):  # a name may be written in several ways
            found = {k: v for k, v in found.items() if loosely(k) != loosely(key)}
        if value is not None:
            found[key] = value.given() if isinstance(value, Table) else value
        elif name == _BUDGETS and key in lifted:
            found[key] = NO_LIMIT
        else:
            found.pop(key, None)
    return found


def _unknown(word: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """What a keyword that there is not may be meant to be."""
    homes = [f"{name}={{{word!r}: ...}}" for name, keys in names.items() if word in keys]
    if homes:
        return f"is no table and no limit: write {' or '.join(homes)}"
    hint = did_you_mean(word, [*names, *names[_BUDGETS]]) or _inner(word, names)
    return f"is no table and no limit{hint}; tables: {', '.join(names)}"


def _inner(word: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """A hint at a key of some table."""
    written = {key: f"{name}={{{key!r}: ...}}" for name, keys in names.items() for key in keys}
    for key, text in written.items():
        if did_you_mean(word, [key]):
            return f" (did you mean {text}?)"
    return ""
