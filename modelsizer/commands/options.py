"""Options shared by several commands, with their validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import fail, fail_choice, say
from modelsizer.commands.paths import keep_laws
from modelsizer.commands.several_values import doubts, with_lists

if TYPE_CHECKING:
    from modelsizer.problems.problem import Problem

File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A problem file, or a name that `problems` lists."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a key of the file to another value, such as serving.weight_bits=4; repeatable.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show all warnings, not only the first three.")
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="PATH",
        help="Write the answer as JSON to PATH; - is standard output.",
    ),
]
ARCHITECTURE_SOURCE = typer.Argument(
    metavar="SOURCE",
    help="A model folder, its config.json or a .gguf file; the JSON of an answer (- for standard "
    "input); a name that `models` lists; or ORG/NAME of the Hugging Face hub.",
)
ArchitectureSource = Annotated[str, ARCHITECTURE_SOURCE]
Download = Annotated[
    bool,
    typer.Option(
        "--download", help="Fetch the config.json of a model of the hub that is not on this disk."
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="KEY",
        help="Leave a limit of the file out, such as budgets.kv_cache; repeatable.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help="Leave out which designs are as good within the error of the law."
    ),
]
SolverName = Annotated[
    str,
    typer.Option(
        "--solver",
        help="Solve by this solver, as of `solve`: auto, bound, scipy, pulp, exhaustive.",
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="PATH", help="Write every row to a .csv file."),
]
Parquet = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="PATH", help="Write every row to a .parquet file."),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="PATH", help="Draw the answer as .png, .svg or .pdf."),
]
PlotSize = Annotated[
    str, typer.Option("--plot-size", help="Draw it wide, or column: 3.3 inches, as in a paper.")
]


MOST_SAMPLES, MOST_RUNS, MOST_JOBS = 1_000_000, 10_000, 1024
"""Largest values of options that count what is computed one after another, or at once."""


def check_time_limit(seconds: float | None) -> float | None:
    """Reject an invalid time limit."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        fail(f"--time-limit: {seconds:g} is not zero seconds or more")
    return seconds


TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        callback=check_time_limit,
        help="Stop after so many seconds with what is known; the exit status is then 3.",
    ),
]


def check_ending(option: str, path: Path | None, *endings: str) -> None:
    """Reject a path whose suffix is not a format of the option."""
    if path is not None and path.suffix not in endings:
        fail(f"{option}: {path} must end in {' or '.join(endings)}")


def check_framework(option: str, framework: str) -> None:
    """Reject a framework that no architecture is exported to."""
    from modelsizer.problems.architecture.configs.exports.export import exporter
    from modelsizer.problems.errors import ModelsizerError

    try:
        exporter(framework)
    except ModelsizerError as error:
        fail(f"{option}: {error}")


def check_tables(csv: Path | None, parquet: Path | None = None) -> None:
    """Reject paths of tables with a wrong suffix."""
    check_ending("--csv", csv, ".csv")
    check_ending("--parquet", parquet, ".parquet")
    if parquet is not None:
        from modelsizer.problems.table_files import check_parquet

        check_parquet()


def check_plot(path: Path | None, size: str) -> None:
    """Reject a figure of unknown format or size, or if matplotlib is not installed."""
    if path is None and size == "wide":
        return
    from modelsizer.plots.drawing.saving import FORMATS
    from modelsizer.plots.drawing.style import SIZES, need_matplotlib

    check_ending("--plot", path, *FORMATS)
    if path is not None:
        need_matplotlib()
    if size not in SIZES:
        fail_choice("--plot-size", size, SIZES)


def load(file: str, settings: list[str] | None, without: list[str] | None = None) -> Problem:
    """Load the problem of a file, with overrides and without some of its limits."""
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.key_values import check_apart, read_pairs
    from modelsizer.problems.problem import Problem

    pairs = read_pairs(settings or [])
    check_apart(pairs, without or ())
    try:
        problem = Problem.load(file, pairs)
    except ProblemError as error:
        raise with_lists(error, file, pairs) from None
    for doubt in doubts(file, pairs):
        say(doubt)
    keep_laws(problem.to_dict())
    return problem.without(*without) if without else problem
