"""The command check: validate a problem file and report the problem's size."""

from __future__ import annotations

from modelsizer.commands.app import user_errors
from modelsizer.commands.options import File, Json, Settings, load
from modelsizer.commands.output import emit


def check(file: File, set_: Settings = None, json_: Json = None) -> None:
    """Check a problem file, count its designs and estimate the work."""
    with user_errors():
        from modelsizer.problems.summary import summarize
        from modelsizer.text.check import print_check

        found = summarize(load(file, set_))
        emit(found.to_dict(), json_, lambda console: print_check(console, found))
