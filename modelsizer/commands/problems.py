"""The command problems: list the problems of the library, show one, or copy it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import fail, user_errors
from modelsizer.commands.options import Json
from modelsizer.commands.output import STANDARD_OUTPUT, emit, print_text, text_file

if TYPE_CHECKING:
    from rich.console import Console


def problems(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them, whose file is shown.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Argument(metavar="PATH", help="With --copy, the file to write; NAME.toml."),
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Write the file of NAME, to be changed.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    json_: Json = None,
) -> None:
    """List the problems of the library, show one, or copy it.

    A copy begins with a line by which editors find the schema of problem files.
    """
    with user_errors():
        if name is not None:
            _one(name, file, json_, copy=copy, force=force)
            return
        if copy:
            fail("--copy: say which problem, such as `modelsizer problems one-h100-1e24 --copy`")
        from modelsizer.text.problem import print_problems
        from modelsizer.views.catalogue import library

        found = library()
        emit(found.to_dict(), json_, lambda console: print_problems(console, found.rows))


def _one(name: str, file: str | None, json_: str | None, *, copy: bool, force: bool) -> None:
    """Show a problem of the library, or copy it."""
    from modelsizer.commands.new_files import check_new, schema_of
    from modelsizer.problems.errors import did_you_mean, short
    from modelsizer.problems.problem import Problem
    from modelsizer.problems.reading import library, schema_line

    known = library()
    if name not in known:
        fail(f"no problem {short(name)}{did_you_mean(name, known)}; there are {', '.join(known)}")
    text = known[name].read_text("utf-8")
    if file is not None and not copy:
        fail(f"{file}: --copy writes it")
    path = None
    if copy:
        path = f"{name}.toml" if file is None else file
        check_new(path, force=force)
        text = f"{schema_line(schema_of(path))}\n{text}"

    def content() -> dict[str, Any]:
        return {"name": name, "file": path, "problem": Problem.load(name).to_dict()}

    def show(console: Console) -> None:
        from modelsizer.text.first_file import print_next
        from modelsizer.text.kit.lines import line

        if path is None or path == STANDARD_OUTPUT:
            print_text(text, f"{name}.toml")
            return
        line(console, f"{path} is written. Next", wrap=False)
        print_next(console, path)

    written = None if path in (None, STANDARD_OUTPUT) else Path(str(path))
    emit(content, json_, show, text_file("PATH", written, lambda: text))
