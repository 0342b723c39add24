"""The best of designs that come in parts: of all, or for each value of a choice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns
from modelsizer.optimizer.surveys.ordering import among_lowest, noise, ordered
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Ints, Mask
from modelsizer.problems.records import dataclass

MOST_HELD = 400_000
"""Designs that rounding may confuse or whose values are equal, until they are sorted exactly."""


class Finalists:
    """Designs among which the best of all that were added are.

    Parameters
    ----------
    scorer : Scorer
    near : callable
        From designs and a relative distance, which of them may be among the best: those no farther
        behind the last one.
    first : callable
        From designs in exact order, positions of the best.
    """

    def __init__(
        self,
        scorer: Scorer,
        near: Callable[[KeptDesigns, float], Mask],
        first: Callable[[KeptDesigns], Ints],
    ) -> None:
        self._scorer, self._near, self._first = scorer, near, first
        self._parts: list[KeptDesigns] = []

    @property
    def held(self) -> KeptDesigns:
        """Designs among which the best are; at least one was added."""
        if len(self._parts) > 1:
            self._parts = [self._reduced(KeptDesigns.join(self._parts))]
        return self._parts[0]

    def add(self, part: KeptDesigns) -> None:
        """Add designs."""
        if not len(part):
            return
        self._parts.append(self._reduced(part))
        if len(self.held) > MOST_HELD:
            self.settle()

    def settle(self, clock: Clock | None = None) -> None:
        """Hold the best alone, in exact order.

        Raises
        ------
        StoppedError
            At a limit of the clock.
        """
        held = ordered(self._scorer, self.held, clock)
        self._parts = [held.take(self._first(held))]

    def _reduced(self, held: KeptDesigns) -> KeptDesigns:
        return held.take(self._near(held, noise(self._scorer)))


def best_of_all(scorer: Scorer, top: int) -> Finalists:
    """The best so many designs."""

    def near(held: KeptDesigns, distance: float) -> Mask:
        return among_lowest(held.value, top, distance)

    return Finalists(scorer, near, lambda held: np.arange(min(top, len(held))))


def best_of_each(scorer: Scorer, choice: str) -> Finalists:
    """The best design for each value of a choice; in the order of the values."""

    def near(held: KeptDesigns, distance: float) -> Mask:
        values, group = np.unique(held.column(choice), return_inverse=True)
        least = np.full(len(values), np.inf)
        np.minimum.at(least, group, held.value)
        found: Mask = held.value <= (least + distance * np.abs(least))[group]
        return found

    def first(held: KeptDesigns) -> Ints:
        found: Ints = np.unique(held.column(choice), return_index=True)[1]
        return found

    return Finalists(scorer, near, first)


@dataclass(slots=True)
class Tally:
    """How many designs share a value of a choice, and the range of their parameters."""

    designs: int
    fewest: int
    most: int


def tally(into: dict[int | str, Tally], part: KeptDesigns, choice: str) -> None:
    """Count designs by their value of a choice."""
    values, group, counts = np.unique(part.column(choice), return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    size, starts = part.parameters[order], np.cumsum(counts) - counts
    ends = np.minimum.reduceat(size, starts), np.maximum.reduceat(size, starts)
    for value, count, fewest, most in zip(values.tolist(), counts, *ends, strict=True):
        one = into.setdefault(value, Tally(0, int(fewest), int(most)))
        one.designs += int(count)
        one.fewest, one.most = min(one.fewest, int(fewest)), max(one.most, int(most))
