"""Paths that options and arguments name, checked before the work; nothing is touched by it.

What a path is for, the word says that help shows for it (`metavar`): ``PATH`` is a file that is
written, ``FOLDER`` one that is filled, ``FILE``, ``SOURCE`` and the others of `READ` are read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelsizer.commands.app import fail
from modelsizer.commands.numbers import NumberCommand
from modelsizer.commands.output import STANDARD_OUTPUT

WRITTEN = frozenset({"PATH", "FRAMEWORK:PATH"})
LONGEST = 1000  # characters of the first sentence of a command
FILLED = frozenset({"FOLDER"})
READ = frozenset(
    {"FILE", "ANSWER", "SOURCE", "RUNS", "LAW", "LAW.toml", "NAME|FILE", "FORM", "MODEL"}
)


class Command(NumberCommand):
    """A command that refuses a path which it could not write, or would both read and write."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first sentence, which the list of commands wraps and does not cut."""
        return super().get_short_help_str(max(limit, LONGEST))

    def invoke(self, ctx: Any) -> Any:
        """As of the base class."""
        from modelsizer.problems.files import check_folder

        known: list[tuple[str, Path, bool]] = []
        for parameter in self.params:
            role, value = parameter.metavar, ctx.params.get(parameter.name)
            if not isinstance(value, str | Path):
                continue
            option, text = _name(parameter), str(value)
            if role == "FRAMEWORK:PATH":
                text = text.partition(":")[2] or STANDARD_OUTPUT  # which the command refuses
            if role in FILLED:
                with of_option(option):
                    check_folder(Path(text))
            elif role in WRITTEN and text.endswith(("/", os.sep)):
                fail(f"{option}: {text} is a folder, not a file")
            elif role in WRITTEN | READ and text != STANDARD_OUTPUT:
                known.append((option, Path(text), role in WRITTEN))
        check_files(known)
        return super().invoke(ctx)


def check_files(known: Sequence[tuple[str, Path, bool]]) -> None:
    """Reject a path that cannot be written, or is read or written by another option too.

    Parameters
    ----------
    known : sequence of (str, Path, bool)
        Options with their paths, and whether they write them.
    """
    from modelsizer.problems.files import check_writable, same_file

    for option, path, is_written in known:
        if not is_written:
            continue
        with of_option(option):
            check_writable(path)
        for other, there, too in known:
            if other != option and same_file(path, there):
                does = "writes" if too else "reads"
                fail(f"{option}: {path} is the file that {other} {does}; name another")


@contextmanager
def of_option(option: str) -> Iterator[None]:
    """Name the option of a file that cannot be written, and exit with status 2."""
    from modelsizer.problems.files import FileError

    try:
        yield
    except FileError as error:
        fail(f"{option}: {error}")


def _name(parameter: Any) -> str:
    options = (name for name in parameter.opts if name.startswith("--"))
    return next(options, str(parameter.metavar))
