"""Objective vectors of designs: one column per goal, all minimised.

Affine goals are exact integers. Values that depend on the tokens alone are doubles, rounded once
and monotone, so equal designs have equal values. Loss, and tokens found from a loss, carry the
rounding of vectorised powers: if two designs are too close to distinguish, both are evaluated
individually (`settle`), so that comparisons agree with
`modelsizer.problems.designs.evaluation.evaluate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import feasible
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.token_caps import Spending
from modelsizer.optimizer.fronts.at_once import AtOnce
from modelsizer.optimizer.fronts.goals import Goal, question
from modelsizer.optimizer.search.compare import NEAR
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.largest_batches import largest_of
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table, to_floats
from modelsizer.problems.designs.costs import inverse_numerator
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.token_choice import most_tokens_losses
from modelsizer.problems.laws.features import features_of, parts_of
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.needs import costs_of
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import plain

Columns = list[NDArray[np.generic]]

EXACT_AT_ONCE = 50  # designs evaluated exactly between two looks at the clock
EXACT_DOUBLES = 2**53  # larger integers are not all representable as doubles


class Scorer:
    """Compute objective vectors of designs.

    Parameters
    ----------
    problem : Problem
    goals : sequence of Goal
    store : TableStore, optional
    model : Model, optional
        Values and bounds of designs, if they are not those of the problem itself.

    Attributes
    ----------
    problem : Problem
        As returned by `modelsizer.optimizer.fronts.goals.question`.
    names : tuple of str
        Affine quantities that the tables must contain.
    fewest : bool
        Whether designs take as few tokens as the constraints require.
    at_once : AtOnce or None
        Gives exact values of many designs, unless tokens are sought for a loss.
    """

    def __init__(
        self,
        problem: Problem,
        goals: Sequence[Goal],
        store: TableStore | None = None,
        model: Model | None = None,
    ) -> None:
        self.goals = tuple(goals)
        self.problem = question(problem, goals)
        self.model = Model(self.problem, store) if model is None else model
        self.fewest = self.model.kind in ("least_tokens", "least_flops")
        self.at_once = None if self.fewest else AtOnce(self.problem, self.model.quality)
        every = {one.settings.ceilings: one.settings for one in self.problem.setups}.values()
        parts = {name for goal in goals for one in every for name in costs_of(one, goal.name)}
        if any(QUANTITIES[goal.name].form == "lifetime" for goal in goals):
            parts.add(SERVED_FLOPS_PER_TOKEN)
        self.names = tuple(sorted({*needed(self.problem), *parts}))

    @staticmethod
    def _affine(goal: Goal) -> str:
        """The affine quantity that determines a goal; empty if none does."""
        return QUANTITIES[goal.name].base

    @property
    def noisy(self) -> tuple[int, ...]:
        """Goals whose columns carry rounding errors, which `settle` resolves."""
        rows = [QUANTITIES[goal.name] for goal in self.goals]
        return tuple(
            i
            for i, row in enumerate(rows)
            if (row.of_tokens if self.fewest else row.form == "loss")
        )

    def feasible(self, table: Table, row: Ints, j: Ints) -> tuple[Mask, Floats]:
        """Mask of the feasible designs, and their values from `Model.evaluate`."""
        keeps = np.ones(len(row), dtype=bool)
        for limit in self.model.rules(table):
            keeps &= feasible(limit, table, row, j)
        # Features of designs, which take most of the time, only of those that keep these limits.
        some = np.flatnonzero(keeps)
        value = np.full(len(row), np.inf)
        value[some], keeps[some] = self.model.evaluate(table, row[some], j[some])
        return keeps, value

    def columns(self, table: Table, row: Ints, j: Ints, value: Floats) -> Columns:
        """One array of shape (B,) for each goal, all minimised.

        Affine goals are integers (numerators over the table's own denominators), others doubles.

        Parameters
        ----------
        value : array of shape (B,)
            From `feasible`.
        """
        return [self._column(goal, table, row, j, value) for goal in self.goals]

    def _column(
        self, goal: Goal, table: Table, row: Ints, j: Ints, value: Floats
    ) -> NDArray[np.generic]:
        if goal.name == "loss":
            return goal.sign * value
        if QUANTITIES[goal.name].form == "batch":
            return goal.sign * largest_of(self.problem, goal.name, table, row, j)
        if (name := self._affine(goal)) == "":
            return goal.sign * self.of_tokens(goal.name, table, row, j, value)
        sign = -goal.sign if QUANTITIES[goal.name].form == "inverse" else goal.sign
        parts = [table.linear[part] for part in QUANTITIES[name].parts]
        common = math.lcm(*(part.denominator for part in parts))
        found = [part.over(common).at(row, j) for part in parts]
        most: NDArray[np.generic] = sign * np.max(found, axis=0)
        return most

    def denominators(self, table: Table) -> tuple[int, ...]:
        """Denominators of the integer columns for this table, one per goal."""
        found = []
        for goal in self.goals:
            parts = QUANTITIES[name].parts if (name := self._affine(goal)) else ()
            found.append(math.lcm(*(table.linear[p].denominator for p in parts)))
        return tuple(found)

    def in_own_units(self, table: Table, columns: Columns) -> Floats:
        """Convert columns to doubles in the goals' own units and senses; shape (B, G)."""
        found = []
        for goal, column, denominator in zip(
            self.goals, columns, self.denominators(table), strict=True
        ):
            values = goal.sign * to_floats(column) / denominator
            if QUANTITIES[goal.name].form == "inverse":  # the column is of its reciprocal
                with np.errstate(divide="ignore"):
                    values = float(inverse_numerator(self.problem, goal.name)) / np.abs(values)
            found.append(values)
        return np.stack(found, axis=1)

    def of_tokens(self, name: str, table: Table, row: Ints, j: Ints, value: Floats) -> Floats:
        """Tokens, training FLOPs or what is proportional to them; operations are monotone."""
        tokens, flops = self._tokens_and_flops(table, row, j, value)
        if name == "tokens":
            return tokens
        if name == "training_flops":
            return flops
        spending = Spending(self.problem, name)
        return flops * spending.factor(table, row) + spending.charge(table, row, j)

    def _tokens_and_flops(
        self, table: Table, row: Ints, j: Ints, value: Floats
    ) -> tuple[Floats, Floats]:
        each = table.linear[TRAINING_FLOPS_PER_TOKEN].values(row, j)
        if self.fewest:
            return self._fewest(table, row, j, each, value)
        caps = self.model.caps(table, row, j)
        with np.errstate(invalid="ignore", over="ignore"):
            return caps.tokens(each), np.minimum(caps.most * each, caps.most_flops)

    def tokens_and_loss(
        self, table: Table, row: Ints, j: Ints, value: Floats
    ) -> tuple[Floats, Floats]:
        """Tokens and loss of designs; `value` is from `feasible`."""
        tokens, _ = self._tokens_and_flops(table, row, j, value)
        if self.model.kind == "loss":
            return tokens, value
        n = table.linear[LAW_PARAMETERS].values(row, j)
        quality = self.model.quality
        judged = quality.of(table.features(row, j, quality.features))
        return tokens, np.asarray(judged.loss(n, tokens), float)

    def _fewest(
        self, table: Table, row: Ints, j: Ints, each: Floats, value: Floats
    ) -> tuple[Floats, Floats]:
        if self.model.kind == "least_tokens":
            return value, value * each
        flops = (value - self.model.charge(table, row, j)) / self.model.factor(table, row)
        return flops / each, flops

    def settle(
        self,
        table: Table,
        row: Ints,
        j: Ints,
        columns: Columns,
        exact: Mask,
        fresh: Mask | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        """Replace noisy values that are too close to others by exact ones.

        Parameters
        ----------
        columns : list of arrays of shape (B,)
            Changed in place.
        exact : array of bool, shape (B,)
            Designs whose values are already exact; changed in place.
        fresh : array of bool, shape (B,), optional
            Designs not yet compared with the others; by default all.
        clock : Clock, optional

        Raises
        ------
        StoppedError
            At a limit of the clock; some values are then not yet exact.
        """
        for i in () if exact.all() else self.noisy:
            close = _close(
                np.asarray(columns[i], dtype=float),
                NEAR["loss" if not self.fewest else "least_flops"],
            )
            if fresh is not None:
                close = _with_some(close, fresh)
            if not (close >= 0).any():
                continue
            at = np.flatnonzero(close >= 0)
            classes = self._classes(table, row[at], j[at])
            which = np.flatnonzero(_differ(close[at], classes))
            which = which[~exact[at[which]]]
            _, first, of = np.unique(classes[which], axis=0, return_index=True, return_inverse=True)
            for begin in range(0, len(first), EXACT_AT_ONCE):
                if clock is not None:
                    clock.check()
                part = np.arange(begin, min(begin + EXACT_AT_ONCE, len(first)))
                one = at[which[first[part]]]
                found = self._exactly(table, row[one], j[one])
                mine = (of >= begin) & (of < begin + len(part))
                doubtful = at[which[mine]]
                for k, values in found.items():
                    columns[k][doubtful] = values[of[mine] - begin]
                exact[doubtful] = True

    def _exactly(self, table: Table, row: Ints, j: Ints) -> dict[int, Floats]:
        """Exact values of the noisy goals for some designs."""
        if not self.fewest:
            losses = self.exact_losses(table, row, j)
            return {k: self.goals[k].sign * np.array(losses) for k in self.noisy}
        designs = [self.model.exactly_under(table, at, depths)
                   for at, depths in zip(row.tolist(), j.tolist(), strict=True)]  # fmt: skip
        return {
            k: self.goals[k].sign * np.array([float(d.exact[self.goals[k].name]) for d in designs])
            for k in self.noisy
        }

    def exact_losses(self, table: Table, row: Ints, j: Ints) -> list[float]:
        """Losses of feasible designs with the most tokens, as `Model.exactly` has them.

        Where tokens follow from the training FLOPs, nothing else of a design is evaluated: features
        are the same in arrays and one by one, and the law is computed one by one.
        """
        limits, quality = self.problem.token_limits, self.model.quality
        several = self.problem.several
        if limits.charges or limits.most_flops_each is not None or several:
            return [self.model.exactly_under(table, at, depths).loss
                    for at, depths in zip(row.tolist(), j.tolist(), strict=True)]  # fmt: skip
        parts = {part: table.width(part, row, j) for part in parts_of(quality.features)}
        features = (
            features_of(quality.features, {p: column[i] for p, column in parts.items()}.__getitem__)
            for i in range(len(row))
        )
        n, flops = (
            [Fraction(value, quantity.denominator) for value in quantity.at(row, j).tolist()]
            for quantity in (table.linear[LAW_PARAMETERS], table.linear[TRAINING_FLOPS_PER_TOKEN])
        )
        target = self.problem.budgets.limits.get("loss", Interval())
        return most_tokens_losses(quality, limits, target, features, map(plain, n), flops)

    def _classes(self, table: Table, row: Ints, j: Ints) -> Floats:
        """What a noisy value depends on: designs of equal class have exactly equal values."""
        n = table.linear[LAW_PARAMETERS].values(row, j)
        flops = table.linear[TRAINING_FLOPS_PER_TOKEN].values(row, j)
        quality = self.model.quality
        law, shape = quality.law, quality.shape
        judged = () if quality.ablations is None else (quality.ablations,)
        features = table.features(row, j, (*law.features, *judged))
        seen = [np.broadcast_to(x, n.shape) for x in features.values()]
        width, depth = table["d_model"][row].astype(float), table.layers(row, j).astype(float)
        seen.append(np.asarray(shape.excess(width, depth), float))
        if self.fewest:
            return np.stack([n, flops, *seen, table.layout_id[row].astype(float)], axis=1)
        return np.stack([n, self.model.caps(table, row, j).tokens(flops), *seen], axis=1)

    def exact_values(self, design: Evaluation) -> tuple[Fraction | float, ...]:
        """Exact objective vector of an evaluated design, in the goals' own senses."""
        return tuple(design.exact[goal.name] for goal in self.goals)


def _close(column: Floats, near: float) -> Ints:
    """Cluster number of values that rounding may confuse; -1 for isolated values."""
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    with np.errstate(invalid="ignore"):
        joined = np.diff(ordered) <= near * np.abs(ordered[1:])
    cluster = np.concatenate([[0], np.cumsum(~joined)])
    sizes = np.bincount(cluster)
    found = np.full(len(column), -1, dtype=np.int64)
    found[order] = np.where(sizes[cluster] > 1, cluster, -1)
    return found


def _differ(cluster: Ints, classes: Floats) -> Mask:
    """Mask of the cluster members whose class differs from another member's."""
    order = np.lexsort((*classes.T, cluster))
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    changes = np.zeros(len(order), dtype=bool)
    changes[1:] = (classes[order][1:] != classes[order][:-1]).any(axis=1)
    changes[starts] = False
    sizes = np.diff(np.append(starts, len(order)))
    found = np.zeros(len(cluster), dtype=bool)
    found[order] = np.repeat(np.logical_or.reduceat(changes, starts), sizes)
    return found


def _with_some(cluster: Ints, wanted: Mask) -> Ints:
    """Clusters with at least one wanted member; -1 for the others."""
    inside = cluster >= 0
    if not inside.any():
        return cluster
    holds = np.bincount(cluster[inside], weights=wanted[inside]) > 0
    found: Ints = np.where(inside & holds[np.maximum(cluster, 0)], cluster, -1)
    return found


def as_points(columns: Columns) -> Floats:
    """Convert columns to doubles that compare alike; shape (B, G).

    Integers too large for doubles are replaced by their ranks.
    """
    found = []
    for column in columns:
        if column.dtype == object or (
            column.dtype.kind == "i" and len(column) and int(np.abs(column).max()) >= EXACT_DOUBLES
        ):
            _, rank = np.unique(column, return_inverse=True)
            found.append(rank.reshape(-1).astype(float))
        else:
            found.append(column.astype(float))
    return np.stack(found, axis=1) if found else np.zeros((0, 0))
