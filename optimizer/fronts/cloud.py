"""A thinned sample of all feasible designs, to draw behind a front."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import every_design
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.optimizer.tables.table import Floats

AT_MOST = 20_000  # points that can be told apart at print size


def cloud(front: Front, at_most: int = AT_MOST, *, clock: Clock | None = None) -> Floats:
    """Objective vectors of an even sample of the feasible designs, in the goals' own senses.

    Parameters
    ----------
    front : Front
    at_most : int
    clock : Clock, optional
        Designs that it leaves no time for are not in the sample.

    Returns
    -------
    array of shape (B, G)
    """
    clock = Clock() if clock is None else clock
    scorer = Scorer(front.problem, front.goals)
    every = max(1, front.problem.counted.pairs // (2 * at_most))
    parts: list[Floats] = [np.zeros((0, len(front.goals)))]
    tables = scorer.model.store.tables(scorer.problem, scorer.names)
    with suppress(StoppedError):
        for table, row, j in every_design(tables, clock):
            some, at = row[::every], j[::every]
            keeps, value = scorer.feasible(table, some, at)
            some, at, value = some[keeps], at[keeps], value[keeps]
            columns = scorer.columns(table, some, at, value)
            parts.append(scorer.in_own_units(table, columns))
    found = np.concatenate(parts)
    return found[:: max(1, len(found) // at_most)]
