"""The command check: whether a problem file is valid, and how large the problem is."""

from __future__ import annotations

from modelsizer.commands.app import told
from modelsizer.commands.options import File, Json, Settings, load
from modelsizer.commands.output import emit


def check(file: File, set_: Settings = None, json_: Json = None) -> None:
    """Check a problem file, count its designs and estimate the work."""
    with told():
        from modelsizer.text.check import check_problem, print_check

        problem = load(file, set_)
        found = check_problem(problem)
        emit(found, json_, lambda console: print_check(console, problem, found))
