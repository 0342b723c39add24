"""The front found so far: all nondominated designs, including those that tie."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fronts.cover import Cover
from modelsizer.optimizer.fronts.scores import EXACT_DOUBLES, Columns, Scorer, as_points
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table
from modelsizer.problems.columns import stacked
from modelsizer.problems.records import dataclass

MERGED_AT_ONCE, _OF_THE_FRONT = 2_000, 1.0
"""Pending designs trigger a merge at this number, or at this fraction of the front."""
_NOISE = 1e-12
"""Relative margin that allows for the rounding of a vectorised loss when it is dominated."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Designs with their objective vectors.

    Parameters
    ----------
    table : Table
    row : array of shape (B,)
    j : array of shape (B, A)
    columns : list of arrays of shape (B,)
        See `modelsizer.optimizer.fronts.scores.Scorer.columns`.
    exact : array of bool, shape (B,)
        Whether a design's noisy values were evaluated individually.
    """

    table: Table
    row: Ints
    j: Ints
    columns: Columns
    exact: Mask

    def __len__(self) -> int:
        return len(self.row)

    def take(self, where: Mask | Ints) -> Candidates:
        """Select designs by position; the table keeps only the rows that they need."""
        row = self.row[where]
        needed = np.zeros(len(self.table), dtype=bool)
        needed[row] = True
        return Candidates(
            self.table.take(needed),
            (np.cumsum(needed) - 1)[row],
            self.j[where],
            [column[where] for column in self.columns],
            self.exact[where],
        )


def exactly(scorer: Scorer, found: Candidates) -> Candidates:
    """Candidates with exact values, where those of many designs are computed at once."""
    at_once = scorer.at_once
    if not scorer.noisy or at_once is None or not at_once.reliable:
        return found
    _, loss = at_once.evaluate(found.table, found.row, found.j)
    if not at_once.reliable:
        return found
    columns = list(found.columns)
    for i in scorer.noisy:
        columns[i] = scorer.goals[i].sign * loss
    return replace(found, columns=columns, exact=np.ones(len(found), dtype=bool))


class Archive:
    """Designs offered so far that no other offered design dominates.

    Parameters
    ----------
    scorer : Scorer
    clock : Clock, optional
        Of the comparison of designs.

    Attributes
    ----------
    feasible : int
        Number of offered pairs of design and layout that are feasible.
    """

    def __init__(self, scorer: Scorer, clock: Clock | None = None) -> None:
        self.scorer, self.clock = scorer, clock
        self.feasible = 0
        self._front: Candidates | None = None
        self._waiting: list[Candidates] = []
        self._cover: Cover | None = None

    @property
    def points(self) -> int:
        """Number of designs that may be on the front so far, including ties."""
        merged = 0 if self._front is None else len(self._front)
        return merged + sum(map(len, self._waiting))

    def front(self, clock: Clock | None = None) -> Candidates | None:
        """Return the front so far, or what of it could be compared in the clock's time."""
        with suppress(StoppedError):
            self._merge(clock)
        return self._front

    def offer(self, table: Table, row: Ints, j: Ints, *, count: bool = True) -> None:
        """Add designs of a table, if they are feasible and nondominated.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        j : array of shape (B, A)
        count : bool
            Whether to count the designs; False for a sample that is offered again later.

        Raises
        ------
        StoppedError
            At a limit of the clock.
        """
        keeps, value = self.scorer.feasible(table, row, j)
        if count:
            self.feasible += int(keeps.sum())
        if not keeps.any():
            return
        row, j, value = row[keeps], j[keeps], value[keeps]
        columns = self.scorer.columns(table, row, j, value)
        new = ~self.rules_out(table, columns)
        if not new.any():
            return
        exact = np.zeros(len(row), dtype=bool)
        found = Candidates(table, row, j, columns, exact).take(new)
        self._waiting.append(exactly(self.scorer, found))
        merged = 0 if self._front is None else len(self._front)
        if self.points - merged >= max(MERGED_AT_ONCE, merged * _OF_THE_FRONT):
            self._merge(self.clock)

    def rules_out(self, table: Table, columns: Columns) -> Mask:
        """Mask of objective vectors, in units of a table, that a design of the front dominates."""
        none: Mask = np.zeros(len(columns[0]), dtype=bool)
        if self._cover is None or self._front is None or not _comparable(columns):
            return none
        if self.scorer.denominators(table) != self.scorer.denominators(self._front.table):
            return none
        return self._cover.rules_out(np.stack([c.astype(float) for c in columns], axis=1))

    def _merge(self, clock: Clock | None) -> None:
        """Compare pending designs with the front and with each other.

        Raises
        ------
        StoppedError
            At a limit of the clock; the designs are then pending still.
        """
        if not self._waiting:
            return
        self._cover = None  # its memory is needed here
        parts = [*([] if self._front is None else [self._front]), *self._waiting]
        known = 0 if self._front is None else len(self._front)
        if all(part.exact.all() for part in parts) and _one_unit(self.scorer, parts):
            best = nondominated(as_points(_stacked(parts)))
        else:
            both = _joined(self.scorer, parts)
            fresh = np.arange(len(both)) >= known
            columns, exact = list(both.columns), both.exact.copy()
            self.scorer.settle(both.table, both.row, both.j, columns, exact, fresh, clock=clock)
            parts = [replace(both, columns=columns, exact=exact)]
            best = nondominated(as_points(columns))
        ends = np.cumsum([0, *map(len, parts)])
        self._waiting = []
        for number, (a, b) in enumerate(itertools.pairwise(ends)):
            parts[number] = parts[number].take(best[a:b])
        self._front = _joined(self.scorer, parts)
        if _comparable(self._front.columns):
            points = np.stack([c.astype(float) for c in self._front.columns], axis=1)
            self._cover = Cover(points, _NOISE)


def _comparable(columns: Columns) -> bool:
    """Whether all columns convert to doubles without loss."""
    return all(
        c.dtype != object and (c.dtype.kind == "f" or int(np.abs(c).max(initial=0)) < EXACT_DOUBLES)
        for c in columns
    )


def _one_unit(scorer: Scorer, parts: Sequence[Candidates]) -> bool:
    """Whether the integers of all columns are over the same denominators."""
    return len({scorer.denominators(part.table) for part in parts}) == 1


def _stacked(parts: Sequence[Candidates]) -> Columns:
    return [np.concatenate(some) for some in zip(*(part.columns for part in parts), strict=True)]


def _joined(scorer: Scorer, parts: Sequence[Candidates]) -> Candidates:
    """Concatenate lists of designs over one table."""
    if len(parts) == 1:
        return parts[0]
    table = Table.join([part.table for part in parts])
    begin = np.cumsum([0, *(len(part.table) for part in parts)])
    row = np.concatenate([part.row + at for part, at in zip(parts, begin, strict=False)])
    j = stacked([part.j for part in parts])
    if _one_unit(scorer, parts):
        columns = _stacked(parts)
    else:
        columns = scorer.columns(table, row, j, np.zeros(len(row)))
        for i in scorer.noisy:
            columns[i] = np.concatenate([part.columns[i] for part in parts])
    return Candidates(table, row, j, columns, np.concatenate([part.exact for part in parts]))


def nondominated(points: Floats, *, ties: bool = True) -> Mask:
    """Mask of nondominated points; all objectives are minimised.

    Parameters
    ----------
    points : array of shape (B, G)
    ties : bool
        Keep all of several equal points, or only the first.
    """
    import moocore

    found: Mask = np.asarray(moocore.is_nondominated(points, keep_weakly=ties), dtype=bool)
    return found
