"""Problem files that commands write: never over another one, and with a line for editors."""

from __future__ import annotations

from pathlib import Path

from modelsizer.commands.app import fail
from modelsizer.commands.output import STANDARD_OUTPUT


def check_new(file: str, *, force: bool) -> None:
    """Refuse to write over a file unless that is asked for."""
    if file != STANDARD_OUTPUT and not force and Path(file).exists():
        fail(f"{file} is there already: name another file, or write over it with --force")


def schema_of(file: str) -> str:
    """Where the schema of a problem file lies, as its line for editors has it.

    That beside the file, if there is one, and otherwise the installed one.
    """
    from modelsizer.problems.reading import schema_file

    installed = schema_file()
    if file != STANDARD_OUTPUT and (Path(file).parent / installed.name).exists():
        return f"./{installed.name}"
    return installed.as_uri()
