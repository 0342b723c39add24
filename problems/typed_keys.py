"""What keys of tables are marked with, and the readers of their types.

A reader takes a value of TOML and raises ValueError with a message for the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from modelsizer.problems.errors import short
from modelsizer.problems.offered import Read
from modelsizer.problems.records import dataclass
from modelsizer.problems.value_forms import Form


class TableError(ValueError):
    """What is wrong with a table.

    Parameters
    ----------
    faults : list of (str, str)
        Dotted keys, with a message each; one that starts with "@" names its key itself, as
        `modelsizer.problems.reading.faults_of` reads it.
    """

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {text}" if key else text for key, text in faults))
        self.faults = faults


@dataclass(frozen=True)
class Kind:
    """How the value of a key is read and written.

    Parameters
    ----------
    read : callable, optional
        From a value of TOML; raises ValueError with a message for the user. After it nothing else
        looks at the value, but further kinds of the same annotation.
    write : callable, optional
        The inverse, for values that are no plain ones.
    form : Form, optional
        What `read` takes; by default what the type, or a kind before it, says.
    """

    read: Read | None = None
    write: Read | None = None
    form: Form | None = None


@dataclass(frozen=True)
class Made:
    """A default that each table makes for itself."""

    make: Callable[[], Any]

    def __repr__(self) -> str:
        return "<factory>"


def made(make: Callable[[], Any]) -> Any:
    """The default of a key, as its annotation has it: made for each table that lacks the key."""
    return Made(make)


def one_after_another(reads: Sequence[Read]) -> Read:
    """A reader that hands the value of each to the next."""
    return reads[0] if len(reads) == 1 else lambda value: reduce(lambda v, f: f(v), reads, value)


def same(value: Any) -> Any:
    """Read any value as it is."""
    return value


def or_none(convert: Read) -> Read:
    """A reader, or writer, that leaves None."""
    return lambda value: None if value is None else convert(value)


def read_text(value: Any) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise ValueError(f"{short(value)} is not text")
    return str(value)  # of a class derived from str, such as that of NumPy, too


def word_reader(words: tuple[Any, ...]) -> Read:
    """A reader of one of several words."""

    def read(value: Any) -> Any:
        if value not in words:
            *first, last = map(repr, words)
            raise ValueError(f"{short(value)} is not one of {', '.join(first)} or {last}")
        return value

    return read


def dict_reader(each: Read) -> Read:
    """A reader of a table by name, each value of which is read alike."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError(f"{short(value)} is not a table")
        found: dict[str, Any] = {}
        faults = []
        for key, inner in value.items():
            faults += read_into(found, key, each, inner)
        if faults:
            raise TableError(faults)
        return found

    return read


def dict_writer(each: Read) -> Read:
    """The inverse of `dict_reader`."""
    return lambda value: {key: each(inner) for key, inner in value.items()}


def read_into(found: dict[str, Any], key: str, read: Read, value: Any) -> list[tuple[str, str]]:
    """Read the value of a key; return what is wrong with it."""
    try:
        found[key] = read(value)
    except TableError as error:
        return [(f"{key}.{below}" if below else key, text) for below, text in error.faults]
    except ValueError as error:
        return [(key, str(error))]
    return []
