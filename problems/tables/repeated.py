"""Values that a menu lists more than once, of which one counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_OF_MENUS = ("space", "training", "serving")
_TIMES = {2: "twice"}


def repeated(tables: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on values that a menu lists more than once.

    Parameters
    ----------
    tables : mapping
        Those of a problem file, as `Problem.to_dict` has them.
    """
    for name in _OF_MENUS:
        for key, menu in _lists(name, tables.get(name, {})):
            values = [value for value in menu if not isinstance(value, list | Mapping)]
            for value in dict.fromkeys(values):
                times = sum(other == value and type(other) is type(value) for other in values)
                if times > 1:
                    said = _TIMES.get(times, f"{times} times")
                    yield f"{key} lists {_word(value)} {said}; it counts once"


def _lists(key: str, value: object) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list):
        yield key, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _lists(f"{key}.{name}", part)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
