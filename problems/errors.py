"""What goes wrong with a question, said so that its author can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class ModelsizerError(Exception):
    """Base of every error that modelsizer raises for its user."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a problem.

    Parameters
    ----------
    key : str
        Dotted key of the problem file, for example ``"space.kv_heads"``; empty if the
        whole file is meant.
    message : str
        What is wrong and what would be right.
    line : int or None
        Line of the file, counted from 1, where it is known.
    """

    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.key}: {self.message}" if self.key else f"{where}{self.message}"


class ProblemError(ModelsizerError):
    """A problem that cannot be solved as it is written.

    Parameters
    ----------
    faults : iterable of Fault
        Everything found wrong, in the order of the file.
    source : str
        The file or the name that the problem came from; may be empty.
    """

    def __init__(self, faults: Iterable[Fault], source: str = "") -> None:
        self.faults = tuple(faults)
        self.source = source
        prefix = f"{source}: " if source else ""
        super().__init__("\n".join(f"{prefix}{fault}" for fault in self.faults))

    @classmethod
    def of(cls, key: str, message: str, source: str = "") -> ProblemError:
        """An error of a single fault."""
        return cls([Fault(key, message)], source)


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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint ``" (did you mean x?)"`` for a misspelled word, or an empty text."""
    words = list(known)
    close = [w for w in words if w.lower() == word.lower()]
    close = close or difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""
