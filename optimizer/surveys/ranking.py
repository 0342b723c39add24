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
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, table_of
from modelsizer.optimizer.surveys.listing import check_columns, design_columns
from modelsizer.optimizer.surveys.ordering import (
    evaluated,
    lowest,
    one_layout_each,
    ordered,
    valued,
)
from modelsizer.optimizer.tables.clock import Clock, Limits
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.architecture.choices import SHOWN
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.space.options import listed

GROUPS = SHOWN
"""Choices by which designs can be grouped."""
_SPARE = 400_000  # designs held beyond the requested number before the worst are dropped

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
    designs, feasible : int
        Number of designs in the space, and of those that are feasible.
    seconds : float
    best : tuple of Evaluation
        The first designs, evaluated exactly; ties by `Evaluation.tie_key`.
    group_by : str or None
    groups : tuple of Group
        Sorted by value; empty unless requested.
    """

    problem: Problem
    goal: Goal
    designs: int
    feasible: int
    seconds: float
    best: tuple[Evaluation, ...]
    group_by: str | None
    groups: tuple[Group, ...]
    _scorer: Scorer
    _all: KeptDesigns | None

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        found: dict[str, Any] = {
            "name": self.problem.name,
            "by": {"name": self.goal.name, "sense": self.goal.sense},
            "designs": self.designs,
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
        self, columns: list[str], at_once: int = DESIGNS_AT_ONCE
    ) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
        """Columns of all feasible designs in order, in chunks.

        Parameters
        ----------
        columns : list of str
            See `modelsizer.optimizer.surveys.listing.COLUMNS`.
        at_once : int
            Designs per chunk.

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
            part = self._all.take(slice(begin, begin + at_once))
            yield design_columns(self._scorer, part, columns, names, first_rank=begin + 1)


def rank(
    problem: Problem,
    by: str | None = None,
    *,
    top: int = 20,
    group_by: str | None = None,
    keep_all: bool = False,
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
    progress : callable, optional
        Called with the numbers of feasible designs found and designs evaluated.

    Returns
    -------
    Ranking

    Raises
    ------
    ProblemError
        If a quantity or a group is unknown, or cannot be computed.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = rank(Problem.load("one-h100-1e24"), top=2)
    >>> found.feasible, [design.architecture.layers for design in found.best]
    (10886, [68, 77])
    """
    require_type("problem", problem, Problem)
    objective = problem.objective
    goal = (
        Goal(objective.quantity, objective.sense) if by is None else parse_goal(problem, by, "--by")
    )
    if group_by is not None and group_by not in GROUPS:
        raise ProblemError.of("--group-by", f"{group_by!r} is not one of {', '.join(GROUPS)}")
    if top < 1:
        raise ProblemError.of("--top", f"must be 1 or more, not {top}")
    clock = Clock(Limits(None, None))
    scorer = Scorer(problem, [goal])
    several = len(problem.layouts) > 1
    everything = keep_all or group_by is not None or several
    held, feasible = _read(scorer, None if everything else top, progress)
    if held is not None and several:
        held = one_layout_each(held)
        feasible = len(held)
    best: tuple[Evaluation, ...] = ()
    groups: tuple[Group, ...] = ()
    if held is not None:
        held = ordered(scorer, held)
        best = tuple(evaluated(scorer, held, np.arange(min(top, len(held)))))
        if group_by is not None:
            groups = tuple(_groups(scorer, held, group_by))
    return Ranking(
        problem,
        goal,
        problem.counted.designs,
        feasible,
        clock.elapsed,
        best,
        group_by,
        groups,
        scorer,
        held if keep_all else None,
    )


def _read(
    scorer: Scorer, top: int | None, progress: Progress | None
) -> tuple[KeptDesigns | None, int]:
    """Feasible designs, all or at least the best `top`, and how many are feasible."""
    parts: list[KeptDesigns] = []
    feasible = waiting = looked_at = 0
    problem = scorer.problem
    blocks = tuple(listed(problem.space.block))
    for table in scorer.model.store.tables(problem, scorer.names):
        row = np.arange(len(table))
        low = np.zeros_like(table.count)
        for part, j in box_designs(row, low, table.count - 1, DESIGNS_AT_ONCE):
            parts.append(valued(scorer, blocks, table, part, j))
            looked_at += len(part)
            feasible += len(parts[-1])
            waiting += len(parts[-1])
            if top is not None and waiting > _SPARE + top:
                parts = [lowest(KeptDesigns.join(parts), top, scorer)]
                waiting = len(parts[0])
            if progress is not None:
                progress(feasible, looked_at)
    if not feasible:
        return None, 0
    held = KeptDesigns.join(parts)
    return (held if top is None else lowest(held, top, scorer)), feasible


def _groups(scorer: Scorer, held: KeptDesigns, name: str) -> Iterator[Group]:
    column = held.column(name)
    values, first, group, counts = np.unique(
        column, return_index=True, return_inverse=True, return_counts=True
    )
    fewest, most = _parameters(scorer, held, group.reshape(-1), len(values))
    for i, best in enumerate(evaluated(scorer, held, first)):
        value: int | bool | str = int(values[i])
        if name == "block":
            value = held.blocks[int(values[i])]
        elif name == "tied_embeddings":
            value = bool(values[i])
        yield Group(value, int(counts[i]), (int(fewest[i]), int(most[i])), best)


def _parameters(
    scorer: Scorer, held: KeptDesigns, group: Ints, groups: int
) -> tuple[Floats, Floats]:
    """Least and greatest number of parameters of the designs in each group."""
    fewest, most = np.full(groups, np.inf), np.zeros(groups)
    for begin in range(0, len(held), DESIGNS_AT_ONCE):
        part = slice(begin, begin + DESIGNS_AT_ONCE)
        table = table_of(scorer.problem, held.take(part), ("parameters",))
        n = table.linear["parameters"].base.astype(float)
        np.minimum.at(fewest, group[part], n)
        np.maximum.at(most, group[part], n)
    return fewest, most
