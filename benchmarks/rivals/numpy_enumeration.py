"""Evaluate every design in plain NumPy floats: a lower bound on the time of enumeration.

Width options come from one mesh of the menus, designs from a second one of width options and
depths, in slices; only the best is evaluated exactly. The proof is only as good as floats.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Stopwatch, answered
from benchmarks.rivals.counts import Counts
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.problem import Problem


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Enumerate, or stop at the time limit with the best design so far.

    Raises
    ------
    Skipped
        If the problem needs features that `benchmarks.rivals.counts` does not support.
    """
    clock = Stopwatch()
    counts = Counts(problem)
    best, least, options = None, math.inf, 0
    words = "all"
    clock.start()
    for part, layers, value, excess in counts.tabulate():
        if clock.elapsed > seconds:
            words = "stopped by time after"
            break
        options += len(part)
        value = np.where(excess > 0, math.inf, value)
        while (found := float(value.min(initial=math.inf))) < least:
            row, depth = np.unravel_index(int(value.argmin()), value.shape)
            design = evaluate(problem, counts.design(part, int(row), int(layers[depth])))
            if design.feasible:  # floats may accept a design one unit above a limit
                best, least = design, found
                break
            value[row, depth] = math.inf
    clock.stop()
    return answered(problem, best, clock, f"{words} {options} width options x {len(layers)} depths")
