"""Exit statuses of commands, and errors in what the user gives."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from modelsizer.problems.visible import shortened, visible

INFEASIBLE, BAD_INPUT, STOPPED = 1, 2, 3
"""Exit statuses: proven infeasible; invalid input; a limit reached before a proof."""
EXIT = {"optimal": 0, "infeasible": INFEASIBLE, "limit": STOPPED}
"""Exit status of each status of a result."""

LONGEST = 4000
"""Characters of a line on standard error; of a longer one the beginning and the end are shown."""


def say(text: str) -> None:
    """Print a line on standard error, cut if it is very long."""
    print(shortened(visible(text), LONGEST), file=sys.stderr)


def fail(first: str, *more: str) -> NoReturn:
    """Print an error, of one line or several, and exit with status 2."""
    for line in (f"error: {first}", *more):
        say(line)
    raise typer.Exit(BAD_INPUT)


def fail_choice(option: str, value: str, known: Iterable[str]) -> NoReturn:
    """Refuse a value of an option that takes one of several words."""
    from modelsizer.problems.errors import did_you_mean

    *first, last = known
    words = f"{', '.join(first)} or {last}" if first else last
    fail(f"{option}: {value!r} is not {words}{did_you_mean(value, [*first, last])}")


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
