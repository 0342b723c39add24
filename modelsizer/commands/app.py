"""What every command shares: the application, its options, printing and failing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from modelsizer import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

    from modelsizer.problems.problem import Problem

INFEASIBLE, BAD_INPUT, STOPPED = 1, 2, 3
"""Exit statuses: proven that no design fits; a wrong question; a limit reached before a proof."""
EXIT = {"optimal": 0, "infeasible": INFEASIBLE, "limit": STOPPED}
"""Exit status of each status of a result."""

app = typer.Typer(
    name="modelsizer",
    help="The best language model that a budget can buy, with proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A problem file, or a name that `problems` lists.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a dotted key over the file's; repeatable."
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="PATH", help="Write JSON to PATH, or to standard output if it is -."
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", metavar="KEY", help="Leave a limit out, such as budgets.kv_cache; repeatable."
    ),
]
SolverName = Annotated[str, typer.Option("--solver", help="As of solve.")]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="PATH", help="Write every row to a .csv file.")
]
Parquet = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="PATH", help="Write every row to a .parquet file."),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="PATH", help="Draw the answer: .png, .svg or .pdf."),
]
PlotSize = Annotated[
    str, typer.Option("--plot-size", help="wide, or column: 3.3 inches, as in a paper.")
]


def fail(message: str) -> NoReturn:
    """Say what is wrong and exit with 2."""
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def told(*also: type[Exception]) -> Iterator[None]:
    """Errors of the question end in a message and exit 2, never in a traceback.

    Parameters
    ----------
    *also : type
        Other errors that tell what is wrong with the question.
    """
    from modelsizer.problems.errors import ModelsizerError

    questions: tuple[type[Exception], ...] = (ModelsizerError, *also)
    try:
        yield
    except questions as error:
        fail(str(error))


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
        if target == "-":
            sys.stdout.write(text)
            return
        from modelsizer.problems.files import write_text

        write_text(Path(target), text)
    show(console())


def write_csv(path: Path | None, text: Callable[[], str]) -> None:
    """Write a table where one is asked for."""
    if path is not None:
        from modelsizer.problems.files import write_text

        write_text(path, text())


def write_plot(path: Path | None, draw: Callable[[], Figure]) -> None:
    """Draw and write a picture where one is asked for; a ValueError says why there is none."""
    if path is None:
        return
    from modelsizer.drawing import write_figure

    try:
        figure = draw()
    except ValueError as error:
        fail(f"--plot: {error}")
    write_figure(figure, path)


def check_ending(option: str, path: Path | None, *endings: str) -> None:
    """Refuse a path whose ending names no format that the option can write."""
    if path is not None and path.suffix not in endings:
        fail(f"{option}: {path} must end in {' or '.join(endings)}")


def check_tables(csv: Path | None, parquet: Path | None = None) -> None:
    """Refuse tables whose names do not say what they are."""
    check_ending("--csv", csv, ".csv")
    check_ending("--parquet", parquet, ".parquet")


def check_plot(path: Path | None, size: str) -> None:
    """Refuse a picture in a format or a size that there is none of."""
    from modelsizer.plots.drawing.saving import FORMATS
    from modelsizer.plots.drawing.style import SIZES

    check_ending("--plot", path, *FORMATS)
    if size not in SIZES:
        fail(f"--plot-size: {size!r} is not {' or '.join(SIZES)}")


def check_time_limit(seconds: float | None) -> None:
    """Refuse a time limit that is no time."""
    if seconds is not None and not seconds >= 0:
        fail(f"--time-limit: {seconds} is not zero seconds or more")


def load(file: str, settings: list[str] | None, without: list[str] | None = None) -> Problem:
    """The problem of a file with settings over it and without some of its limits."""
    from modelsizer.problems.problem import Problem
    from modelsizer.settings import parse_settings

    problem = Problem.load(file, parse_settings(settings or []))
    return problem.without(*without) if without else problem


def _version(wanted: bool) -> None:
    if wanted:
        print(f"modelsizer {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
