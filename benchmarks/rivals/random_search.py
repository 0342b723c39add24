"""Uniform random designs, in batches, until the time limit."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Stopwatch, answered
from benchmarks.rivals.counts import Counts
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.problem import Problem

BATCH = 4096
SEED = 0


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Search at random.

    Raises
    ------
    Skipped
        If the problem needs features that `benchmarks.rivals.counts` does not support.
    """
    clock = Stopwatch()
    counts = Counts(problem)
    random = np.random.default_rng(SEED)
    best, least, drawn, found_at = None, math.inf, 0, 0.0
    clock.start()
    while clock.elapsed < seconds:
        index = list(random.integers(0, counts.sizes[:, None], (len(counts.sizes), BATCH)))
        widths = counts.widths(index[:-1])
        layers = counts.layers[index[-1]]
        loss, excess = counts.evaluate(widths, layers)
        loss = np.where(excess > 0, math.inf, loss)
        drawn += BATCH
        at = int(loss.argmin())
        if loss[at] < least:
            design = evaluate(problem, counts.design(widths, at, int(layers[at])))
            if design.feasible:
                best, least, found_at = design, float(loss[at]), clock.elapsed
    clock.stop()
    words = f"{drawn} designs drawn, its best after {found_at:.3f} s, seed {SEED}"
    return answered(problem, best, clock, words)
