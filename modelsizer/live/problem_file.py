"""The file of a live page, read again where it has changed on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from modelsizer.problems import reading
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

_DIGITS = 12  # of a hash, which tells the versions of one file apart


@dataclass(frozen=True, slots=True)
class ProblemText:
    """The text of a problem file as it was at some time.

    Parameters
    ----------
    text : str
    label : str
        Path or name, as it was given.
    """

    text: str
    label: str

    @classmethod
    def read(cls, source: str) -> ProblemText:
        """Read a file, or a problem of the library by its name.

        Raises
        ------
        ProblemError
            If there is none, or it is no text.
        """
        return cls(*reading.read_source(source))

    @property
    def version(self) -> str:
        """A short hash of the text: another one where the file has changed."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_DIGITS]

    def problem(self, settings: Mapping[str, object] | None = None) -> Problem:
        """The problem, with some settings over the file's, as `Problem.load` reads it.

        Raises
        ------
        ProblemError
            If anything in it is wrong.
        """
        folder = Path(self.label).parent
        return Problem.parse(self.text, self.label, settings, folder=folder)
