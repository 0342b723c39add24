"""Evaluate every design in plain NumPy floats: a lower bound on the time of enumeration.

Width options come from one mesh of the menus, designs from a second one of width options and
depths, in slices; only the best is evaluated exactly. The proof is only as good as floats.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Stopwatch, answered
from benchmarks.rivals.counts import Counts, Widths
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.problem import Problem

AT_ONCE = 200_000  # designs per slice: about twenty arrays of them fit in or near the cache


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Enumerate, or stop at the time limit with the best design so far.

    Raises
    ------
    Skipped
        If the problem needs features that `benchmarks.rivals.counts` does not support.
    """
    clock = Stopwatch()
    counts = Counts(problem)
    sizes = counts.sizes
    index = [g.ravel() for g in np.meshgrid(*(np.arange(n) for n in sizes[:-1]), indexing="ij")]
    widths = counts.widths(index)
    keep = np.flatnonzero(widths.exists)
    widths = _taken(widths, keep)
    layers = counts.layers[None, :]
    rows = max(1, AT_ONCE // layers.size)
    best, least = None, math.inf
    words = f"all of {len(keep)} width options x {layers.size} depths"
    clock.start()
    for begin in range(0, len(keep), rows):
        if clock.elapsed > seconds:
            words = f"stopped by time at width option {begin} of {len(keep)}"
            break
        part = _taken(widths, np.arange(begin, min(begin + rows, len(keep))))
        column = _taken(part, np.arange(len(part.exists))[:, None])
        loss, excess = counts.evaluate(column, layers)
        loss = np.where(excess > 0, math.inf, loss)
        while (found := float(loss.min())) < least:
            row, depth = np.unravel_index(int(loss.argmin()), loss.shape)
            design = evaluate(problem, counts.design(part, int(row), int(layers[0, depth])))
            if design.feasible:  # floats may accept a design one unit above a limit
                best, least = design, found
                break
            loss[row, depth] = math.inf
    clock.stop()
    return answered(problem, best, clock, words)


def _taken(widths: Widths, rows: np.ndarray) -> Widths:
    return Widths(*(getattr(widths, name)[rows] for name in Widths.__slots__))
