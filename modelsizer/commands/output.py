"""Output of commands: files first, then text or JSON on standard output.

What was computed is not lost where it cannot be written: the other files are written and the answer
is printed all the same, and the content goes to a folder of temporary files, which the error names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelsizer.commands.app import BAD_INPUT, say
from modelsizer.commands.headings import heading
from modelsizer.commands.json_text import json_pieces
from modelsizer.commands.streams import lost_output, report_lost_output
from modelsizer.problems.interrupts import held, whole
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Clock, Ending

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that an option asks for.

    Parameters
    ----------
    option : str
    path : Path or None
        None if the option is not given.
    write : callable
        Writes the content to a path, by `modelsizer.problems.files`; may be called again with
        another path.
    """

    option: str
    path: Path | None
    write: Callable[[Path], None]


def text_file(option: str, path: Path | None, text: Callable[[], str | Iterable[str]]) -> Output:
    """A file of text, whole or in pieces, which is made only if it is asked for."""

    def write(place: Path) -> None:
        from modelsizer.problems.files import write_text

        write_text(place, text())

    return Output(option, path, write)


DRAWING = 1.0
"""Seconds of a time limit that are kept back for drawing."""
LEAST_DRAWING = 0.7
"""Seconds that must be left to begin it."""


def before_drawing(clock: Clock, plot: Path | None) -> Clock:
    """Return the clock of an answer that is drawn afterwards, if a figure is requested."""
    left = clock.left.seconds
    if plot is None or left is None or left < 2 * LEAST_DRAWING:  # too little time for both
        return clock
    return clock.ahead(DRAWING)


def plot_file(
    path: Path | None,
    name: str,
    answer: Any,
    *,
    title: str = "",
    size: str,
    clock: Clock | None = None,
    ending: Ending | None = None,
) -> Output:
    """The figure of an answer, of the registry.

    Parameters
    ----------
    path : Path or None
    name, answer, title, size
        See `modelsizer.pictures.registry.draw`.
    clock : Clock, optional
        Until when data may be computed for the figure.
    ending : Ending, optional
        Of the answer, complete by default: the figure of one that is not may be missing. Told if
        the clock stops the data of the figure.
    """
    complete = ending is None or ending.complete

    @cache
    def content(suffix: str) -> bytes | None:
        from modelsizer.optimizer.tables.clock import Clock
        from modelsizer.pictures.registry import draw_within
        from modelsizer.plots.drawing.saving import rendered
        from modelsizer.problems.errors import ModelsizerError

        found, whole = None, False
        left = None if clock is None else clock.left.seconds
        if ending is not None and left is not None and left < LEAST_DRAWING:
            say(f"--plot: {path} is not drawn: the time limit leaves too little time for it")
            ending.stop = ending.stop if not ending.complete else "time"
            return None
        until = Clock() if clock is None else clock.ahead(DRAWING)
        try:
            figure, whole = draw_within(
                until, name, answer, title=heading(title), size=size, complete=complete
            )
            found = rendered(figure, suffix)
        except ValueError as error:
            if complete and not until.out_of_time:
                raise ModelsizerError(str(error)) from None
            say(f"--plot: {path} is not drawn: the answer is not complete")
        if ending is not None and ending.complete and not whole:
            ending.stop = until.stop
        return found

    def write(place: Path) -> None:
        from modelsizer.problems.files import write_bytes

        if (found := content(place.suffix)) is not None:
            write_bytes(place, found)

    return Output("--plot", path, write)


def console(file: Any = None) -> Console:
    """Return a console for text on standard output, or in a file."""
    from rich.console import Console

    from modelsizer.text.kit.terminal import environment, sized, trimmed

    made = Console(file=file, highlight=False, markup=False, emoji=False, _environ=environment())
    return trimmed(sized(made))


def emit(content: Any, target: str | None, show: Callable[[Console], None], *files: Output) -> None:
    """Write JSON and files, then print text unless JSON uses standard output.

    Parameters
    ----------
    content : object
        Of the JSON, see `modelsizer.commands.json_text`; if it is expensive to compute a function,
        called for each place that JSON is written to.
    target : str or None
        Path of the JSON, ``-`` for standard output, or None for none.
    show : callable
        Prints the answer.
    *files : Output

    Raises
    ------
    typer.Exit
        With status 2 if a file or standard output could not be written, once the rest is.
    KeyboardInterrupt
        If interrupted while a file was made, once the answer is printed.
    """

    def text() -> Iterable[str]:
        return json_pieces(content() if callable(content) else content)

    to_file = None if target in (None, STANDARD_OUTPUT) else Path(str(target))
    failures, interrupted = [], False
    try:
        with held():
            for file in (text_file("--json", to_file, text), *files):
                failures += _failures_of(file)
    except KeyboardInterrupt:
        interrupted = True
    with whole():
        if target == STANDARD_OUTPUT:
            _print_pieces(text, "answer.json")
        else:
            show(console())
            _keep_lost("answer.txt", lambda: _as_text(show))
    for failure in failures:
        say(f"error: {failure}")
    if interrupted:
        raise KeyboardInterrupt
    if failures:
        raise typer.Exit(BAD_INPUT)


def print_text(text: str, name: str) -> None:
    """Write to standard output what could be a file.

    Parameters
    ----------
    text : str
    name : str
        Of the file that keeps the text if standard output cannot be written.
    """
    _print_pieces(lambda: (text,), name)


def _print_pieces(text: Callable[[], Iterable[str]], name: str) -> None:
    """Write pieces of text to standard output, made again for the file that keeps what is lost."""
    sys.stdout.writelines(text())
    _keep_lost(name, text)


def say_infeasible(console: Console) -> None:
    """Report that the problem is proven infeasible."""
    from modelsizer.text.kit.lines import line

    line(console, "No design keeps the limits; `modelsizer explain` says why.")


def say_unknown(console: Console, stop: str) -> None:
    """Report that an answer was stopped before anything of it was known."""
    from modelsizer.text.kit.lines import line
    from modelsizer.text.kit.words import not_complete

    line(console, f"{not_complete(stop)} before the answer was known.")


def _failures_of(file: Output) -> list[str]:
    """Write a file if it is asked for; say why it could not be written, and where it is instead."""
    if file.path is None:
        return []
    from modelsizer.problems.errors import ArgumentError, ModelsizerError
    from modelsizer.problems.files import FileError

    try:
        file.write(file.path)
    except FileError as error:
        kept = _kept(file.path.name, file.write)
        return [f"{file.option}: {error}{f'; its content is in {kept}' if kept else ''}"]
    except ArgumentError as error:
        return [error.as_option]
    except ModelsizerError as error:
        return [f"{file.option}: {error}"]
    return []


def _kept(name: str, write: Callable[[Path], None]) -> Path | None:
    """Write what cannot be where it should into a new folder of temporary files, or of this one.

    Returns
    -------
    Path or None
        None if it cannot be written there either.
    """
    import shutil
    import tempfile

    from modelsizer.problems.errors import ModelsizerError

    for above in (None, "."):  # None is the usual place of temporary files
        try:
            folder = Path(tempfile.mkdtemp(prefix="modelsizer-", dir=above))
        except OSError:
            continue
        try:
            write(folder / name)
        except ModelsizerError:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return folder / name
    return None


def _keep_lost(name: str, text: Callable[[], str | Iterable[str]]) -> None:
    """Keep what standard output did not take, if it failed; the run will end with status 2."""
    sys.stdout.flush()
    if lost_output() is None:
        return
    from modelsizer.problems.files import write_text

    kept = _kept(name, lambda path: write_text(path, text()))
    report_lost_output(f"; the answer is in {kept}" if kept else "")


def _as_text(show: Callable[[Console], None]) -> str:
    from io import StringIO

    file = StringIO()
    show(console(file))
    return file.getvalue()
