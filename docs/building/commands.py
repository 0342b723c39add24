"""The commands, from their help."""

from __future__ import annotations

from typing import Any

import typer

from docs.building.markup import plain
from modelsizer.cli import COMMANDS, app
from modelsizer.commands.group import GROUPS

COLUMNS = 80


def sections() -> str:
    """A section for each group of commands, and in it the help of each."""
    group: Any = typer.main.get_command(app)
    shown = []
    options = {"resilient_parsing": True, "max_content_width": COLUMNS, "terminal_width": COLUMNS}
    with group.make_context("modelsizer", [], **options) as context:
        for title, purpose in GROUPS.items():
            shown.append(f"## {title}\n\n{title} {plain(purpose)}.")
            for name in (name for name, row in COMMANDS.items() if row.group == title):
                command = group.get_command(context, name)
                with command.make_context(name, [], parent=context, **options) as inner:
                    shown.append(f"### {name}\n\n```text\n{command.get_help(inner).strip()}\n```")
    return "\n\n".join(shown)
