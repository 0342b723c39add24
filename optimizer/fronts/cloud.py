"""A thinned sample of all feasible designs, to draw behind a front."""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.table import Floats
from modelsizer.problems.designs.costs import inverse_numerator
from modelsizer.problems.quantities.rows import QUANTITIES

AT_MOST = 20_000  # points that can be told apart at print size


def cloud(front: Front, at_most: int = AT_MOST) -> Floats:
    """Objective vectors of an even sample of the feasible designs, in the goals' own senses.

    Parameters
    ----------
    front : Front
    at_most : int

    Returns
    -------
    array of shape (B, G)
    """
    scorer = Scorer(front.problem, front.goals)
    every = max(1, front.problem.counted.pairs // (2 * at_most))
    signs = [goal.sign for goal in front.goals]
    parts: list[Floats] = []
    for table in scorer.model.store.tables(scorer.problem, scorer.names):
        row, low = np.arange(len(table)), np.zeros_like(table.count)
        denominators = scorer.denominators(table)
        for part, j in box_designs(row, low, table.count - 1, DESIGNS_AT_ONCE):
            part, j = part[::every], j[::every]
            keeps, value = scorer.feasible(table, part, j)
            part, j, value = part[keeps], j[keeps], value[keeps]
            columns = scorer.columns(table, part, j, value)
            points = [
                sign * c.astype(float) / d
                for sign, c, d in zip(signs, columns, denominators, strict=True)
            ]
            for i, goal in enumerate(front.goals):
                if QUANTITIES[goal.name].form == "inverse":  # stored as its reciprocal
                    numerator = float(inverse_numerator(scorer.problem, goal.name))
                    points[i] = numerator / np.abs(points[i])
            parts.append(np.stack(points, axis=1))
    found = np.concatenate(parts)
    return found[:: max(1, len(found) // at_most)]
