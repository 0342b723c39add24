"""Output of commands: text, JSON, tables and figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.commands.app import fail

if TYPE_CHECKING:
    from rich.console import Console

STANDARD_OUTPUT = "-"


def console() -> Console:
    """Return a console for text on standard output."""
    from rich.console import Console

    from modelsizer.text.kit.terminal import environment, sized

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            """Exit normally if the reader closed the pipe, as `| head` does."""
            raise BrokenPipeError

    made = _Console(highlight=False, markup=False, emoji=False, _environ=environment())
    return sized(made)


def emit(content: Any, target: str | None, show: Callable[[Console], None]) -> None:
    """Write JSON to its target, and text unless JSON uses standard output.

    Content that is expensive to compute may be a function, called only if JSON is requested.
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
    """Report that the problem is proven infeasible."""
    from modelsizer.text.kit.lines import line

    line(console, "No design keeps the limits; `modelsizer explain` says why.")


def write_csv(path: Path | None, text: Callable[[], str]) -> None:
    """Write a table if requested."""
    if path is not None:
        from modelsizer.problems.files import write_text

        write_text(path, text())


def write_plot(
    path: Path | None,
    name: str,
    answer: Any,
    *,
    title: str = "",
    size: str,
    complete: bool = True,
) -> None:
    """Draw and write a figure of the registry if requested; report one that cannot be drawn.

    Parameters
    ----------
    path : Path or None
    name, answer, title, size
        See `modelsizer.pictures.registry.draw`.
    complete : bool
        Whether the answer is; the figure of one that is not may be missing.
    """
    if path is None:
        return
    from modelsizer.pictures.registry import draw, write_figure

    try:
        figure = draw(name, answer, title=title, size=size)
    except ValueError as error:
        if not complete:
            print(f"--plot: {path} is not drawn: the answer is not complete", file=sys.stderr)
            return
        fail(f"--plot: {error}")
    write_figure(figure, path)
