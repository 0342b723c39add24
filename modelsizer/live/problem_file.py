"""The file of a live page, read again where it has changed on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from modelsizer.live.named_files import Stamp, check_named, stamps
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
    files : tuple
        The state of the files that it names.
    """

    text: str
    label: str
    files: tuple[Stamp, ...] = ()

    @classmethod
    def read(cls, source: str) -> ProblemText:
        """Read a file, or a problem of the library by its name.

        Raises
        ------
        ProblemError
            If there is none, or it is no text.
        """
        text, label = reading.read_source(source)
        return cls(text, label, stamps(text, Path(label).parent))

    @property
    def version(self) -> str:
        """A short hash: another one where the file has changed, or one that it names."""
        whole = repr((self.text, self.files))
        return hashlib.sha256(whole.encode()).hexdigest()[:_DIGITS]

    def problem(self, settings: Mapping[str, object] | None = None) -> Problem:
        """The problem, with some settings over the file's, as `Problem.load` reads it.

        Raises
        ------
        ProblemError
            If anything in it is wrong, or the settings name a file that it does not.
        """
        folder = Path(self.label).parent
        check_named(settings or {}, self.text, folder)
        return Problem.parse(self.text, self.label, settings, folder=folder)
