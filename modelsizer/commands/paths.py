"""Paths that options and arguments name, checked before the work; nothing is touched by it.

What a path is for, the word says that help shows for it (`metavar`): ``PATH`` is a file that is
written, ``FOLDER`` one that is filled; ``FILE``, ``SOURCE`` and the others of `READ` are read, and
so is each that an option of `LISTED` lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelsizer.commands.app import fail
from modelsizer.commands.help_pages import HelpfulCommand
from modelsizer.commands.output import STANDARD_OUTPUT
from modelsizer.problems.visible import visible

FRAMEWORK_PATH = "FRAMEWORK:PATH"
WRITTEN = frozenset({"PATH", FRAMEWORK_PATH})
FILLED = frozenset({"FOLDER"})
LISTED = frozenset({"A,B,..."})  # names or files that are read, with commas between
READ = frozenset(
    {"FILE", "ANSWER", "SOURCE", "RUNS", "LAW", "LAW.toml", "NAME|FILE", "FORM", "MODEL"}
)
SOURCES = frozenset({"SOURCE", "MODEL"})
SETTINGS = frozenset({"KEY=VALUE", "KEY=VALUES"})  # which may name files of laws
_Paths = list[tuple[str, Path, bool]]

_written: list[tuple[str, Path]] = []
"""What options of the running command write, for files that are known once its problem is read."""


class Command(HelpfulCommand):
    """A command that refuses a path which it could not write, or would both read and write."""

    def invoke(self, ctx: Any) -> Any:
        """As of the base class."""
        from modelsizer.problems.files import check_folder

        known = _laws_of_settings(self.params, ctx.params)
        for parameter in self.params:
            role, value = parameter.metavar, ctx.params.get(parameter.name)
            if role in SOURCES and isinstance(value, list | tuple):
                known += ((_name(parameter), _read(Path(text)), False) for text in value)
            option = _name(parameter)
            if role == FRAMEWORK_PATH:
                known += _exports(option, value or ())
            if not isinstance(value, str | Path):
                continue
            text = str(value)
            if role in FILLED:
                with of_option(option):
                    check_folder(Path(text))
            elif role in WRITTEN and text.endswith(("/", os.sep)):
                fail(f"{option}: {text} is a folder, not a file")
            elif role in LISTED:
                known += ((option, Path(part.strip()), False) for part in text.split(","))
            elif role in WRITTEN | READ and text != STANDARD_OUTPUT:
                path = _read(Path(text)) if role in SOURCES else Path(text)
                known.append((option, path, role in WRITTEN))
        check_files(known)
        _written[:] = [(option, path) for option, path, is_written in known if is_written]
        return super().invoke(ctx)


def _exports(option: str, targets: Iterable[str]) -> _Paths:
    """Files of ``FRAMEWORK:PATH``; what has no path, the command refuses."""
    paths = [text.partition(":")[2] for text in targets]
    for path in paths:
        if path.endswith(("/", os.sep)):
            fail(f"{option}: {path} is a folder, not a file")
    return [(option, Path(path), True) for path in paths if path not in ("", STANDARD_OUTPUT)]


def _read(source: Path) -> Path:
    """The file that a SOURCE reads: of a folder the one that describes its model."""
    from modelsizer.problems.architecture.checkpoints.errors import SourceError
    from modelsizer.problems.architecture.checkpoints.folders import described_by

    try:
        return described_by(source) if source.is_dir() else source
    except (SourceError, OSError, ValueError):  # which reading it will say
        return source


def _laws_of_settings(parameters: Sequence[Any], values: Mapping[str, Any]) -> _Paths:
    """Find files in settings: ``--set objective.law=file:mine.toml,file:other.toml``."""
    settings = [
        (_name(parameter), text)
        for parameter in parameters
        if parameter.metavar in SETTINGS
        for text in values.get(parameter.name) or ()
    ]
    if not settings:
        return []
    from modelsizer.problems.laws.own_terms import file_and_end
    from modelsizer.problems.laws.reading import PREFIX

    parts = (
        (option, part.strip(" \"'"))
        for option, text in settings
        for part in text.partition("=")[2].split(",")
    )
    return [
        (option, Path(file_and_end(part)[0]), False)
        for option, part in parts
        if part.startswith(PREFIX)
    ]


def check_files(known: _Paths) -> None:
    """Reject a path that cannot be written, or is read or written by another option too.

    Parameters
    ----------
    known : list of (str, Path, bool)
        Options with their paths, and whether they write them.
    """
    from modelsizer.problems.files import check_writable, same_file

    for number, (option, path, is_written) in enumerate(known):
        if not is_written:
            continue
        with of_option(option):
            check_writable(path)
        for at, (other, there, too) in enumerate(known):
            if at != number and same_file(path, there):
                does = "writes" if too else "reads"
                fail(f"{option}: {path} is the file that {other} {does}; name another")


def keep_laws(tables: Mapping[str, Any]) -> None:
    """Reject an option of the running command that writes a file which its problem reads.

    The files of a problem are a law and terms of ablations.

    Parameters
    ----------
    tables : mapping
        Those of the problem.
    """
    from modelsizer.problems.files import same_file
    from modelsizer.problems.laws.own_terms import file_and_end
    from modelsizer.problems.laws.reading import PREFIX

    parts = (("", tables), *((f"scenarios.{name}.", part)
                             for name, part in tables.get("scenarios", {}).items()))  # fmt: skip
    for prefix, part in parts if _written else ():
        for name in ("law", "ablations"):
            file = str(part.get("objective", {}).get(name, ""))
            for option, path in _written if file.startswith(PREFIX) else ():
                if same_file(path, Path(file_and_end(file)[0])):
                    key = visible(f"{prefix}objective.{name}")
                    fail(f"{option}: {path} is the file that {key} reads; name another")


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
