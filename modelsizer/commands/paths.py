"""Paths that options and arguments name, checked before the work; nothing is touched by it."""

from __future__ import annotations

from pathlib import Path

import typer

from modelsizer.commands.app import fail
from modelsizer.commands.output import STANDARD_OUTPUT

STANDARD_INPUT = "-"

_KNOWN = "modelsizer.paths"
"""Key of a context's notes: option, path, and whether it is written."""


def is_read(
    context: typer.Context, parameter: typer.CallbackParam, value: str | None
) -> str | None:
    """Note the file of an option or argument, so that no other option writes it."""
    if value is not None and str(value) != STANDARD_INPUT:
        _note(context, _name(parameter), Path(value), written=False)
    return value


def is_written(
    context: typer.Context, parameter: typer.CallbackParam, value: str | None
) -> str | None:
    """Reject a path that cannot be written, or is another option's too."""
    if value is not None and str(value) != STANDARD_OUTPUT:
        check_file(_name(parameter), Path(value))
        _note(context, _name(parameter), Path(value), written=True)
    return value


def is_exported(
    context: typer.Context, parameter: typer.CallbackParam, value: str | None
) -> str | None:
    """Reject the path of ``FRAMEWORK:PATH`` as `is_written` does."""
    path = (value or "").partition(":")[2]
    is_written(context, parameter, path or None)
    return value


def is_filled(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Reject a folder that cannot be written or made."""
    from modelsizer.problems.files import FileError, check_folder

    if value is not None:
        try:
            check_folder(Path(value))
        except FileError as error:
            fail(f"{_name(parameter)}: {error}")
    return value


def check_file(option: str, path: Path) -> None:
    """Reject a path that cannot be written."""
    from modelsizer.problems.files import FileError, check_writable

    try:
        check_writable(path)
    except FileError as error:
        fail(f"{option}: {error}")


def _name(parameter: typer.CallbackParam) -> str:
    options = (name for name in parameter.opts if name.startswith("--"))
    return next(options, str(parameter.metavar or parameter.name))


def _note(context: typer.Context, option: str, path: Path, *, written: bool) -> None:
    from modelsizer.problems.files import same_file

    known: list[tuple[str, Path, bool]] = context.meta.setdefault(_KNOWN, [])
    for other, there, also in known:
        if (written or also) and same_file(path, there):
            first, second = (option, other) if written else (other, option)
            does = "writes" if written and also else "reads"
            fail(f"{first}: {path} is the file that {second} {does}; name another")
    known.append((option, path, written))
