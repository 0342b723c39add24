"""Answers under many laws: for solve, and for the commands that ask for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelsizer.commands.app import fail
from modelsizer.commands.options import load
from modelsizer.commands.progress_lines import steps

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.laws.comparison import LawComparison
    from modelsizer.optimizer.laws.robust import Uncertainty
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.laws.files import LawFile
    from modelsizer.problems.problem import Problem

DRAWS, CANDIDATES = 500, 20
"""Draws looked at and winners shown where none are asked for."""
_KEY = "objective.law"
_FEW = 100  # draws below which a 5 % quantile stands on fewer than five of them


def load_under(
    file: str,
    settings: list[str] | None,
    without: list[str] | None,
    law: str | None,
) -> Problem:
    """The problem of a file, under the law of `--law` where one is given.

    Raises
    ------
    ProblemError
        As `load`; what is wrong with the law is told of `--law`.
    """
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.laws.reading import law_setting

    if law is None:
        return load(file, settings, without)
    given = [text for text in settings or () if text.partition("=")[0].strip() == _KEY]
    if given:
        fail(f"--law: --set {given[0]} says it too; give one of them")
    try:
        return load(file, [*(settings or []), f"{_KEY}={law_setting(law)}"], without)
    except ProblemError as error:
        raise _told_of("--law", error) from None


def _told_of(option: str, error: ProblemError) -> ProblemError:
    """The error with what is wrong with the law told of the option that names it."""
    from modelsizer.problems.errors import Fault, ProblemError

    of_law = [fault.key == _KEY for fault in error.faults]
    faults = [
        Fault(option, fault.message) if mine else fault
        for mine, fault in zip(of_law, error.faults, strict=True)
    ]
    return ProblemError(faults, "" if all(of_law) else error.source)


# Under the draws of one law


@dataclass(frozen=True, slots=True)
class UnderDraws:
    """A problem under the bootstrap draws of its law, to be written and shown.

    Parameters
    ----------
    found : Uncertainty or None
        None where it is proven that no design keeps the limits.
    draws : int
    notes : tuple of str
        What is to be said of the draws.
    most : int
        Winners to show.
    """

    found: Uncertainty | None
    draws: int
    notes: tuple[str, ...]
    most: int

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        if self.found is None:
            return {"status": "infeasible", "draws": self.draws}
        return self.found.to_dict(self.most) | {"notes": list(self.notes)}

    def show(self, console: Console, *, below: bool = False) -> None:
        """Print it, by itself or below the answer of a solve."""
        from modelsizer.text.uncertainty import print_uncertainty

        if self.found is not None:
            print_uncertainty(console, self.found, self.most, self.notes, below=below)
        elif not below:
            console.print("No design keeps the limits; `modelsizer explain` says why.")


def under_draws(
    problem: Problem, draws: int, *, most: int = CANDIDATES, tail: float | None = None
) -> UnderDraws:
    """Solve a problem under the first draws of the file of its law.

    Parameters
    ----------
    problem : Problem
    draws : int
    most : int
        Winners to show.
    tail : float, optional
        q of the conditional value at risk.

    Raises
    ------
    ProblemError
        If its law has no draws, or the problem is none that draws can be taken for.
    """
    from modelsizer.optimizer.laws.robust import DEFAULT_TAIL, uncertainty

    fitted = _fitted(problem)
    laws = fitted.drawn_laws[:draws]
    notes = []
    if len(laws) < draws:
        notes.append(f"{fitted.path} has {len(laws)} draws, fewer than the {draws} asked for")
    if len(laws) < _FEW:
        notes.append(f"{len(laws)} draws are few for quantiles of 5 and 95 %; fit with more")
    found = uncertainty(problem, laws, tail=DEFAULT_TAIL if tail is None else tail)
    return UnderDraws(found, len(laws), tuple(notes), most)


def _fitted(problem: Problem) -> LawFile:
    """The file of the problem's law, which has draws."""
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.laws.reading import PREFIX, load_law

    name = problem.objective.law
    how = "modelsizer fit RUNS --bootstrap 500 -o mylaw.toml"
    if not name.startswith(PREFIX):
        raise ProblemError.of(
            "--uncertainty",
            f"{name} has no bootstrap draws; give --law mylaw.toml, made by `{how}`",
        )
    fitted = load_law(name.removeprefix(PREFIX))
    if not fitted.draws:
        raise ProblemError.of("bootstrap.draws", f"has none; make them by `{how}`", fitted.path)
    return fitted


# Under several laws


def law_settings(problem: Problem, typed: str | None) -> list[str] | None:
    """The laws of `--laws`, each of them one that the problem can be solved with.

    Raises
    ------
    ProblemError
        If one of them is not, with the reason, told of `--laws`.
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
            raise _told_of("--laws", error) from None
        found.append(law_setting(name))
    return found


def under_laws(problem: Problem, names: Sequence[str] | None) -> LawComparison:
    """Solve a problem under each of several laws, all that can be used where none are named."""
    from modelsizer.optimizer.laws.comparison import compare_laws

    with steps("law") as progress:
        return compare_laws(problem, names, progress=progress)


# Options of solve


def check_together(
    *,
    uncertainty: bool,
    laws: str | None,
    draws: int | None,
    write: object,
    limits: Mapping[str, object],
) -> None:
    """Refuse options of solve that contradict many laws.

    Parameters
    ----------
    uncertainty, laws, draws, write
        The options.
    limits : mapping
        What stops a solve early, by option; None where it is not given.
    """
    if draws is not None and not uncertainty:
        fail("--draws: how many draws of the law --uncertainty looks at; give --uncertainty too")
    many = "--uncertainty" if uncertainty else "--laws" if laws is not None else ""
    if not many:
        return
    for option, value in limits.items():
        if value is not None:
            fail(f"{option}: it stops one solve before its proof; {many} proves every optimum")
    if write is not None:
        fail(f"--write: the program is of one law; leave {many} out")
