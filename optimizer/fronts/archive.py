"""The front found so far: every design that no other one dominates, those that tie among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from modelsizer.optimizer.fronts.cover import Cover
from modelsizer.optimizer.fronts.scores import EXACT_DOUBLES, Columns, Scorer, as_points
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table
from modelsizer.problems.columns import stacked

MERGED_AT_ONCE, _OF_THE_FRONT = 2_000, 0.25
"""Designs that wait before they are compared with the front: so many, or this part of it."""
_NOISE = 1e-12
"""Relative margin within which a vectorised loss is not ruled out by another one."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Designs with their objective vectors.

    Parameters
    ----------
    table : Table
    row : array of shape (B,)
    j : array of shape (B, A)
    columns : list of arrays of shape (B,)
        As `modelsizer.optimizer.fronts.scores.Scorer.columns` gives them.
    exact : array of bool, shape (B,)
        Where noisy values were evaluated alone.
    """

    table: Table
    row: Ints
    j: Ints
    columns: Columns
    exact: Mask

    def __len__(self) -> int:
        return len(self.row)

    def take(self, where: Mask | Ints) -> Candidates:
        """The designs at these positions; the table keeps only the rows that they need."""
        rows, row = np.unique(self.row[where], return_inverse=True)
        return Candidates(
            self.table.take(rows),
            row.reshape(-1),
            self.j[where],
            [column[where] for column in self.columns],
            self.exact[where],
        )


class Archive:
    """Designs seen so far that no other design seen dominates.

    Parameters
    ----------
    scorer : Scorer

    Attributes
    ----------
    feasible : int
        Pairs of a design and a layout that were offered and keep every limit.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.feasible = 0
        self._front: Candidates | None = None
        self._waiting: list[Candidates] = []
        self._cover: Cover | None = None

    @property
    def points(self) -> int:
        """Designs that may be on the front so far, ties among them."""
        merged = 0 if self._front is None else len(self._front)
        return merged + sum(map(len, self._waiting))

    @property
    def front(self) -> Candidates | None:
        """The front so far."""
        self._merge()
        return self._front

    def offer(self, table: Table, row: Ints, j: Ints, *, count: bool = True) -> None:
        """Look at designs of a table.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        j : array of shape (B, A)
        count : bool
            Whether they are looked at for good; a sample comes again later.
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
        self._waiting.append(Candidates(table, row, j, columns, exact).take(new))
        merged = 0 if self._front is None else len(self._front)
        if self.points - merged >= max(MERGED_AT_ONCE, merged * _OF_THE_FRONT):
            self._merge()

    def rules_out(self, table: Table, columns: Columns) -> Mask:
        """Which objective vectors, in the units of a table, a design of the front dominates."""
        none: Mask = np.zeros(len(columns[0]), dtype=bool)
        if self._cover is None or self._front is None or not _comparable(columns):
            return none
        if self.scorer.denominators(table) != self.scorer.denominators(self._front.table):
            return none
        return self._cover.rules_out(np.stack([c.astype(float) for c in columns], axis=1))

    def _merge(self) -> None:
        """Compare what waits with the front, and with itself."""
        if not self._waiting:
            return
        parts = [*([] if self._front is None else [self._front]), *self._waiting]
        known = 0 if self._front is None else len(self._front)
        self._waiting = []
        both = _joined(self.scorer, parts)
        fresh = np.arange(len(both)) >= known
        self.scorer.settle(both.table, both.row, both.j, both.columns, both.exact, fresh)
        self._front = both.take(nondominated(as_points(both.columns)))
        self._cover = None
        if _comparable(self._front.columns):
            points = np.stack([c.astype(float) for c in self._front.columns], axis=1)
            self._cover = Cover(points, _NOISE)


def _comparable(columns: Columns) -> bool:
    """Whether columns are doubles without loss, as they are."""
    return all(
        c.dtype != object and (c.dtype.kind == "f" or int(np.abs(c).max(initial=0)) < EXACT_DOUBLES)
        for c in columns
    )


def _joined(scorer: Scorer, parts: Sequence[Candidates]) -> Candidates:
    """Lists of designs over one table."""
    if len(parts) == 1:
        return parts[0]
    table = Table.join([part.table for part in parts])
    begin = np.cumsum([0, *(len(part.table) for part in parts)])
    row = np.concatenate([part.row + at for part, at in zip(parts, begin, strict=False)])
    j = stacked([part.j for part in parts])
    columns = scorer.columns(table, row, j, np.zeros(len(row)))
    for i in scorer.noisy:
        columns[i] = np.concatenate([part.columns[i] for part in parts])
    return Candidates(table, row, j, columns, np.concatenate([part.exact for part in parts]))


def nondominated(points: Floats, *, ties: bool = True) -> Mask:
    """Points that no other one dominates, less being better.

    Parameters
    ----------
    points : array of shape (B, G)
    ties : bool
        Keep all of equal points, or the first one only.
    """
    import moocore

    found: Mask = np.asarray(moocore.is_nondominated(points, keep_weakly=ties), dtype=bool)
    return found
