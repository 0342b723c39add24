"""SciPy's differential evolution over indices into the menus, restarted until time is up.

The population consists of real vectors, rounded down to indices; an infeasible design has a loss
above that of any feasible one plus its violation, which leads the population to feasible designs.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Stopwatch, answered
from benchmarks.rivals.counts import Counts
from benchmarks.rivals.menus import Floats, Widths
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.problem import Problem

SEED = 0
BAD = 1e15  # above the objective of any useful design
POPULATION = 15  # SciPy's default, vectors per dimension
GENERATIONS = 1000  # SciPy's default
_BELOW = 1e-9  # excludes the upper end of an index's interval


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Run differential evolution.

    Raises
    ------
    Skipped
        If the problem needs features that `benchmarks.rivals.counts` does not support.
    """
    from scipy.optimize import differential_evolution

    clock = Stopwatch()
    counts = Counts(problem)
    sizes = counts.sizes
    free = np.flatnonzero(sizes > 1)

    def at(x: Floats) -> tuple[Widths, np.ndarray]:
        index = list(np.zeros((len(sizes), x.shape[1]), dtype=np.int64))
        for menu, row in zip(free, x, strict=True):
            index[menu] = np.floor(row).astype(np.int64)
        return counts.widths(index[:-1]), counts.layers[index[-1]]

    def cost(x: Floats) -> Floats:
        loss, excess = counts.evaluate(*at(x))
        return np.where(excess > 0, BAD * (1 + excess), loss)

    best, least, starts, found_at = None, math.inf, 0, 0.0
    clock.start()
    while clock.elapsed < seconds:
        found = differential_evolution(
            cost,
            [(0.0, n - _BELOW) for n in sizes[free]],
            popsize=POPULATION,
            maxiter=GENERATIONS,
            polish=False,
            vectorized=True,
            updating="deferred",
            rng=SEED + starts,
            callback=lambda intermediate_result: clock.elapsed > seconds,  # noqa: ARG005
        )
        starts += 1
        if found.fun < min(least, BAD):
            widths, layers = at(found.x[:, None])
            design = evaluate(problem, counts.design(widths, 0, int(layers[0])))
            if design.feasible:
                best, least, found_at = design, float(found.fun), clock.elapsed
    clock.stop()
    words = f"{starts} starts, its best after {found_at:.3f} s, seed {SEED}"
    return answered(problem, best, clock, words)
