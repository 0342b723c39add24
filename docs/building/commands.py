"""The commands, from their help."""

from __future__ import annotations

import re
from typing import Any

import typer

from docs.building.markup import cell, plain
from modelsizer.cli import app


def sections() -> str:
    """A section for each command: what it does, its arguments and its options."""
    group = typer.main.get_command(app)
    with group.make_context("modelsizer", [], resilient_parsing=True) as context:
        names = group.list_commands(context)  # type: ignore[attr-defined]
        return "\n\n".join(_section(n, group.get_command(context, n), context) for n in names)  # type: ignore[attr-defined]


def _section(name: str, command: Any, parent: Any) -> str:
    with command.make_context(name, [], parent=parent, resilient_parsing=True) as context:
        usage = " ".join([f"modelsizer {name}", *command.collect_usage_pieces(context)])
        told = command.help or ""
        rows = [row for each in command.get_params(context) if (row := _row(each, context))]
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", told.replace("\b", ""))]
    table = "| | |\n|---|---|\n" + "\n".join(rows)
    return "\n\n".join([f"## {name}", f"    {usage}", *map(plain, paragraphs), table])


def _row(parameter: Any, context: Any) -> str:
    told = parameter.get_help_record(context)
    if told is None:
        return ""
    name, about = told
    return f"| `{cell(name)}` | {plain(cell(about))} |"
