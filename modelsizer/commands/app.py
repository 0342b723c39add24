"""The application, its exit statuses, and error handling."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from modelsizer.problems.interrupts import INTERRUPTED, count
from modelsizer.problems.version import __version__
from modelsizer.problems.visible import shortened, visible

INFEASIBLE, BAD_INPUT, STOPPED = 1, 2, 3
"""Exit statuses: proven infeasible; invalid input; a limit reached before a proof."""
UNEXPECTED = 70
"""Exit status of an error in modelsizer itself, EX_SOFTWARE of sysexits.h."""
EXIT = {"optimal": 0, "infeasible": INFEASIBLE, "limit": STOPPED}
"""Exit status of each status of a result."""

_LONGEST = 4000
"""Characters of a line on standard error; of a longer one the beginning and the end are shown."""


TRACEBACK = "MODELSIZER_TRACEBACK"
"""Environment variable that lets an unexpected error through, with its traceback."""


class _Commands(typer.core.TyperGroup):
    """The commands; what is wrong with their options is said in one line of visible characters."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and exit, also after an error that no other place expects."""
        alone = options.get("standalone_mode", True)
        options["standalone_mode"] = False
        if not alone:
            return super().main(*args, **options)
        try:
            status = super().main(*args, **options)
        except typer.Abort:
            raise KeyboardInterrupt from None
        except BrokenPipeError:
            raise
        except MemoryError:
            say("error: there is not enough memory for this")
            status = BAD_INPUT
        except Exception as error:
            if count():  # a library makes an error of its own of an interrupt
                raise KeyboardInterrupt from None
            status = _of_usage(error) if hasattr(error, "format_message") else _unexpected(error)
        sys.exit(status)

    def invoke(self, ctx: Any) -> Any:
        """As of the base class."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # typer would end without a word
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None


def _of_usage(error: Any) -> int:
    """Print a mistake in a command line; return its exit status."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "modelsizer"
        say(f"error: {error.format_message().rstrip('.')}; see `{command} --help`")
    return int(error.exit_code)


def _unexpected(error: Exception) -> int:
    """Print an error that should have been a message; return the exit status."""
    if os.environ.get(TRACEBACK):
        raise error
    what = shortened(" ".join(str(error).split()), _LONGEST // 10)
    say(
        f"error: unexpected {type(error).__name__}: {what}; this is a fault of modelsizer: please "
        f"report the command with its files, and what it prints with {TRACEBACK}=1"
    )
    return UNEXPECTED


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
