"""How far the coefficients would move with other runs: the bootstrap, all samples at once.

Efron 1979: runs are drawn with replacement and the law is fitted again. Checkpoints of one model
are not independent runs, so where runs have names that repeat, whole models are drawn (Davison and
Hinkley 1997, section 3.8). A sample is a weight for each run; the data are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from modelsizer.optimizer.fitting.fit import Fit
from modelsizer.optimizer.fitting.forms import Array, Design
from modelsizer.optimizer.fitting.newton import Bounds, minimise
from modelsizer.optimizer.fitting.starts import bounds_of

_THREADS = 2
_PIECE = 48  # samples, that one thread takes at a time
_WIDER, _FIRST_STEPS, _STEPS = 4.0, 8, 120
_ROUGH, _CLOSE = 1e-4, 1e-8  # of the objective: far below what a sample moves it by
LEAST_DRAWS = 20
"""Fewer samples make no standard error."""


@dataclass(frozen=True)
class Bootstrap:
    """Fits to resampled runs.

    Parameters
    ----------
    draws : array, shape (samples, coefficients)
        Coefficients as reported, in the form's order.
    theta : array, shape (samples, coefficients)
    objective : array, shape (samples,)
    seed : int
    groups : int
        How many things were drawn from: runs, or models with all their checkpoints.
    clustered : bool
        Whether they were models.
    """

    draws: Array
    theta: Array
    objective: Array
    seed: int
    groups: int
    clustered: bool

    @property
    def standard_errors(self) -> Array:
        """Standard deviation of the draws, shape (coefficients,)."""
        return np.asarray(self.draws.std(axis=0, ddof=1))

    @property
    def covariance(self) -> Array:
        """Of the draws, shape (coefficients, coefficients)."""
        return np.asarray(np.cov(self.draws, rowvar=False))

    def interval(self, share: float = 0.9) -> tuple[Array, Array]:
        """Ends of the middle share of the draws, by coefficient."""
        tail = (1 - share) / 2
        low, high = np.quantile(self.draws, (tail, 1 - tail), axis=0)
        return low, high


def sample_weights(
    runs: int, samples: int, seed: int, groups: Sequence[str] | None = None
) -> tuple[Array, int]:
    """How often each run counts in each sample, and how many things were drawn from.

    Returns
    -------
    weights : array, shape (samples, runs)
    groups : int
    """
    generator = np.random.default_rng(seed)
    if groups is None:
        member, many = np.arange(runs), runs
    else:
        names, member = np.unique(np.asarray(groups), return_inverse=True)
        many = len(names)
    counts = generator.multinomial(many, np.full(many, 1 / many), size=samples)
    return counts[:, member].astype(float), many


def bootstrap(
    found: Fit, samples: int, *, seed: int = 0, groups: Sequence[str] | None = None
) -> Bootstrap:
    """Fit resampled runs, each from the fit of all.

    Parameters
    ----------
    found : Fit
    samples : int
    seed : int
    groups : sequence of str, optional
        The model of each run used, where a model has several.

    Raises
    ------
    ValueError
        If there are fewer samples than `LEAST_DRAWS`, or fewer than three models to draw.
    """
    if samples < LEAST_DRAWS:
        raise ValueError(f"{samples} samples make no standard error; take {LEAST_DRAWS} or more")
    design = found.design
    weights, many = sample_weights(design.runs, samples, seed, groups)
    if many < 3:
        raise ValueError(f"{many} models are too few to draw from")
    bounds = bounds_of(design)
    pieces = range(0, samples, _PIECE)
    with ThreadPoolExecutor(_THREADS) as pool:  # NumPy lets go of the interpreter's lock
        ends = list(
            pool.map(
                lambda i: _refit(design, found, weights[i : i + _PIECE], bounds),
                pieces,
            )
        )
    theta = np.concatenate([piece[0] for piece in ends])
    objective = np.concatenate([piece[1] for piece in ends])
    return Bootstrap(
        design.values(theta), theta, objective, seed, many, clustered=groups is not None
    )


def _refit(design: Design, found: Fit, weights: Array, bounds: Bounds) -> tuple[Array, Array]:
    starts = np.repeat(found.theta[None, :], len(weights), axis=0)
    wide = found.delta * _WIDER
    starts = minimise(design, starts, weights, wide, bounds, steps=_FIRST_STEPS, close=_ROUGH).theta
    ended = minimise(design, starts, weights, found.delta, bounds, steps=_STEPS, close=_CLOSE)
    return ended.theta, ended.objective
