"""The command init: a first problem file from five answers."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import EXIT, fail, say, user_errors
from modelsizer.commands.new_files import check_new, schema_of
from modelsizer.commands.output import STANDARD_OUTPUT, emit, print_text, text_file

if TYPE_CHECKING:
    from modelsizer.first_file.answers import Answers
    from modelsizer.first_file.questions import Question
    from modelsizer.optimizer.result import Result

_USUAL = "problem.toml"
_SECONDS = 30.0
"""Time for the first answer."""
_ABOVE_LEAST = 1.01
"""Most loss over the least, where another quantity is sought at no loss that is said."""
_PLACES = 3


_REPAIR = (
    "say it in an answer, such as --serve 'one L40S at 1 USD an hour', or ask for another --goal"
)


def init(
    file: Annotated[
        str,
        typer.Argument(metavar="PATH", help="The file to write; - for standard output."),
    ] = _USUAL,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Kind and size: dense (the default), small, or 'mixture of 30B'."
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="'256 H100-SXM for 30 days' (the default), '1e24 FLOPs', or '2M USD on 512 "
            "H100-SXM at 2.5'.",
        ),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="'one H100-SXM' (the default), '8 L40S at 8 bits', 'one 80 GB card', or none.",
        ),
    ] = None,
    users: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="'8192 tokens for 16 users' (the default), '8k' for one user, or '4 users with "
            "128k at 20 tokens/s'.",
        ),
    ] = None,
    goal: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="loss (the default), or another quantity: 'parameters at 2.1'."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a first problem file from five answers, and solve it.

    What no option says is asked at a terminal; elsewhere its default is taken. The file has a
    comment for each key, and solves at once.

    Exit status: 0 solved, 1 written and proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_new(file, force=force)
        named = _USUAL if file == STANDARD_OUTPUT else file
        given = {"model": model, "train": train, "serve": serve, "users": users, "goal": goal}
        answers = _answers(given)
        text, result = _solved(answers, named, schema_of(file))
        if file == STANDARD_OUTPUT:
            print_text(text, _USUAL)
            for note in answers.notes:
                say(f"{note}.")
            raise typer.Exit(EXIT[result.status])
        explanation = None
        if result.status == "infeasible":
            from modelsizer.optimizer.explain.explain import explain

            explanation = explain(result.problem, time_limit=_SECONDS)

        from modelsizer.text.first_file import print_first_file

        emit(
            {},
            None,
            lambda console: print_first_file(console, file, result, explanation, answers.notes),
            text_file("PATH", Path(file), lambda: text),
        )
    raise typer.Exit(EXIT[result.status])


def _answers(given: dict[str, str | None]) -> Answers:
    """The answers of the options, of the terminal, or by default."""
    from modelsizer.first_file.answers import Answers, Kind
    from modelsizer.first_file.questions import QUESTIONS
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.key_values import one_line

    asked = sys.stdin.isatty() and sys.stderr.isatty()
    read: dict[str, Any] = {}
    texts: list[tuple[str, str]] = []
    kind: Kind = "dense"
    for number, question in enumerate(QUESTIONS, start=1):
        text = given[question.name]
        default = question.default(kind)
        if text is None and asked:
            text, answer = _ask(number, question, default)
        else:
            text = default if text is None else one_line(text, f"--{question.name}")
            try:
                answer = question.read(text)
            except ValueError as error:
                raise ProblemError.of(f"--{question.name}", str(error)) from None
        read[question.name] = answer
        texts.append((question.name, text))
        kind = read["model"].kind
    return Answers(**read, texts=tuple(texts))


def _ask(number: int, question: Question, default: str) -> tuple[str, Any]:
    """Ask until there is an answer."""
    examples = [f"'{text}'" for text in question.examples if text != default]
    width = shutil.get_terminal_size().columns
    for text in (f"{number}. {question.words}", f"   Also: {', '.join(examples)}."):
        for line in wrap(text, width, subsequent_indent="   "):
            say(line)
    while True:
        text = typer.prompt("  ", default=default, err=True, prompt_suffix=" ")
        try:
            return text, question.read(text)
        except ValueError as error:
            say(f"   {error}")


def _solved(answers: Answers, file: str, schema: str) -> tuple[str, Result]:
    """The text of the file, and its answer.

    Where another quantity than the loss is sought at no loss that is said, at 1 % above the least;
    where nothing fits, the least loss is sought all the same, so that it can be said why.
    """
    from modelsizer.first_file.answers import Goal
    from modelsizer.first_file.problem_file import problem_text

    goal, loss = answers.goal, None
    if goal.quantity != "loss" and goal.loss is None:
        text = problem_text(replace(answers, goal=Goal()), file, schema)
        first = _solve(text)
        if first.design is None:
            return text, first
        loss = round(_ABOVE_LEAST * first.best.loss, _PLACES)
    text = problem_text(answers, file, schema, loss)
    return text, _solve(text)


def _solve(text: str) -> Result:
    """Read and solve a file that is not written yet."""
    from modelsizer.commands.progress_lines import gaps
    from modelsizer.optimizer.solver import Solver
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.problem import Problem

    try:
        problem = Problem.parse(text)
    except ProblemError as error:
        faults = [f"{fault.key}: {fault.message}" for fault in error.faults]
        fail("the answers do not go together, and no file is written", *faults, _REPAIR)
    with gaps() as progress:
        return Solver(problem).solve(time_limit=_SECONDS, progress=progress)
