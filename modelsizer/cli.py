"""The command line. It reads arguments, calls, prints and exits; it decides nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from modelsizer import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from optimizer.result import Result
    from problems.problem import Problem

EXIT = {"optimal": 0, "infeasible": 1, "limit": 3}
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, where there is no result to hand over
PROGRESS_AFTER = 1.0  # seconds
PROGRESS_EVERY = 0.2

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


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the question end in a message and exit 2, never in a traceback."""
    from problems.errors import ModelsizerError

    try:
        yield
    except ModelsizerError as error:
        _fail(str(error))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _emit(content: Any, target: str | None, show: Callable[[Console], None]) -> None:
    """JSON to where it is wanted; text for people unless JSON took standard output."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    if target is not None:
        from modelsizer.files import write_text

        write_text(Path(target), text)
    show(_console())


def _progress() -> Callable[[float, float, int], None] | None:
    if not sys.stderr.isatty():
        return None
    started = last = time.perf_counter()

    def show(incumbent: float, bound: float, left: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - started < PROGRESS_AFTER or now - last < PROGRESS_EVERY:
            return
        last = now
        line = f"{now - started:6.1f} s  incumbent {incumbent:.9g}  bound {bound:.9g}"
        sys.stderr.write(f"\r{line}  gap {incumbent - bound:.3g}  left {left}\x1b[K")
        sys.stderr.flush()

    return show


def _clear_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


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


@app.command()
def solve(
    file: File,
    set_: Settings = None,
    solver: Annotated[
        str,
        typer.Option(help="scipy, pulp (CBC), pulp:NAME (pulp:HiGHS, ...) or exhaustive."),
    ] = "scipy",
    json_: Json = None,
    gap: Annotated[
        float | None,
        typer.Option(
            help="Stop this near to the best: nats of loss, or a fraction of another objective."
        ),
    ] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds.")] = None,
    node_limit: Annotated[int | None, typer.Option(help="Branch-and-bound nodes.")] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Write the mixed-integer program to a .lp or .mps file."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Draw loss over layers and d_model: .png, .svg or .pdf."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the steps of the proof.")
    ] = False,
) -> None:
    """Find the best design of a problem, with proof.

    Exit status: 0 solved, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    from problems.problem import Problem

    with _told():
        from modelsizer.settings import parse_settings

        if write is not None:
            _check_ending("--write", write, (".lp", ".mps"))
        if plot is not None:
            from plots.saving import FORMATS

            _check_ending("--plot", plot, FORMATS)
        problem = Problem.load(file, parse_settings(set_ or []))
        from optimizer.solve import solve as run

        try:
            result = run(
                problem,
                solver=solver,
                gap=gap,
                time_limit=time_limit,
                node_limit=node_limit,
                progress=_progress(),
            )
        except ValueError as error:
            _fail(str(error))
        _clear_progress()

        def show(console: Console) -> None:
            from modelsizer.report import print_result

            print_result(console, result, verbose=verbose)

        _emit(result.to_dict(), json_, show)
        if write is not None:
            _write_program(problem, write)
        if plot is not None:
            _draw(result, plot)
    raise typer.Exit(EXIT[result.status])


def _draw(result: Result, path: Path) -> None:
    from modelsizer.files import write_whole
    from optimizer.landscape import landscape
    from plots.landscape import loss_landscape
    from plots.saving import save

    best = None
    if (design := result.design) is not None:
        best = (design.architecture.layers, design.architecture.trunk.d_model, design.loss)
    binding = frozenset(use.name for use in result.budgets if use.binding)
    problem = result.problem
    try:
        figure = loss_landscape(landscape(problem), best, binding=binding, title=problem.name)
    except ValueError as error:
        _fail(f"--plot: {error}")
    write_whole(path, lambda part: save(figure, part))


def _check_ending(option: str, path: Path, endings: tuple[str, ...]) -> None:
    if path.suffix not in endings:
        _fail(f"{option}: {path} must end in {' or '.join(endings)}")


def _write_program(problem: Problem, path: Path) -> None:
    from modelsizer.files import write_whole
    from optimizer.backends.pulp_adapter import write_program
    from optimizer.export import program_of

    program = program_of(problem)
    write_whole(path, lambda part: write_program(program, part))


@app.command()
def problems(json_: Json = None) -> None:
    """List the problems that come with modelsizer."""
    from problems.problem import Problem
    from problems.reading import library

    with _told():
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

        _emit({"problems": rows}, json_, show)


@app.command()
def check(file: File, set_: Settings = None, json_: Json = None) -> None:
    """Check a problem file, count its designs and estimate the work."""
    with _told():
        from modelsizer.checking import check_problem, print_check
        from modelsizer.settings import parse_settings
        from problems.problem import Problem

        problem = Problem.load(file, parse_settings(set_ or []))
        found = check_problem(problem)
        _emit(found, json_, lambda console: print_check(console, problem, found))


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (`| head`); what it read is fine.
        sys.stderr.close()
        sys.exit(0)
