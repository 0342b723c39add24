"""Count and sort all feasible designs.

Designs are enumerated in chunks. Of each chunk the best are kept, and where all are asked for, the
identity and value of each, sorted on disk (`modelsizer.optimizer.surveys.sorted_designs`), so that
any number takes little memory; other columns are computed again when designs are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelsizer.optimizer.fronts.goals import Goal, parse_goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.result import design_dict
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, every_design
from modelsizer.optimizer.surveys.finalists import Tally, best_of_all, best_of_each, tally
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns
from modelsizer.optimizer.surveys.listing import LAYOUT_COLUMNS, check_columns, design_columns
from modelsizer.optimizer.surveys.ordering import by_value, evaluated, lowest, valued
from modelsizer.optimizer.surveys.sorted_designs import DesignsOnce, SortedDesigns
from modelsizer.optimizer.tables.clock import Clock, Ending, Limits, OutOfTimeError, Stop
from modelsizer.problems.architecture.choices import SHOWN
from modelsizer.problems.brief import named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, did_you_mean, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled

GROUPS = SHOWN
"""Choices by which designs can be grouped."""
_LAST = 0.25  # seconds after a limit to sort the designs found
_SECONDS = 1e-6  # time to find the best layout of one of the designs under several

Progress = Callable[[int, int], None]
"""Called with the numbers of feasible designs found and designs evaluated."""


@dataclass(frozen=True, slots=True)
class Group:
    """Designs that share one value of a choice.

    Parameters
    ----------
    value : int, bool or str
    designs : int
        Number of feasible designs.
    parameters : (int, int)
        Least and greatest number of parameters.
    best : Evaluation
    """

    value: int | bool | str
    designs: int
    parameters: tuple[int, int]
    best: Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class Ranking(Tabled, Drawn):
    """Feasible designs of a problem in order.

    Parameters
    ----------
    problem : Problem
    goal : Goal
        The quantity that they are sorted by.
    designs, looked_at, feasible : int
        Number of designs in the space, of those evaluated (one for each layout that can split it),
        and of those that are feasible.
    seconds : float
    stop : str
        Why it ended; "proven" if every design was evaluated. Otherwise the rest is of those
        evaluated.
    best : tuple of Evaluation
        The first designs, evaluated exactly; ties by `Evaluation.tie_key`.
    group_by : str or None
    groups : tuple of Group
        Sorted by value; empty unless requested.
    """

    problem: Problem
    goal: Goal
    designs: int
    looked_at: int
    feasible: int
    seconds: float
    stop: Stop
    best: tuple[Evaluation, ...]
    group_by: str | None
    groups: tuple[Group, ...]
    _scorer: Scorer
    _all: SortedDesigns | None

    def _words(self) -> str:
        seen = self.designs if self.complete else self.looked_at
        part = "" if self.complete else f" looked at ({self.stop})"
        return (
            f"of {named(self.problem.name)} by {self.goal.name}: {len(self.best):,} best of "
            f"{self.feasible:,} that keep every limit, of {seen:,} designs{part}"
        )

    @property
    def complete(self) -> bool:
        """Whether every design was evaluated and sorted."""
        return self.stop == "proven"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not known of the accelerators of the best designs."""
        if not self.problem.devices:
            return ()
        # Loaded only where it is asked: tables of designs are part of every answer.
        from modelsizer.problems.designs.unknown_figures import unknown_figures

        return unknown_figures(self.problem, [design.layout for design in self.best])

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        found: dict[str, Any] = {
            "name": self.problem.name,
            "by": {"name": self.goal.name, "sense": self.goal.sense},
            "complete": self.complete,
            "stop": self.stop,
            "designs": self.designs,
            "looked_at": self.looked_at,
            "feasible": self.feasible,
            "seconds": round(self.seconds, 6),
            "rows": [
                {"rank": rank} | design_dict(self.problem, design)
                for rank, design in enumerate(self.best, start=1)
            ],
        }
        if said := self.warnings:
            found["warnings"] = list(said)
        if self.group_by is not None:
            found["group_by"] = self.group_by
            found["groups"] = [
                {
                    self.group_by: group.value,
                    "designs": group.designs,
                    "parameters_from": group.parameters[0],
                    "parameters_to": group.parameters[1],
                    "best": design_dict(self.problem, group.best),
                }
                for group in self.groups
            ]
        return found | sources(self.problem)

    def batches(
        self, columns: list[str], at_once: int = DESIGNS_AT_ONCE, *, clock: Clock | None = None
    ) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
        """Columns of all feasible designs in order, in chunks.

        Parameters
        ----------
        columns : list of str
            See `modelsizer.optimizer.surveys.listing.COLUMNS`.
        at_once : int
            Designs per chunk.
        clock : Clock, optional
            Chunks after its time limit are left out, except the first.

        Raises
        ------
        ValueError
            If not all designs were kept.
        ProblemError
            If a column is unknown.
        TemporaryFileError
            If the designs cannot be written to a file, or read from it.
        """
        if self._all is None:
            raise ValueError("only the best were kept: rank(..., keep_all=True)")
        names = check_columns(self.problem, columns)
        rank = 1
        for piece in self._all.pieces():
            for begin in range(0, len(piece), at_once):
                if rank > 1 and clock is not None and clock.out_of_time:
                    return
                part = piece.take(slice(begin, begin + at_once))
                found = design_columns(self._scorer, part, columns, names, rank, evaluated=True)
                yield found if self._all.wide else found | _narrow(found)
                rank += len(part)


def _narrow(columns: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Those of the columns that are choices and layouts, integers below 2^31."""
    return {
        name: column.astype(np.int32)
        for name, column in columns.items()
        if name in (*SHOWN, *LAYOUT_COLUMNS) and column.dtype == np.int64
    }


def rank(
    problem: Problem,
    by: str | None = None,
    *,
    top: int = 20,
    group_by: str | None = None,
    keep_all: bool = False,
    time_limit: float | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Sort all feasible designs.

    Parameters
    ----------
    problem : Problem
    by : str, optional
        A quantity, by default the problem's objective; minimised, except decode_throughput, which
        is maximised; a leading ``-`` reverses the sense.
    top : int
        Number of designs to evaluate exactly.
    group_by : str, optional
        One of `GROUPS`: also find the best design for each value.
    keep_all : bool
        Keep all designs, for `Ranking.batches`.
    time_limit : float, optional
        Seconds; on reaching it, the designs evaluated until then are ranked.
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.
    progress : callable, optional
        Called with the numbers of feasible designs found and designs evaluated.

    Returns
    -------
    Ranking

    Raises
    ------
    ProblemError
        If a quantity or a group is unknown, or cannot be computed.
    ArgumentError
        If the time limit is negative or not finite.
    TemporaryFileError
        If the disk has no room for the designs.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = rank(Problem.load("one-h100-1e24"), top=2)
    >>> found.feasible, [design.architecture.layers for design in found.best]
    (1301, [58, 57])
    """
    require_type("problem", problem, Problem)
    require_type("by", by, str | None)
    require_type("top", top, int)
    objective = problem.objective
    goal = (
        Goal(objective.quantity, objective.sense) if by is None else parse_goal(problem, by, "--by")
    )
    if group_by is not None and group_by not in GROUPS:
        hint, known = did_you_mean(group_by, GROUPS), ", ".join(GROUPS)
        why = f"{group_by!r} is no choice of a design{hint}; known: {known}"
        raise ProblemError.of("--group-by", why)
    if top < 1:
        raise ProblemError.of("--top", f"must be 1 or more, not {top}")
    clock = Clock.of(time_limit) if clock is None else clock.within()
    scorer = Scorer(problem, [goal])
    seen = _Seen(scorer, top, group_by, keep_all=keep_all)
    ending, best = Ending(), list[Evaluation]()
    groups: tuple[Group, ...] = ()
    with ending:
        seen.read(clock, progress)
    last = clock if ending.complete else Clock(Limits(_LAST))
    seen.read_once()
    if seen.feasible:
        with ending:
            seen.best.settle(last)
            groups = tuple(seen.groups(last))
        few = seen.best.held
        if ending.complete:
            best = evaluated(scorer, few, np.arange(len(few)), last)
            if len(best) < len(few):
                ending.stop = last.stop
        else:
            best = _first(scorer, few, top, last)
    return Ranking(
        problem,
        goal,
        problem.counted.designs,
        seen.looked_at,
        seen.feasible,
        clock.elapsed,
        ending.stop,
        tuple(best),
        group_by,
        groups,
        scorer,
        seen.sorted if seen.feasible else None,
    )


def _first(scorer: Scorer, held: KeptDesigns, top: int, clock: Clock) -> list[Evaluation]:
    """The best of designs in no exact order."""
    few = by_value(lowest(held, top, scorer))
    goal = scorer.goals[0]
    some = evaluated(scorer, few, np.arange(min(top, len(few))), clock)
    return sorted(some, key=lambda d: (goal.sign * float(d.exact[goal.name]), d.tie_key))


class _Seen:
    """The designs evaluated so far: their number, the best of them, and all if these are kept."""

    def __init__(self, scorer: Scorer, top: int, group_by: str | None, *, keep_all: bool) -> None:
        self._scorer, self._group_by = scorer, group_by
        self.looked_at = self.feasible = 0
        self.best = best_of_all(scorer, top)
        self._best_of_each = None if group_by is None else best_of_each(scorer, group_by)
        self._tallies: dict[int | str, Tally] = {}
        self.sorted = SortedDesigns(scorer) if keep_all else None
        self._once = DesignsOnce() if len(scorer.problem.layouts) > 1 else None

    def read(self, clock: Clock, progress: Progress | None) -> None:
        """Evaluate every design.

        Raises
        ------
        StoppedError
            At a limit of the clock.
        TemporaryFileError
            If the disk is full.
        """
        scorer, problem = self._scorer, self._scorer.problem
        tables = scorer.model.store.tables(problem, scorer.names)
        found = 0
        for table, row, j in every_design(tables, clock):
            part = valued(scorer, table, row, j)
            self.looked_at += len(row)
            found += len(part)
            if self._once is None:
                self._add(part)
            else:
                self._once.add(part)
                limit = clock.limits.seconds
                if limit is not None and clock.elapsed + _SECONDS * found >= limit:
                    raise OutOfTimeError
            if progress is not None:
                progress(found, self.looked_at)

    def read_once(self) -> None:
        """Take of each design that several layouts fit the best.

        Raises
        ------
        TemporaryFileError
            If the disk is full.
        """
        for part in () if self._once is None else self._once.pieces():
            self._add(part)
        self._once = None

    def _add(self, part: KeptDesigns) -> None:
        self.feasible += len(part)
        self.best.add(part)
        if self._best_of_each is not None and self._group_by is not None:
            self._best_of_each.add(part)
            tally(self._tallies, part, self._group_by)
        if self.sorted is not None:
            self.sorted.add(part)

    def groups(self, clock: Clock) -> Iterator[Group]:
        """The groups of at least one feasible design, if some are asked for.

        Raises
        ------
        StoppedError
            At a limit of the clock.
        """
        if self._best_of_each is None:
            return
        self._best_of_each.settle(clock)
        first = self._best_of_each.held
        designs = evaluated(self._scorer, first, np.arange(len(first)), clock)
        if len(designs) < len(first):
            raise OutOfTimeError
        for (value, one), best in zip(sorted(self._tallies.items()), designs, strict=True):
            shown = bool(value) if self._group_by == "tied_embeddings" else value
            yield Group(shown, one.designs, (one.fewest, one.most), best)
