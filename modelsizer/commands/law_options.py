"""The options `--law` and `--laws`: read and validate laws given by name or file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import fail
from modelsizer.commands.options import load
from modelsizer.commands.progress_lines import steps

if TYPE_CHECKING:
    from modelsizer.optimizer.laws.comparison import LawComparison
    from modelsizer.optimizer.laws.corners import ProblemCorners
    from modelsizer.optimizer.result import Result
    from modelsizer.problems.architecture.architecture import Architecture
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.problem import Problem

_KEY = "objective.law"

Corners = Annotated[
    bool,
    typer.Option(
        "--corners",
        help="Solve again where the evidence is read otherwise (the ends of the "
        "ablations, the leverage of experts), and say what holds and which design "
        "gives up least at worst.",
    ),
]


def load_under(
    file: str,
    settings: list[str] | None,
    without: list[str] | None,
    law: str | None,
) -> Problem:
    """Load the problem of a file, with the law of `--law` if given.

    Raises
    ------
    ProblemError
        As for `load`; faults of the law are reported for `--law`.
    """
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.laws.reading import law_setting
    from modelsizer.problems.text_files import exists

    if law is None:
        return load(file, settings, without)
    given = [text for text in settings or () if text.partition("=")[0].strip() == _KEY]
    if given:
        fail(f"--law: --set {given[0]} says it too; give one of them")
    try:
        return load(file, [*(settings or []), f"{_KEY}={law_setting(law)}"], without)
    except ProblemError as error:
        hint = f" (did you mean {law}.toml?)" if exists(Path(f"{law}.toml")) else ""
        raise _named("--law", error, hint) from None


def _named(option: str, error: ProblemError, hint: str = "") -> ProblemError:
    """Return the error, with faults of the law, and a hint, attributed to the option."""
    from modelsizer.problems.errors import Fault, ProblemError

    of_law = [fault.key == _KEY for fault in error.faults]
    faults = [
        Fault(option, fault.message + hint) if mine else fault
        for mine, fault in zip(of_law, error.faults, strict=True)
    ]
    return ProblemError(faults, "" if all(of_law) else error.source)


def law_settings(problem: Problem, typed: str | None) -> list[str] | None:
    """Return the laws of `--laws`, after checking that the problem can be solved with each.

    Raises
    ------
    ProblemError
        If it cannot be; the message names `--laws` and the reason.
    """
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.laws.reading import law_setting

    if typed is None:
        return None
    found = []
    for name in filter(None, map(str.strip, typed.split(","))):
        try:
            problem.with_settings(problem.under_law(law_setting(name)))
        except ProblemError as error:
            raise _named("--laws", error) from None
        found.append(law_setting(name))
    return found


def under_laws(
    problem: Problem, names: Sequence[str] | None, time_limit: float | None = None
) -> LawComparison:
    """Solve a problem under each named law, or under all usable laws if none is named."""
    from modelsizer.optimizer.laws.comparison import compare_laws

    with steps("law") as progress:
        return compare_laws(problem, names, time_limit=time_limit, progress=progress)


def at_corners(
    problem: Problem,
    *,
    laws: Sequence[str] | None = None,
    solver: str,
    time_limit: float | None = None,
    answer: Result | None = None,
    beside: Architecture | None = None,
) -> ProblemCorners:
    """Solve a problem at each of its corners; see `modelsizer.optimizer.laws.corners`."""
    from modelsizer.optimizer.laws.corners import corners

    with steps("corner") as progress:
        return corners(
            problem,
            laws,
            solver=solver,
            time_limit=time_limit,
            progress=progress,
            answer=answer,
            beside=beside,
        )


def check_together(
    *,
    uncertainty: bool,
    laws: str | None,
    corners: bool,
    draws: int | None,
    write: object,
    limits: Mapping[str, object],
) -> None:
    """Reject options of solve that are incompatible with several laws.

    Parameters
    ----------
    uncertainty, laws, corners, draws, write
        The options.
    limits : mapping
        Limits of the solve, by option; None if not given.
    """
    if draws is not None and not uncertainty:
        fail("--draws: how many draws of the law --uncertainty looks at; give --uncertainty too")
    asked = {"--uncertainty": uncertainty, "--laws": laws is not None, "--corners": corners}
    many = next((option for option, given in asked.items() if given), "")
    if not many:
        return
    for option, value in limits.items():
        if value is not None:
            fail(f"{option}: it stops one solve before its proof; {many} proves every optimum")
    if write is not None:
        fail(f"--write: the program is of one law; leave {many} out")
