"""The application, its exit statuses, and error handling."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from modelsizer.problems.version import __version__

INFEASIBLE, BAD_INPUT, STOPPED = 1, 2, 3
"""Exit statuses: proven infeasible; invalid input; a limit reached before a proof."""
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


def fail(message: str) -> NoReturn:
    """Print an error and exit with status 2."""
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def user_errors(*also: type[Exception]) -> Iterator[None]:
    """Print errors in the user's input as one message and exit with status 2, without traceback.

    Parameters
    ----------
    *also : type
        Further exception types that are input errors in this context.
    """
    from modelsizer.problems.errors import ArgumentError, ModelsizerError

    questions: tuple[type[Exception], ...] = (ModelsizerError, *also)
    try:
        yield
    except ArgumentError as error:
        fail(error.as_option)
    except questions as error:
        fail(str(error))


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
