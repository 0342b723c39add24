"""What a command gives: text for people, JSON, tables and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.commands.app import fail

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

STANDARD_OUTPUT = "-"


def console() -> Console:
    """Standard output for people."""
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            """The reader has gone (`| head`); what it read is fine."""
            raise BrokenPipeError

    return _Console(highlight=False, markup=False, emoji=False)


def emit(content: Any, target: str | None, show: Callable[[Console], None]) -> None:
    """JSON to where it is wanted; text for people unless JSON took standard output.

    Content that takes long to make is a function, called only where JSON is wanted.
    """
    if target is not None:
        made = content() if callable(content) else content
        text = json.dumps(made, indent=2, allow_nan=False) + "\n"
        write_to(target, text)
        if target == STANDARD_OUTPUT:
            return
    show(console())


def write_to(target: str, text: str) -> None:
    """Write text to a path, or to standard output if it is ``-``."""
    if target == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    from modelsizer.problems.files import write_text

    write_text(Path(target), text)


def say_infeasible(console: Console) -> None:
    """Say that it is proven that there is no design."""
    console.print("No design keeps the limits; `modelsizer explain` says why.")


def write_csv(path: Path | None, text: Callable[[], str]) -> None:
    """Write a table where one is asked for."""
    if path is not None:
        from modelsizer.problems.files import write_text

        write_text(path, text())


def write_plot(path: Path | None, draw: Callable[[], Figure]) -> None:
    """Draw and write a picture where one is asked for; a ValueError says why there is none."""
    if path is None:
        return
    from modelsizer.pictures.registry import write_figure

    try:
        figure = draw()
    except ValueError as error:
        fail(f"--plot: {error}")
    write_figure(figure, path)
