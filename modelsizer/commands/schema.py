"""The command schema: the JSON Schema of problem files."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(
    path: Annotated[
        bool,
        typer.Option("--path", help="Print the path of the installed file instead of its text."),
    ] = False,
) -> None:
    """Print the JSON Schema of problem files, for editors.

    Editors that read TOML by schemas, such as VS Code with Even Better TOML, complete, explain and
    check a problem file by it: its first line says ``#:schema`` and where the schema lies.
    """
    from modelsizer.problems.reading import schema_file

    print(schema_file() if path else schema_file().read_text("utf-8"), end="\n" if path else "")
