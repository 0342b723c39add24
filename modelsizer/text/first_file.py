"""What is said of a first problem file: its answer, why there is none, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.optimizer.result import Result
from modelsizer.problems.designs.evaluated import design_words
from modelsizer.text.explain import print_explanation
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, title
from modelsizer.text.kit.words import STOPS, joined

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.explain.explain import Explanation

_NEXT = (
    ("solve {}", "the answer in full, with its proof"),
    ("serve {}", "a page with a slider for each limit"),
    ("prices {}", "what each limit is worth"),
    ("report {} -o report.html", "one page to attach to a decision"),
)


def print_first_file(
    console: Console,
    path: str,
    result: Result,
    explanation: Explanation | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Print where the file is, its answer or why there is none, and the next commands.

    Parameters
    ----------
    console : Console
    path : str
    result : Result
    explanation : Explanation or None
        Of an infeasible one.
    notes : sequence of str
        What was assumed.
    """
    line(console, f"{path} is written.", wrap=False)
    for note in notes:
        paragraph(console, f"{note}.", expand=False)
    if result.design is not None:
        title(console, result.problem.name)
        for text in _answer(result):
            paragraph(console, text, expand=False)
    if explanation is not None:
        print_explanation(console, explanation)
        section(
            console, "The file is valid, and no design keeps its limits: change one of them, then"
        )
    else:
        section(console, "Next")
    print_next(console, path)


def print_next(console: Console, path: str) -> None:
    """Print commands to go on with."""
    commands = [f"modelsizer {command.format(shlex.quote(path))}" for command, _ in _NEXT]
    wide = max(map(len, commands))
    for command, (_, does) in zip(commands, _NEXT, strict=True):
        line(console, f"{'':{INDENT}}{command:<{wide}}  {does}", wrap=False)


def _answer(result: Result) -> list[str]:
    """The best design in a few sentences."""
    best = result.best
    binding = [use.name for use in result.budgets if use.binding]
    proven = (
        "Proven the best" if result.status == "optimal" else f"Not proven: {STOPS[result.stop]}"
    )
    return [
        f"{proven}: {design_words(best)}.",
        f"What binds: {joined(binding) if binding else 'nothing but the space'}.",
    ]
