"""The front found so far: every design that no other one dominates, those that tie among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.fronts.cover import Cover
from optimizer.fronts.scores import EXACT_DOUBLES, Columns, Scorer, as_points
from optimizer.table import Floats, Ints, Mask, Table, join

_NOISE = 1e-12
"""Relative margin within which a vectorised loss is not ruled out by another one."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Designs with their objective vectors.

    Parameters
    ----------
    table : Table
    row : array of shape (B,)
    j : array of shape (B, K)
    columns : list of arrays of shape (B,)
        As `optimizer.fronts.scores.Scorer.columns` gives them.
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
        self.front: Candidates | None = None
        self._cover: Cover | None = None

    @property
    def points(self) -> int:
        """Designs on the front so far, ties among them."""
        return 0 if self.front is None else len(self.front)

    def offer(self, table: Table, row: Ints, j: Ints, *, count: bool = True) -> None:
        """Look at designs of a table.

        Parameters
        ----------
        table : Table
        row : array of shape (B,)
        j : array of shape (B, K)
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
        fresh = Candidates(table, row, j, columns, exact).take(new)
        self._merge(fresh)

    def rules_out(self, table: Table, columns: Columns) -> Mask:
        """Which objective vectors, in the units of a table, a design of the front dominates."""
        none: Mask = np.zeros(len(columns[0]), dtype=bool)
        if self._cover is None or self.front is None or not _comparable(columns):
            return none
        if self.scorer.denominators(table) != self.scorer.denominators(self.front.table):
            return none
        return self._cover.rules_out(np.stack([c.astype(float) for c in columns], axis=1))

    def _merge(self, fresh: Candidates) -> None:
        both = fresh if self.front is None else _joined(self.scorer, self.front, fresh)
        self.scorer.settle(both.table, both.row, both.j, both.columns, both.exact)
        kept = both.take(nondominated(as_points(both.columns)))
        self.front = kept
        self._cover = None
        if _comparable(self.front.columns):
            points = np.stack([c.astype(float) for c in self.front.columns], axis=1)
            self._cover = Cover(points, _NOISE)


def _comparable(columns: Columns) -> bool:
    """Whether columns are doubles without loss, as they are."""
    return all(
        c.dtype != object and (c.dtype.kind == "f" or int(np.abs(c).max(initial=0)) < EXACT_DOUBLES)
        for c in columns
    )


def _joined(scorer: Scorer, first: Candidates, second: Candidates) -> Candidates:
    """Two lists of designs over one table."""
    table = join([first.table, second.table])
    row = np.concatenate([first.row, second.row + len(first.table)])
    j = np.concatenate([first.j, second.j])
    value = np.zeros(len(row))
    noisy = set(scorer.noisy)
    columns = scorer.columns(table, row, j, value)
    for i in range(len(columns)):
        if i in noisy:
            columns[i] = np.concatenate([first.columns[i], second.columns[i]])
    return Candidates(table, row, j, columns, np.concatenate([first.exact, second.exact]))


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
