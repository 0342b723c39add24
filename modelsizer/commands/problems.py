"""The command problems: what comes with modelsizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.commands.app import told
from modelsizer.commands.options import Json
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def problems(json_: Json = None) -> None:
    """List the problems that come with modelsizer."""
    from modelsizer.problems.problem import Problem
    from modelsizer.problems.reading import library

    with told():
        rows = [
            {"name": name, "about": problem.name, "designs": problem.count_designs()}
            for name, problem in ((name, Problem.load(name)) for name in library())
        ]

        def show(console: Console) -> None:
            from rich.table import Table

            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
            table.add_column("name", no_wrap=True)
            table.add_column("about")
            table.add_column("designs", justify="right", no_wrap=True)
            for row in rows:
                table.add_row(str(row["name"]), str(row["about"]), f"{row['designs']:,}")
            console.print(table)

        emit({"problems": rows}, json_, show)
