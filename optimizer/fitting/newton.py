"""Huber fits of many weightings of the same runs at once, by damped Newton steps.

The objective at a point is ``sum over runs of weight x huber(ln predicted - ln observed)``. Its
Hessian is exact and small (5 or 9 parameters), so a thousand bootstrap samples take tens of
iterations with matrix products instead of a thousand calls of a minimiser. Nearly all residuals
exceed delta, where Huber's loss is linear and the Newton curvature nearly zero; so each step is
also tried with the curvature of iteratively reweighted least squares (Huber 1981, section 7.8:
it never overestimates the decrease from a small enough step), and damped until the objective
decreases.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.factors import products
from modelsizer.optimizer.fitting.forms import Array, Design
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass

_STEPS = 300
_CLOSE = 1e-10  # relative decrease promised by a step, below which the iteration stops
_EQUAL = 1e-9  # relative difference below which minima are equal
_CELLS = 30_000  # points x runs per chunk, so that arrays fit in the cache
_LEAST_DAMPING, _MOST_DAMPING = 1e-9, 1e9
_LONGEST = 3.0  # greatest change of a parameter in one step


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower and upper bounds of theta, each of shape (parameters,)."""

    low: Array
    high: Array

    def into(self, theta: Array) -> Array:
        """Clip theta to the bounds."""
        return np.clip(theta, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Minima:
    """Points where the iteration stopped.

    Parameters
    ----------
    theta : array, shape (points, parameters)
    objective : array, shape (points,)
    """

    theta: Array
    objective: Array

    @property
    def best(self) -> int:
        """Position of the lowest minimum; the first of those equal to rounding."""
        least = float(self.objective.min())
        return int(np.argmax(self.objective <= least + _EQUAL * abs(least)))


def huber(residual: Array, delta: float) -> Array:
    """Huber's loss: ``r^2 / 2`` within delta, ``delta (|r| - delta / 2)`` beyond it."""
    size = np.abs(residual)
    within = np.minimum(size, delta)
    return np.asarray(within * (size - within / 2))


def objective(design: Design, theta: Array, weights: Array, delta: float) -> Array:
    """Objective at points, shape (points,); weights have shape (runs,) or (points, runs)."""
    weights = np.broadcast_to(weights, (len(theta), design.runs))
    found = np.zeros(len(theta))
    for piece in pieces(len(theta), design.runs):
        residual = design.log_predicted(theta[piece]) - design.log_loss
        found[piece] = (weights[piece] * huber(residual, delta)).sum(axis=1)
    return found


def pieces(points: int, runs: int) -> list[slice]:
    """Split points into chunks small enough for the cache."""
    step = max(1, _CELLS // max(runs, 1))
    return [slice(i, i + step) for i in range(0, points, step)]


def slopes_at(design: Design, theta: Array) -> Array:
    """d(ln predicted) / d theta at one point, shape (parameters, runs)."""
    _, shares = design.shares(theta[None, :])
    return np.asarray(sum(jacobian[0] for jacobian in design.jacobians(shares)))


def gradient(design: Design, theta: Array, weights: Array, delta: float) -> tuple[float, Array]:
    """Objective and gradient at one point, for minimisers that need both."""
    total, shares = design.shares(theta[None, :])
    residual = total[0] - design.log_loss
    pull = weights * np.clip(residual, -delta, delta)
    slope = sum(jacobian[0] for jacobian in design.jacobians(shares))
    return float((weights * huber(residual, delta)).sum()), np.asarray(slope @ pull)


def minimise(
    design: Design,
    starts: Array,
    weights: Array,
    delta: float,
    bounds: Bounds,
    *,
    steps: int = _STEPS,
    close: float = _CLOSE,
    clock: Clock | None = None,
) -> Minima:
    """Find local minima from starts.

    Parameters
    ----------
    design : Design
    starts : array, shape (points, parameters)
    weights : array, shape (runs,) or (points, runs)
        How often each run counts.
    delta : float
        Threshold of Huber's loss.
    bounds : Bounds
    steps : int
        Maximum number of iterations.
    close : float
        Relative tolerance: a point is done when a step neither achieves nor promises a larger
        decrease of the objective.
    clock : Clock, optional
        At its time limit the points stay where they are.
    """
    weights = np.broadcast_to(weights, (len(starts), design.runs))
    ends = [
        _minimise(design, starts[piece], weights[piece], delta, bounds, steps, close, clock)
        for piece in pieces(len(starts), design.runs)
    ]
    return Minima(np.concatenate([e[0] for e in ends]), np.concatenate([e[1] for e in ends]))


def _minimise(
    design: Design,
    starts: Array,
    weights: Array,
    delta: float,
    bounds: Bounds,
    steps: int,
    close: float,
    clock: Clock | None,
) -> tuple[Array, Array]:
    theta = bounds.into(starts)
    value = objective(design, theta, weights, delta)
    damping = np.full(len(theta), 1e-3)
    live = np.arange(len(theta))
    for _ in range(steps):
        if not live.size or (clock is not None and clock.out_of_time):
            break
        at, w = theta[live], weights[live]
        slope, newton, iterated = _derivatives(design, at, w, delta)
        scale = np.maximum(np.einsum("spp->sp", iterated), 1e-300)
        pinned = ((at <= bounds.low) & (slope > 0)) | ((at >= bounds.high) & (slope < 0))
        slope = np.where(pinned, 0.0, slope)
        best, best_at, promise = value[live], at.copy(), np.zeros(len(live))
        for curvature in (newton, iterated):
            step, gain = _step(curvature, slope, pinned, scale, damping[live])
            there = bounds.into(at + step)
            found = objective(design, there, w, delta)
            better = found < best
            best, best_at = np.where(better, found, best), np.where(better[:, None], there, best_at)
            promise = np.maximum(promise, gain)
        moved = best < value[live]
        size = np.maximum(value[live], 1e-300)
        small = (value[live] - best) <= close * size
        stuck = ~moved & (damping[live] >= _MOST_DAMPING)
        done = (small & (promise <= close * size)) | stuck
        damping[live] = np.clip(
            np.where(moved, damping[live] / 5, damping[live] * 8), _LEAST_DAMPING, _MOST_DAMPING
        )
        theta[live], value[live] = best_at, best
        live = live[~done]
    return theta, value


def _derivatives(
    design: Design, theta: Array, weights: Array, delta: float
) -> tuple[Array, Array, Array]:
    """Gradient, Hessian, and curvature of iteratively reweighted least squares, at points."""
    total, shares = design.shares(theta)
    residual = total - design.log_loss
    jacobians = design.jacobians(shares)
    slope: Any = jacobians[0] if len(jacobians) == 1 else sum(jacobians)
    pull = weights * np.clip(residual, -delta, delta)
    inside = weights * (np.abs(residual) < delta)
    softened = weights * np.minimum(1.0, delta / np.maximum(np.abs(residual), 1e-300))
    newton = products(slope, inside) + design.bend(pull, shares, jacobians)
    iterated = products(slope, softened)
    return (slope @ pull[:, :, None])[:, :, 0], newton, iterated


def _step(
    curvature: Array, slope: Array, pinned: Array, scale: Array, damping: Array
) -> tuple[Array, Array]:
    """A damped step in parameters scaled to equal curvature, and the predicted decrease."""
    root = 1 / np.sqrt(scale)
    scaled = curvature * root[:, :, None] * root[:, None, :]
    scaled = np.where(pinned[:, :, None] | pinned[:, None, :], 0.0, scaled)
    values, vectors = np.linalg.eigh(scaled)
    # Negative curvatures enter by their absolute value, so that steps leave saddles downhill.
    firm = np.maximum(np.abs(values), 1e-12) + damping[:, None]
    along = (np.swapaxes(vectors, 1, 2) @ (slope * root)[:, :, None])[:, :, 0]
    step = -(vectors @ (along / firm)[:, :, None])[:, :, 0] * root
    longest = np.abs(step).max(axis=1)
    step *= np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))[:, None]
    return step, (along**2 / firm).sum(axis=1) / 2
