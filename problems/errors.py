"""Errors, with messages that tell the user how to correct the input."""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from types import UnionType
from typing import get_args

from modelsizer.problems.records import dataclass
from modelsizer.problems.visible import shortened, visible

_SHOWN = 80  # characters of a value in a message
_LONGEST_NAME = 200  # characters of the name of a source in a message
_MOST_FAULTS = 10  # faults listed in a message


class ModelsizerError(Exception):
    """Base class of the errors that modelsizer raises for its user; a message is one line."""

    def __str__(self) -> str:
        return visible(super().__str__())


class ArgumentError(ModelsizerError, ValueError):
    """An argument of a function, or the option of its command, that has no such value.

    Parameters
    ----------
    argument : str
        The name of the parameter.
    reason : str
        What is wrong and what would be right.
    """

    def __init__(self, argument: str, reason: str) -> None:
        self.argument, self.reason = argument, reason
        super().__init__(f"{argument}: {reason}")

    @property
    def as_option(self) -> str:
        """The message in the words of the command line."""
        return f"--{self.argument.replace('_', '-')}: {self.reason}"


class ArgumentTypeError(ModelsizerError, TypeError):
    """An argument of a function of another type than it takes."""


_OBTAINED_BY = {
    "Architecture": "load_architecture(SOURCE) reads one",
    "Problem": "Problem.load(SOURCE) reads one",
    "Result": "solve(problem) returns one",
}


def require_type(argument: str, value: object, kind: type | UnionType) -> None:
    """Check the type of an argument of a public function.

    Raises
    ------
    ArgumentTypeError
        If it is of another type; the message says how a value of the right one is obtained.
    """
    if not isinstance(value, kind):
        names = [each.__name__ for each in (get_args(kind) or (kind,))]
        how = "".join(f"; {_OBTAINED_BY[name]}" for name in names if name in _OBTAINED_BY)
        raise ArgumentTypeError(
            f"{argument} must be of type {' or '.join(names)}, not {type(value).__name__}{how}"
        )


def require_number(
    argument: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = sys.float_info.max,
) -> None:
    """Check that an argument is a finite number within limits.

    Parameters
    ----------
    argument : str
    value : object
    least, above, most : float
        It is at least, above and at most these.

    Raises
    ------
    ArgumentError
        With the value.
    """
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if plain and least <= value <= most and value > above:  # type: ignore[operator]
        return
    limits = [
        *([f"{_plain(least)} or more"] if least > -math.inf else []),
        *([f"above {_plain(above)}"] if above > -math.inf else []),
        *([f"at most {_plain(most)}"] if most < sys.float_info.max else []),
    ]
    words = f" {' and '.join(limits)}" if limits else ""
    raise ArgumentError(argument, f"must be a finite number{words}, got {short(value)}")


def _plain(value: float) -> str:
    """A number, with an exponent written as ``1e9``."""
    digits, _, exponent = f"{value:g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits


def require_count(argument: str, value: object, *, least: int = 1, most: int = 2**63 - 1) -> None:
    """Check that an argument is a whole number from one to another.

    Raises
    ------
    ArgumentError
        With the value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        message = f"must be a whole number from {least} to {most}, got {short(value)}"
        raise ArgumentError(argument, message)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error in a problem.

    Parameters
    ----------
    key : str
        Dotted key of the problem file, for example ``"space.kv_heads"``; empty for the whole file.
    message : str
        The error and the remedy.
    line : int or None
        Line of the file, counted from 1, if known.
    """

    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        key = shortened(self.key, _SHOWN)
        return f"{where}{key}: {self.message}" if key else f"{where}{self.message}"


class ProblemError(ModelsizerError):
    """Invalid input.

    Parameters
    ----------
    faults : iterable of Fault
        All errors found, in the order of the file.
    source : str
        File or name of the problem; may be empty.
    """

    def __init__(self, faults: Iterable[Fault], source: str = "") -> None:
        self.faults = tuple(faults)
        self.source = source
        prefix = f"{shortened(source, _LONGEST_NAME)}: " if source else ""
        lines = [f"{prefix}{fault}" for fault in self.faults[:_MOST_FAULTS]]
        if (more := len(self.faults) - len(lines)) > 0:
            lines.append(f"{prefix}and {more:,} more")
        self.lines = tuple(map(visible, lines))
        super().__init__("\n".join(self.lines))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @classmethod
    def of(cls, key: str, message: str, source: str = "") -> ProblemError:
        """An error with a single fault."""
        return cls([Fault(key, message)], source)

    def without_lines(self, keys: Iterable[str]) -> ProblemError:
        """The error without the lines of keys that were set over those of the file."""
        over = tuple(f"{key}." for key in keys)
        faults = [
            replace(fault, line=None) if f"{fault.key}.".startswith(over) else fault
            for fault in self.faults
        ]
        return ProblemError(faults, self.source)


class MissingExtraError(ModelsizerError):
    """An optional package that something needs and that is not installed.

    Parameters
    ----------
    what : str
        What needs it, such as ``"writing Parquet"``.
    package : str
        The package that cannot be imported.
    extra : str
        The extra of modelsizer that installs it.
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{what} needs {package}: pip install 'modelsizer[{extra}]'")


def short(value: object) -> str:
    """Format a value of the input for a message: as Python or TOML writes it, cut if long."""
    if isinstance(value, date | datetime | time):
        return str(value)
    try:
        return shortened(repr(value), _SHOWN)
    except (ValueError, RecursionError):  # an integer of too many digits, or a deep list
        return f"a value of type {type(value).__name__} that is too large to show"


_LEAST_PART = 4
"""Letters of a word that may stand for a longer one that has it."""


def _longer(word: str, words: list[str]) -> list[str]:
    """Of the words that have the last part of a word as a part of their last one, the nearest."""
    head, dot, part = word.rpartition(".")
    found = [w for w in words if w.startswith(head + dot) and part in re.split(r"[._-]", w)]
    if len(part) < _LEAST_PART:
        return []
    return difflib.get_close_matches(word, found, n=1, cutoff=0.0)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Hint ``" (did you mean x?)"`` for a misspelled word, or an empty string."""
    words = list(known)
    close = [w for w in words if w.lower() == word.lower()] or _longer(word, words)
    close = close or difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""
