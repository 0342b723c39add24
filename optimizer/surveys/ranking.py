"""Count and sort all feasible designs.

Designs are enumerated in chunks. Only the identity and the value of each are stored
(`modelsizer.optimizer.surveys.kept_designs`), so millions take little memory; other columns are
computed again when designs are shown or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelsizer.optimizer.fronts.goals import Goal, parse_goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.result import design_dict
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, every_design
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, table_of
from modelsizer.optimizer.surveys.listing import check_columns, design_columns
from modelsizer.optimizer.surveys.ordering import (
    by_value,
    evaluated,
    lowest,
    one_layout_each,
    ordered,
    valued,
)
from modelsizer.optimizer.tables.clock import Clock, Ending, Limits, OutOfTimeError, Stop
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.architecture.choices import SHOWN
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources

GROUPS = SHOWN
"""Choices by which designs can be grouped."""
_SPARE = 400_000  # designs held beyond the requested number before the worst are dropped
_LAST = 0.25  # seconds after a limit to sort the designs found
_BYTES, _SECONDS = 300, 1e-6  # memory and time to sort one of the designs held

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
class Ranking:
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
    _all: KeptDesigns | None

    @property
    def complete(self) -> bool:
        """Whether every design was evaluated and sorted."""
        return self.stop == "proven"

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
        """
        if self._all is None:
            raise ValueError("only the best were kept: rank(..., keep_all=True)")
        names = check_columns(self.problem, columns)
        for begin in range(0, len(self._all), at_once):
            if begin and clock is not None and clock.out_of_time:
                return
            part = self._all.take(slice(begin, begin + at_once))
            yield design_columns(self._scorer, part, columns, names, first_rank=begin + 1)


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
        raise ProblemError.of("--group-by", f"{group_by!r} is not one of {', '.join(GROUPS)}")
    if top < 1:
        raise ProblemError.of("--top", f"must be 1 or more, not {top}")
    clock = Clock.of(time_limit) if clock is None else clock.within()
    scorer = Scorer(problem, [goal])
    several = len(problem.layouts) > 1
    everything = keep_all or group_by is not None or several
    seen = _Seen(scorer, None if everything else top)
    ending = Ending()
    with ending:
        seen.read(clock, progress)
    held, feasible = seen.held(), seen.feasible
    best: tuple[Evaluation, ...] = ()
    groups: tuple[Group, ...] = ()
    last = clock if ending.complete else Clock(Limits(_LAST))
    if held is not None:
        with ending:
            if several:
                held = one_layout_each(held)
                feasible = len(held)
            held = ordered(scorer, held, last)
            if group_by is not None:
                groups = tuple(_groups(scorer, held, group_by, last))
        if ending.complete:
            best = tuple(evaluated(scorer, held, np.arange(min(top, len(held))), last))
        else:
            held = by_value(held)
            best = tuple(_first(scorer, held, top, last))
        if ending.complete and len(best) < min(top, len(held)):
            ending.stop = last.stop
    return Ranking(
        problem,
        goal,
        problem.counted.designs,
        seen.looked_at,
        feasible,
        clock.elapsed,
        ending.stop,
        best,
        group_by,
        groups,
        scorer,
        held if keep_all else None,
    )


def _first(scorer: Scorer, held: KeptDesigns, top: int, clock: Clock) -> list[Evaluation]:
    """The best of designs sorted by value alone, in exact order."""
    layouts = len(scorer.problem.layouts)
    few = lowest(held, top * layouts, scorer)
    few = by_value(one_layout_each(few) if layouts > 1 else few)
    goal = scorer.goals[0]
    some = evaluated(scorer, few, np.arange(min(top, len(few))), clock)
    return sorted(some, key=lambda d: (goal.sign * float(d.exact[goal.name]), d.tie_key))


class _Seen:
    """The designs evaluated so far: the feasible ones, all or at least the best `top`."""

    def __init__(self, scorer: Scorer, top: int | None) -> None:
        self._scorer, self._top = scorer, top
        self._parts: list[KeptDesigns] = []
        self.looked_at = self.feasible = 0

    def read(self, clock: Clock, progress: Progress | None) -> None:
        """Evaluate every design.

        Raises
        ------
        StoppedError
            At a limit of the clock.
        """
        scorer, problem = self._scorer, self._scorer.problem
        tables = scorer.model.store.tables(problem, scorer.names)
        waiting = 0
        for table, row, j in every_design(tables, clock):
            clock.check(_BYTES * waiting)
            part = valued(scorer, table, row, j)
            self._parts.append(part)
            self.looked_at += len(row)
            self.feasible += len(part)
            waiting += len(part)
            if self._top is not None and waiting > _SPARE + self._top:
                self._parts = [lowest(KeptDesigns.join(self._parts), self._top, scorer)]
                waiting = len(self._parts[0])
            limit = clock.limits.seconds
            if limit is not None and clock.elapsed + _SECONDS * waiting >= limit:
                raise OutOfTimeError
            if progress is not None:
                progress(self.feasible, self.looked_at)

    def held(self) -> KeptDesigns | None:
        """Return the designs kept; None if none is feasible."""
        if not self.feasible:
            return None
        held = KeptDesigns.join(self._parts)
        return held if self._top is None else lowest(held, self._top, self._scorer)


def _groups(scorer: Scorer, held: KeptDesigns, name: str, clock: Clock) -> Iterator[Group]:
    column = held.column(name)
    values, first, group, counts = np.unique(
        column, return_index=True, return_inverse=True, return_counts=True
    )
    fewest, most = _parameters(scorer, held, group.reshape(-1), len(values), clock)
    designs = evaluated(scorer, held, first, clock)
    if len(designs) < len(first):
        raise OutOfTimeError
    for i, best in enumerate(designs):
        value: int | bool | str = values[i].item()
        if name == "tied_embeddings":
            value = bool(value)
        yield Group(value, int(counts[i]), (int(fewest[i]), int(most[i])), best)


def _parameters(
    scorer: Scorer, held: KeptDesigns, group: Ints, groups: int, clock: Clock
) -> tuple[Floats, Floats]:
    """Least and greatest number of parameters of the designs in each group."""
    fewest, most = np.full(groups, np.inf), np.zeros(groups)
    for begin in range(0, len(held), DESIGNS_AT_ONCE):
        clock.check()
        part = slice(begin, begin + DESIGNS_AT_ONCE)
        table = table_of(scorer.problem, held.take(part), ("parameters",))
        n = table.linear["parameters"].base.astype(float)
        np.minimum.at(fewest, group[part], n)
        np.maximum.at(most, group[part], n)
    return fewest, most
