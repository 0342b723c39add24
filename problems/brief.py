"""Short texts of values, for their reprs: a line or a few, never what they hold in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelsizer.problems.visible import shortened, visible

_LONGEST = 400  # characters of all fields of a value
_FIELD = 80  # characters of one of them
_FEW = 4  # items of a list that are shown


def fields_text(name: str, fields: Iterable[tuple[str, object]]) -> str:
    """A value as the call that makes it, ``Name(field=value, ...)``, where it is short.

    Long fields are named by what they hold, such as ``<227 Evaluation>``, and those beyond a few
    hundred characters left out.
    """
    shown: list[str] = []
    room = _LONGEST
    for key, value in fields:
        text = f"{key}={brief(value)}"
        room -= len(text) + 2
        if room < 0:
            shown.append("...")
            break
        shown.append(text)
    return f"{name}({', '.join(shown)})"


def brief(value: object) -> str:
    """A value as Python writes it, if that is short; otherwise what it is."""
    if isinstance(value, str):
        return repr(shortened(value, _FIELD))
    if isinstance(value, list | tuple | dict | Mapping | set | frozenset) and len(value) > _FEW:
        return _many(value)
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits, or a deep list
        text = ""
    if text and len(text) <= _FIELD and "\n" not in text:
        return text
    if isinstance(value, list | tuple | dict | Mapping | set | frozenset):
        return _many(value)
    return f"<{type(value).__name__}>"


def _many(value: Any) -> str:
    """How many items a collection has, and of which class if there is one."""
    items = value.values() if isinstance(value, Mapping) else value
    kinds = {type(item).__name__ for item in items}
    return f"<{len(value):,} {kinds.pop() if len(kinds) == 1 else 'values'}>"


def named(name: str) -> str:
    """The name of a problem in quotes, cut if it is long."""
    return repr(shortened(visible(name), 40)) if name else "unnamed"


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 law``, ``1,024 laws``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
