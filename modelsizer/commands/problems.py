"""The command problems: list the problems of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.commands.app import user_errors
from modelsizer.commands.options import Json
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def problems(json_: Json = None) -> None:
    """List the problems that come with modelsizer."""
    from modelsizer.problems.problem import Problem
    from modelsizer.problems.reading import library

    with user_errors():
        rows = [
            {"name": name, "about": problem.name, "designs": problem.count_designs()}
            for name, problem in ((name, Problem.load(name)) for name in library())
        ]

        def show(console: Console) -> None:
            from modelsizer.text.kit.tables import Table, print_table

            cells = [(str(row["name"]), str(row["about"]), f"{row['designs']:,}") for row in rows]
            words = frozenset({0, 1})
            print_table(console, Table(("name", "about", "designs"), cells, words, {1: None}))

        emit({"problems": rows}, json_, show)
