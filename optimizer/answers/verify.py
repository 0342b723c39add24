"""Verify a saved answer: its problem, its figures, its proof, and what it was computed from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelsizer.optimizer.answers.differences import (
    MISSING,
    Difference,
    count_figures,
    differences,
)
from modelsizer.optimizer.answers.old import CHECKED, check_alone
from modelsizer.optimizer.answers.proof import Proof, prove_again
from modelsizer.optimizer.answers.reading import (
    NOT_FIGURES,
    ONLY_PROVEN,
    UNREADABLE,
    read_answer,
    without_others,
)
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems import plain_values
from modelsizer.problems.architecture.sources import STANDARD_INPUT
from modelsizer.problems.brief import named
from modelsizer.problems.errors import ArgumentError, ModelsizerError, ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources, table_hashes
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled
from modelsizer.problems.text_files import UnreadableError, read_standard_input, read_text
from modelsizer.problems.version import __version__

_SOURCES = ("problem", "provenance")
_LAW_FILES = "law_files"  # where a law was read from: its content is in the problem
_OF_SCENARIOS = ("settings", "change", "reasons")
_EDITED = "is not what was solved: its hash is not the one in provenance"


@dataclass(frozen=True, slots=True)
class VerifiedAnswer(Tabled):
    """What verifying a saved answer found.

    Parameters
    ----------
    name : str
        Of its problem.
    status : str
        As it claims.
    version : str or None
        Of the modelsizer that wrote it, if it says so.
    differences : tuple of Difference
        All that is not so, or not as it is here.
    figures : int
        How many figures were compared.
    proofs : tuple of Proof
        One for each problem solved again: one, or one for each scenario; none if not asked for.
    notes : tuple of str
        What could not be told.
    unchecked : tuple of str
        Keys of the answer that were not compared.
    whole : bool
        Whether nothing that should have been verified is left open.
    """

    name: str
    status: str
    version: str | None
    differences: tuple[Difference, ...]
    figures: int
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...]
    unchecked: tuple[str, ...]
    whole: bool

    def _words(self) -> str:
        agrees = "agrees" if self.agrees else f"{len(self.differences)} differences"
        return f"of {named(self.name)}: {self.status}, {agrees}, {self.figures} figures compared"

    @property
    def elsewhere(self) -> tuple[Difference, ...]:
        """Differences of where the answer was computed: the version and the catalogues."""
        return tuple(d for d in self.differences if d.key.startswith("provenance"))

    @property
    def wrong(self) -> tuple[Difference, ...]:
        """Differences of the answer itself: its problem, its figures, its claims."""
        return tuple(d for d in self.differences if not d.key.startswith("provenance"))

    @property
    def agrees(self) -> bool:
        """Whether all was verified, and nothing differs."""
        return self.whole and not self.differences

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "status": self.status,
            "agrees": self.agrees,
            "figures_agree": not self.wrong,
            "figures": self.figures,
            "written_by": self.version,
            "verified_by": __version__,
            "differences": [each.to_dict() for each in self.differences],
            "proofs": [proof.to_dict() for proof in self.proofs],
            "notes": list(self.notes),
            "unchecked": list(self.unchecked),
        }


def verify_answer(
    answer: Mapping[str, Any] | str | Path,
    *,
    problem: Problem | None = None,
    solver: str | None = None,
    time_limit: float | None = None,
    quick: bool = False,
) -> VerifiedAnswer:
    """Read a saved answer back, compute every figure again, and prove it once more.

    Parameters
    ----------
    answer : mapping, str or Path
        The JSON of `solve` or `whatif`, as `Result.to_dict` gives it, or the path of its file;
        ``-`` for standard input.
    problem : Problem, optional
        For an answer that does not hold its own, as earlier versions wrote them.
    solver : str, optional
        See `modelsizer.optimizer.solver.solve`; the answer's own by default.
    time_limit : float, optional
        Seconds, of all proofs. By default none; an answer that a limit stopped gets twice the time
        that it took, and at least ten seconds.
    quick : bool
        Do not prove it again: the design is evaluated, and its figures compared.

    Returns
    -------
    VerifiedAnswer

    Raises
    ------
    ModelsizerError
        If the file cannot be read, or holds no answer.
    ArgumentError
        If a problem is given and the answer holds its own.
    ValueError
        If the solver is unknown or not installed, or the limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem, solve
    >>> saved = solve(Problem.load("one-h100-1e24")).to_dict()
    >>> verify_answer(saved).agrees
    True
    >>> saved["parameters"]["total"] += 1
    >>> [each.key for each in verify_answer(saved).differences]
    ['parameters.total']
    """
    clock = Clock.of(time_limit)
    content = answer if isinstance(answer, Mapping) else _read(answer)
    _check_answer(content, "" if isinstance(answer, Mapping) else f"{_label(answer)}: ")
    if problem is not None and "problem" in content:
        raise ArgumentError("problem", "the answer holds its own problem; leave it out")
    asked = _Asked(solver, clock, quick)
    if "problem" not in content and problem is None:
        return _without_problem(content)
    tables = content["problem"] if problem is None else problem.to_dict()
    try:
        base = _problem(tables) if problem is None else problem
    except ProblemError as error:
        return _of_bad_problem(content, error)
    found = _of_sources(content, base)
    notes = [] if "problem" in content else [_OLD.format("its problem was given")]
    return _verified(content, base, found, notes, asked)


_OLD = "it is of a version that saved neither problem nor hashes: {}"


@dataclass(frozen=True, slots=True)
class _Asked:
    solver: str | None
    clock: Clock
    quick: bool


def _read(source: str | Path) -> Mapping[str, Any]:
    label = _label(source)
    try:
        standard = str(source) == STANDARD_INPUT
        text = read_standard_input() if standard else read_text(Path(source))
        content = plain_values.from_json(text)
    except (UnreadableError, ValueError) as error:
        raise ModelsizerError(f"{label}: {error}") from None
    if not isinstance(content, Mapping):
        raise ModelsizerError(f"{label}: holds no answer: it is no JSON object")
    return content


def _label(source: str | Path) -> str:
    return "standard input" if str(source) == STANDARD_INPUT else str(source)


def _check_answer(content: Mapping[str, Any], label: str) -> None:
    entries = content.get("scenarios")
    if isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries):
        return
    if "status" not in content or "objective" not in content:
        raise ModelsizerError(
            f"{label}no answer of solve or whatif: the keys status and objective are missing"
        )


def _problem(tables: Any) -> Problem:
    if not isinstance(tables, Mapping):
        raise ProblemError.of("", "is not a table")
    try:
        return Problem.from_tables(tables)
    except ProblemError:
        raise
    except UNREADABLE as error:
        raise ProblemError.of("", str(error)) from None


def _of_sources(content: Mapping[str, Any], problem: Problem) -> list[Difference]:
    """Differences of the problem to the one that was solved, and of version and catalogues."""
    if "problem" not in content:
        return []
    now = sources(problem)
    stored = content.get("provenance")
    if not isinstance(stored, Mapping):
        return [Difference("provenance", stored, None, MISSING)]
    then = {key: value for key, value in stored.items() if key != _LAW_FILES}
    found = [*differences(content["problem"], now["problem"], "problem")]
    for each in differences(then, now["provenance"], "provenance"):
        inside = each.key.removeprefix("provenance.")
        edited = inside.startswith("problem.")
        found.append(replace(each, key=inside, why=_EDITED) if edited else each)
    return found


def _parts(
    content: Mapping[str, Any], base: Problem
) -> Iterator[tuple[str, Mapping[str, Any], Problem | ProblemError]]:
    """The answers within: where each stands, and its problem."""
    if "scenarios" not in content:
        if content.get("unfinished") and content.get("complete") is False:
            # It lacks what else was asked for; the result itself may be complete.
            content = {**content, "complete": content.get("status") != "limit"}
        yield "", content, base
        return
    bare = base.without_scenarios()
    for at, entry in enumerate(content["scenarios"]):
        settings = entry.get("settings")
        alone = {key: value for key, value in entry.items() if key not in _OF_SCENARIOS}
        alone |= {"name": entry.get("problem")}
        alone.pop("problem", None)
        try:
            if not isinstance(settings, Mapping):
                raise ProblemError.of("settings", f"{settings!r} is not a table")
            yield f"scenarios[{at}].", alone, bare.with_settings(settings)
        except ProblemError as error:
            yield f"scenarios[{at}].", alone, error


def _verified(
    content: Mapping[str, Any],
    base: Problem,
    found: list[Difference],
    notes: list[str],
    asked: _Asked,
) -> VerifiedAnswer:
    proofs: list[Proof] = []
    unchecked: dict[str, None] = {}
    edited = any(each.why == _EDITED for each in found)
    notes += ["its problem was edited, so it was not proven again"] if edited else []
    figures, whole = 0, True
    for where, part, problem in _parts(content, base):
        if isinstance(problem, ProblemError):
            found.append(Difference(f"{where}settings", None, None, str(problem)))
            continue
        read = read_answer(part, problem)
        wrong = read.differences
        if not (asked.quick or edited):
            proof, wrong, said = prove_again(
                part, problem, read, asked.solver, asked.clock.left.seconds
            )
            proofs.append(proof)
            notes += [f"{where.rstrip('.')}: {note}" if where else note for note in said]
            whole = whole and (proof.confirms or bool(wrong))
        found += [replace(each, key=where + each.key) for each in wrong]
        checked = _figures_of(read.result, part, quick=asked.quick)
        figures += count_figures(checked)
        kind = "scenarios[]." if where else ""
        unchecked |= dict.fromkeys(kind + key for key in part if key not in checked)
        if checked.get("machine") != part.get("machine"):
            unchecked[f"{kind}machine.alternatives"] = None
    if isinstance(content.get("provenance"), Mapping) and _LAW_FILES in content["provenance"]:
        unchecked[f"provenance.{_LAW_FILES}"] = None
    left = tuple(key for key in unchecked if key not in _SOURCES)
    return VerifiedAnswer(
        str(base.name or content.get("name") or ""),
        str(content.get("status", "")),
        _version(content),
        tuple(found),
        figures,
        tuple(proofs),
        tuple(notes),
        left,
        whole,
    )


def _figures_of(result: Result | None, part: Mapping[str, Any], *, quick: bool) -> dict[str, Any]:
    """The figures of an answer that were compared."""
    if result is None:
        return {}
    left_out = (*NOT_FIGURES, *(ONLY_PROVEN if quick else ()))
    found = {k: v for k, v in part.items() if k in result.figures() and k not in left_out}
    if "machine" in found:
        found["machine"] = without_others(found["machine"])
    return found


def _version(content: Mapping[str, Any]) -> str | None:
    stored = content.get("provenance")
    version = stored.get("modelsizer") if isinstance(stored, Mapping) else None
    return version if isinstance(version, str) else None


def _of_bad_problem(content: Mapping[str, Any], error: ProblemError) -> VerifiedAnswer:
    """An answer whose problem is none, here."""
    tables, provenance = content["problem"], content.get("provenance")
    found = [
        Difference(f"problem.{fault.key}".rstrip("."), None, None, fault.message)
        for fault in error.faults
    ]
    if isinstance(tables, Mapping) and isinstance(provenance, Mapping):
        hashes = differences(provenance.get("problem"), table_hashes(tables), "problem")
        found += [replace(each, why=_EDITED) for each in hashes]
    return _unproven(content, found, "its problem cannot be read, so no figure was computed", 0)


def _without_problem(content: Mapping[str, Any]) -> VerifiedAnswer:
    note = _OLD.format("only what it says of itself was compared; give its problem (--problem)")
    checked = {key: content[key] for key in CHECKED if content.get(key) is not None}
    return _unproven(content, list(check_alone(content)), note, count_figures(checked), CHECKED)


def _unproven(
    content: Mapping[str, Any],
    found: list[Difference],
    note: str,
    figures: int,
    checked: tuple[str, ...] = (),
) -> VerifiedAnswer:
    left = tuple(key for key in content if key not in (*checked, *_SOURCES))
    return VerifiedAnswer(
        str(content.get("name", "")),
        str(content.get("status", "")),
        _version(content),
        tuple(found),
        figures,
        (),
        (note,),
        left,
        False,
    )
