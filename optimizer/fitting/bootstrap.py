"""Bootstrap of a fit: standard errors and intervals of coefficients, all samples at once.

Runs are drawn with replacement and the law is fitted again (Efron 1979). Checkpoints of one model
are not independent, so if model names repeat, whole models are drawn (Davison and Hinkley 1997,
section 3.8). A sample is a vector of weights, one for each run; all samples share the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

import numpy as np

from modelsizer.optimizer.fitting.fit import Fit
from modelsizer.optimizer.fitting.forms import Array, Design
from modelsizer.optimizer.fitting.newton import Bounds, minimise
from modelsizer.optimizer.fitting.starts import bounds_of
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.records import dataclass

_THREADS = 2
_PIECE = 48  # samples per thread and task
_AHEAD = 4 * _THREADS  # tasks handed out before their weights are drawn
_WIDER, _FIRST_STEPS, _STEPS = 4.0, 8, 120
_ROUGH, _CLOSE = 1e-4, 1e-8  # relative to the objective; far below its spread over samples
LEAST_DRAWS = 20
"""Least number of samples for a standard error."""


@dataclass(frozen=True)
class Bootstrap:
    """Fits to resampled runs.

    Parameters
    ----------
    draws : array, shape (samples, coefficients)
        Coefficients as reported, in the order of the form.
    theta : array, shape (samples, coefficients)
    objective : array, shape (samples,)
    seed : int
    groups : int
        Number of units drawn from: runs, or models with all their checkpoints.
    clustered : bool
        Whether the units are models.
    """

    draws: Array
    theta: Array
    objective: Array
    seed: int
    groups: int
    clustered: bool

    @property
    def standard_errors(self) -> Array:
        """Standard deviations of the draws, shape (coefficients,)."""
        return np.asarray(self.draws.std(axis=0, ddof=1))

    @property
    def covariance(self) -> Array:
        """Covariance of the draws, shape (coefficients, coefficients)."""
        return np.asarray(np.cov(self.draws, rowvar=False))

    def interval(self, share: float = 0.9) -> tuple[Array, Array]:
        """Central interval that contains this share of the draws, for each coefficient."""
        tail = (1 - share) / 2
        low, high = np.quantile(self.draws, (tail, 1 - tail), axis=0)
        return low, high


def sample_weights(
    runs: int, samples: int, seed: int, groups: Sequence[str] | None = None
) -> tuple[Array, int]:
    """Draw how often each run counts in each sample.

    Returns
    -------
    weights : array, shape (samples, runs)
    groups : int
        Number of units (runs or models) drawn from.
    """
    member, many = _units(runs, groups)
    return next(_weights(member, many, samples, samples, seed)), many


def _units(runs: int, groups: Sequence[str] | None) -> tuple[Array, int]:
    """The unit of each run, and the number of units."""
    if groups is None:
        return np.arange(runs), runs
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    return member, len(names)


def _weights(member: Array, many: int, samples: int, at_once: int, seed: int) -> Iterator[Array]:
    """Yield the weights of some samples at a time; all together do not depend on how many."""
    generator = np.random.default_rng(seed)
    for begin in range(0, samples, at_once):
        size = min(at_once, samples - begin)
        counts = generator.multinomial(many, np.full(many, 1 / many), size=size)
        yield counts[:, member].astype(float)


def bootstrap(
    found: Fit,
    samples: int,
    *,
    seed: int = 0,
    groups: Sequence[str] | None = None,
    clock: Clock | None = None,
) -> Bootstrap | None:
    """Refit the form to resampled runs, starting from the fit to all runs.

    Parameters
    ----------
    found : Fit
    samples : int
    seed : int
    groups : sequence of str, optional
        Model of each run used, if some model has several runs.
    clock : Clock, optional

    Returns
    -------
    Bootstrap or None
        Of fewer samples where the clock stopped it; None if of less than `LEAST_DRAWS`.

    Raises
    ------
    ValueError
        If there are fewer samples than `LEAST_DRAWS`, or fewer than three models to draw.
    """
    if samples < LEAST_DRAWS:
        raise ValueError(f"{samples} samples make no standard error; take {LEAST_DRAWS} or more")
    design = found.design
    clock = Clock() if clock is None else clock
    member, many = _units(design.runs, groups)
    if many < 3:
        raise ValueError(f"{many} models are too few to draw from")
    bounds = bounds_of(design)
    ends: list[tuple[Array, Array]] = []
    with suppress(StoppedError), ThreadPoolExecutor(_THREADS) as pool:  # NumPy releases the GIL
        drawn = _weights(member, many, samples, _PIECE, seed)
        while some := list(islice(drawn, _AHEAD)):
            clock.check()
            for piece in pool.map(lambda w: _refit(design, found, w, bounds, clock), some):
                clock.check()  # a piece that the clock stopped has not converged
                ends.append(piece)
    theta = np.concatenate([np.zeros((0, len(found.theta))), *(piece[0] for piece in ends)])
    objective = np.concatenate([np.zeros(0), *(piece[1] for piece in ends)])
    if len(theta) < LEAST_DRAWS:
        return None
    return Bootstrap(
        design.values(theta), theta, objective, seed, many, clustered=groups is not None
    )


def _refit(
    design: Design, found: Fit, weights: Array, bounds: Bounds, clock: Clock
) -> tuple[Array, Array]:
    at = np.repeat(found.theta[None, :], len(weights), axis=0)
    for delta, steps, close in (
        (found.delta * _WIDER, _FIRST_STEPS, _ROUGH),
        (found.delta, _STEPS, _CLOSE),
    ):
        ended = minimise(design, at, weights, delta, bounds, steps=steps, close=close, clock=clock)
        at = ended.theta
    return ended.theta, ended.objective
