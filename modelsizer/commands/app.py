"""The application, its exit statuses, and error handling."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from modelsizer.problems.version import __version__
from modelsizer.problems.visible import shortened, visible

INFEASIBLE, BAD_INPUT, STOPPED = 1, 2, 3
"""Exit statuses: proven infeasible; invalid input; a limit reached before a proof."""
EXIT = {"optimal": 0, "infeasible": INFEASIBLE, "limit": STOPPED}
"""Exit status of each status of a result."""

_LONGEST = 4000
"""Characters of a line on standard error; of a longer one the beginning and the end are shown."""


class _Commands(typer.core.TyperGroup):
    """The commands; what is wrong with their options is said in visible characters only."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """As of the base class."""
        with _visible_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """As of the base class."""
        with _visible_errors():
            return super().invoke(ctx)


@contextmanager
def _visible_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message"):  # a ClickException, of click or of typer's copy
            error.message = shortened(visible(str(error.message)), _LONGEST)
        raise


app = typer.Typer(
    cls=_Commands,
    name="modelsizer",
    help="The best language model that a budget can buy, with proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def say(text: str) -> None:
    """Print a line on standard error, cut if it is very long."""
    print(shortened(visible(text), _LONGEST), file=sys.stderr)


def fail(first: str, *more: str) -> NoReturn:
    """Print an error, of one line or several, and exit with status 2."""
    for line in (f"error: {first}", *more):
        say(line)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def user_errors(*also: type[Exception]) -> Iterator[None]:
    """Print errors in the user's input as one message and exit with status 2, without traceback.

    Parameters
    ----------
    *also : type
        Further exception types that are input errors in this context.
    """
    from modelsizer.problems.errors import ArgumentError, ModelsizerError, ProblemError

    questions: tuple[type[Exception], ...] = (ModelsizerError, *also)
    try:
        yield
    except ArgumentError as error:
        fail(error.as_option)
    except ProblemError as error:
        fail(*error.lines)
    except questions as error:
        fail(str(error))
    except OSError as error:  # such as no room for temporary files
        about = error.filename or "a file cannot be read or written"
        fail(f"{about}: {error.strerror or error}")


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
