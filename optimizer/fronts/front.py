"""A front as an immutable result: points, proven bounds and unexplored zones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Any, Self

import numpy as np

from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.indicators import hypervolume
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.optimizer.tables.described import described
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.text import own_rate
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.table_files import by_column
from modelsizer.problems.units import Number


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of objective space that may contain missed points.

    Parameters
    ----------
    least : tuple of float or None
        Proven bound on each goal of missed points; None if unknown.
    most : tuple of float or None
        Missed points are better than this in every goal; None if unbounded.
    """

    least: tuple[float | None, ...]
    most: tuple[float | None, ...]


AT_ONCE = 10_000  # points described between two that are given
MOST_ZONES = 200
"""Zones of a front: more tell a reader nothing, and take long to draw."""


def coarser(zones: Sequence[Zone], goals: Sequence[Goal]) -> list[Zone]:
    """Join neighbouring zones until there are at most `MOST_ZONES`, which contain the same."""
    each = -(-len(zones) // MOST_ZONES)
    if each <= 1:
        return list(zones)
    in_order = sorted(zones, key=lambda zone: [-math.inf if x is None else x for x in zone.least])
    return [_joined(in_order[at : at + each], goals) for at in range(0, len(zones), each)]


def _joined(zones: Sequence[Zone], goals: Sequence[Goal]) -> Zone:
    least, most = [], []
    for g, goal in enumerate(goals):
        best, worst = [zone.least[g] for zone in zones], [zone.most[g] for zone in zones]
        first, last = (min, max) if goal.sign > 0 else (max, min)
        least.append(None if None in best else first(x for x in best if x is not None))
        most.append(None if None in worst else last(x for x in worst if x is not None))
    return Zone(tuple(least), tuple(most))


def everything(goals: Sequence[Goal]) -> Zone:
    """The zone of all points, where nothing is known of those that are missing."""
    nothing = (None,) * len(goals)
    return Zone(nothing, nothing)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of a front, with one design for each.

    Parameters
    ----------
    values : mapping of str to tuple of number
        Values of each goal; points are sorted by the first goal, then the second.
    designs : array of shape (P,)
        Number of distinct designs with the same objective vector.
    tokens, loss : array of shape (P,)
        Tokens and loss of the design shown.
    table : Table
    row : array of shape (P,)
    j : array of shape (P, K)
        Position of the design shown: the first by the tie rule among those that share the point.
    """

    values: Mapping[str, tuple[Number, ...]]
    designs: Ints
    tokens: Floats
    loss: Floats
    table: Table
    row: Ints
    j: Ints

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: Ints) -> Self:
        """Select points; a selection counts as complete if the whole front is."""
        return replace(
            self,
            values={name: tuple(each[i] for i in which) for name, each in self.values.items()},
            designs=self.designs[which],
            tokens=self.tokens[which],
            loss=self.loss[which],
            row=self.row[which],
            j=self.j[which],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Front(Tabled, Drawn, Points):
    """Nondominated points of a problem, all of them if complete; see `Points`.

    Parameters
    ----------
    problem : Problem
        The problem as given; its objective is ignored.
    goals : tuple of Goal
    solver : str
    seconds : float
    stop : str
        Why the search ended; "proven" if no zone is unexplored.
    unexplored : tuple of Zone
        Empty if the front is complete.
    statistics : mapping of str to number
        Counters of the search.

    Raises
    ------
    ValueError
        If a finished search has unexplored zones, or an unfinished one has none.
    """

    problem: Problem
    goals: tuple[Goal, ...]
    solver: str
    seconds: float
    stop: Stop
    unexplored: tuple[Zone, ...] = ()
    statistics: Mapping[str, Number] = field(default_factory=dict)

    def _words(self) -> str:
        goals = ", ".join(goal.name for goal in self.goals)
        whole = "complete" if self.complete else f"not complete ({self.stop})"
        return f"of {named(self.problem.name)}: {counted(len(self), 'point')} of {goals}, {whole}"

    def __post_init__(self) -> None:
        if self.complete == bool(self.unexplored):
            raise ValueError("a finished search leaves nothing unexplored, another one something")

    @property
    def complete(self) -> bool:
        """Whether no nondominated point is missing, to the unit and to the last double."""
        return self.stop == "proven"

    @property
    def points(self) -> Floats:
        """Objective vectors as doubles, in the goals' own senses; shape (P, G)."""
        columns = [np.array(self.values[goal.name], dtype=float) for goal in self.goals]
        return np.stack(columns, axis=1)

    def architecture(self, point: int) -> Architecture:
        """Architecture of the design shown at a point."""
        return self.table.architecture(
            self.problem, int(self.row[point]), [int(n) for n in self.j[point]]
        )

    def point(self, i: int) -> dict[str, Any]:
        """One point, with the keys of the JSON contract."""
        found: dict[str, Any] = {goal.name: self.values[goal.name][i] for goal in self.goals}
        tokens, architecture = float(self.tokens[i]), self.architecture(i)
        if "tokens" not in found:  # as a goal it is text
            tokens *= float(own_rate(self.problem, architecture))
        return found | {
            "designs": int(self.designs[i]),
            "architecture": design_architecture(architecture),
            "tokens": tokens if np.isfinite(tokens) else None,
            **dict(zip(("machine",), self._machines(slice(i, i + 1)), strict=False)),
        }

    def _machines(self, which: slice) -> list[dict[str, dict[str, Any]]]:
        """Machines of some points; none where there is no choice of them."""
        if not self.problem.menus:
            return []
        layouts, number = self.table.layout, self.table.layout_id[self.row[which]]
        each = {n: self.problem.machine(layouts[n]) for n in np.unique(number).tolist()}
        return [each[n] for n in number.tolist()]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for begin in range(0, len(self), AT_ONCE):
            yield from self._some(slice(begin, begin + AT_ONCE))

    def _some(self, which: slice) -> Iterator[dict[str, Any]]:
        """Yield `point` of some points."""
        table, row = self.table, self.row[which]
        columns: dict[str, Sequence[Any]]
        columns = {goal.name: self.values[goal.name][which] for goal in self.goals}
        columns["designs"] = self.designs[which].tolist()
        columns["architecture"] = described(self.problem, table, row, self.j[which])
        tokens, rates = self.tokens[which], self.problem.settings.tokenizer
        if rates is not None and "tokens" not in columns:  # as a goal it is text
            sizes, at = np.unique(table["vocab_size"][row], return_inverse=True)
            tokens = tokens * np.array([float(rates.of(n)) for n in sizes.tolist()])[at]
        columns["tokens"] = [n if math.isfinite(n) else None for n in tokens.tolist()]
        if machines := self._machines(which):
            columns["machine"] = machines
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Convert the front to a mapping with the keys of the JSON contract."""
        return self.with_points(list(self))

    def with_points(self, points: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """`to_dict` with these points, such as an iterator over the front's own."""
        return {
            "name": self.problem.name,
            "objectives": [{"name": g.name, "sense": g.sense} for g in self.goals],
            "complete": self.complete,
            "stop": self.stop,
            "solver": self.solver,
            "seconds": round(self.seconds, 6),
            "count": len(self),
            "hypervolume": hypervolume(self.goals, self.points),
            "unexplored": [
                {
                    side: {g.name: at for g, at in zip(self.goals, ends, strict=True)}
                    for side, ends in (("least", zone.least), ("most", zone.most))
                }
                for zone in self.unexplored
            ],
            "statistics": dict(self.statistics),
            "points": points,
        } | sources(self.problem)

    def columns(self) -> dict[str, list[Any]]:
        """The points by column: goals, designs, tokens and the architecture's widths."""
        found: dict[str, list[Any]] = {}
        for piece in self.pieces():
            for name, values in piece.items():
                found.setdefault(name, []).extend(values)
        return found

    def pieces(self) -> Iterator[dict[str, list[Any]]]:
        """Yield `columns` of some points at a time."""
        points = iter(self)
        while some := list(islice(points, AT_ONCE)):
            rows = []
            for point in some:
                architecture = point.pop("architecture")
                for table, chosen in point.pop("machine", {}).items():
                    point |= {f"{table}.{key}": value for key, value in chosen.items()}
                rows.append(point | {k: v for k, v in architecture.items() if k not in point})
            yield by_column(rows)
