"""Fit a law: a grid of starts, damped Newton steps for many at once, L-BFGS-B as a check.

The best starts are iterated to their minima, first with a larger Huber delta, whose objective is
smoother, then with the delta requested.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fitting.forms import Array, Design, Form
from modelsizer.optimizer.fitting.newton import Bounds, Minima, gradient, minimise, objective
from modelsizer.optimizer.fitting.starts import bounds_of, grid, hops, steep_starts
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass

_FOLLOWED = 32, 160  # least and greatest number of starts to iterate, as the number of runs allows
_CELLS = 8000  # starts x runs to iterate, within those limits
_HOPPED = 4  # minima from which steep exponents are varied
_KEPT = 8  # least number of minima iterated to convergence
_WIDER = (30.0, 5.0)  # multiples of delta, before delta itself
_FIRST_STEPS, _SHORT_STEPS, _LONG_STEPS = 20, 50, 600
_ROUGH = 1e-4  # tolerance relative to the objective, before delta itself
_MANY = 1500  # above this, starts are first iterated on an evenly spaced subset of the runs
_SAME = 2e-3  # minima whose objectives differ by less, relatively, agree


@dataclass(frozen=True)
class Fit:
    """A law fitted to runs.

    Parameters
    ----------
    design : Design
        The form evaluated on the runs used.
    theta : array, shape (parameters,)
    delta : float
        Threshold of Huber's loss.
    objective : float
        Sum over runs of the Huber loss of ln predicted - ln observed.
    starts, agreeing : int
        Starts iterated to a minimum, and those of them that end within 0.2 % of the lowest.
    polish : float
        Relative decrease of the objective by SciPy's L-BFGS-B after the Newton steps.
    """

    design: Design
    theta: Array
    delta: float
    objective: float
    starts: int = 0
    agreeing: int = 0
    polish: float = 0.0

    @property
    def form(self) -> Form:
        """The fitted form."""
        return self.design.form

    @property
    def values(self) -> Array:
        """Coefficients in the order of the form."""
        return np.asarray(self.design.values(self.theta))

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficients by name."""
        return dict(zip(self.form.coefficients, map(float, self.values), strict=True))

    @property
    def rms(self) -> float:
        """Root mean square of ``predicted - observed`` of the runs used, nats a token."""
        return float(np.sqrt(np.mean(np.square(self.predicted - np.exp(self.design.log_loss)))))

    @property
    def predicted(self) -> Array:
        """Loss of each run used by the law."""
        return np.asarray(np.exp(self.design.log_loss + self.residuals))

    @property
    def residuals(self) -> Array:
        """``ln predicted - ln observed`` of each run used."""
        predicted = self.design.log_predicted(self.theta[None, :])[0]
        return np.asarray(predicted - self.design.log_loss)


def fit_form(
    design: Design, delta: float, *, weights: Array | None = None, clock: Clock | None = None
) -> Fit:
    """Fit a form to runs.

    Parameters
    ----------
    design : Design
    delta : float
        Threshold of Huber's loss on the logarithm of the loss.
    weights : array, shape (runs,), optional
        How often each run counts.
    clock : Clock, optional
        At its time limit the fit is the lowest point reached, which need be no minimum.
    """
    clock = Clock() if clock is None else clock
    w = np.ones(design.runs) if weights is None else np.asarray(weights, float)
    bounds = bounds_of(design)
    minima = _followed(design, w, delta, bounds, clock)
    best = minima.best
    found = Fit(
        design,
        minima.theta[best],
        delta,
        float(minima.objective[best]),
        len(minima.objective),
        int((minima.objective <= minima.objective[best] * (1 + _SAME)).sum()),
    )
    return found if clock.out_of_time else _polished(found, w, bounds)


def _followed(design: Design, w: Array, delta: float, bounds: Bounds, clock: Clock) -> Minima:
    """Minima reached from the best starts; the lowest are iterated to convergence."""
    few, fewer = _thinned(design, w)
    many = int(np.clip(_CELLS // few.runs, *_FOLLOWED))
    best: list[Array] = []
    for make, followed in ((grid, many), (steep_starts, many // 2)):
        if best and clock.out_of_time:
            break
        inside = bounds.into(make(few))
        value = objective(few, inside, fewer, delta * _WIDER[0])
        best.append(inside[np.argsort(value, kind="stable")[:followed]])
    starts = np.concatenate(best)
    for factor in _WIDER:
        starts = minimise(
            few,
            starts,
            fewer,
            delta * factor,
            bounds,
            steps=_FIRST_STEPS,
            close=_ROUGH,
            clock=clock,
        ).theta
    starts = minimise(few, starts, fewer, delta, bounds, steps=_SHORT_STEPS, clock=clock).theta
    value = objective(design, starts, w, delta)
    top = _different(value)[: max(_KEPT, many // 4)]
    ended = minimise(design, starts[top], w, delta, bounds, steps=_LONG_STEPS, clock=clock)
    starts[top], value[top] = ended.theta, ended.objective
    others = bounds.into(hops(design, starts[_different(value)[:_HOPPED]]))
    if len(others) and not clock.out_of_time:
        ended = minimise(design, others, w, delta, bounds, steps=_LONG_STEPS, clock=clock)
        starts = np.concatenate([starts, ended.theta])
        value = np.concatenate([value, ended.objective])
    return Minima(starts, value)


def _different(value: Array) -> Array:
    """Positions of distinct minima, lowest first; equal objectives count as one minimum."""
    order = np.argsort(value, kind="stable")
    rises = np.diff(value[order], prepend=-np.inf) > _ROUGH * np.abs(value[order])
    return np.concatenate([order[rises], order[~rises]])


def _thinned(design: Design, w: Array) -> tuple[Design, Array]:
    """An evenly spaced subset of the runs if there are many; theta keeps its meaning."""
    if design.runs <= _MANY:
        return design, w
    rows = np.unique(np.linspace(0, design.runs - 1, _MANY).astype(int))
    return design.take(rows, same_theta=True), w[rows]


def _polished(found: Fit, w: Array, bounds: Bounds) -> Fit:
    """The minimum refined by SciPy's L-BFGS-B, which shares no code with the Newton steps."""
    from scipy.optimize import minimize

    size = max(found.objective, 1e-300)
    answer = minimize(
        lambda theta: tuple(part / size for part in gradient(found.design, theta, w, found.delta)),
        found.theta,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(bounds.low, bounds.high, strict=True)),
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )
    value = float(answer.fun) * size
    if not value < found.objective:
        return found
    theta = bounds.into(np.asarray(answer.x))
    return replace(found, theta=theta, objective=value, polish=1 - value / size)


def check_runs(design: Design) -> None:
    """Raise if there are fewer runs than a form needs.

    Raises
    ------
    ValueError
        If there are not more runs than coefficients.
    """
    needed = len(design.form.free) + 1
    if design.runs < needed:
        raise ValueError(
            f"{design.form.name} has {needed - 1} coefficients and needs {needed} runs or more; "
            f"{design.runs} are left"
        )


def fit_without(
    design: Design,
    delta: float,
    *,
    worst: int = 0,
    outliers: int = 0,
    clock: Clock | None = None,
) -> tuple[Fit, Array]:
    """Fit with some runs left out.

    Parameters
    ----------
    design : Design
    delta : float
    worst : int
        Number of runs of highest loss to leave out (Besiroglu et al. 2024, arXiv 2404.10102, leave
        out five of 245).
    outliers : int
        Number of the remaining runs to leave out: those of largest residual in a first fit,
        which is then repeated.
    clock : Clock, optional
        See `fit_form`.

    Returns
    -------
    fit : Fit
        Fit to the runs kept.
    kept : array of bool, shape (runs,)

    Raises
    ------
    ValueError
        If too few runs would remain.
    """
    kept = np.ones(design.runs, bool)
    kept[np.argsort(-design.log_loss, kind="stable")[:worst]] = False
    left = design.take(kept)
    check_runs(left)
    if not outliers:
        return fit_form(left, delta, clock=clock), kept
    first = fit_form(left, delta, clock=clock)
    far = np.argsort(-np.abs(first.residuals), kind="stable")[:outliers]
    kept[np.flatnonzero(kept)[far]] = False
    left = design.take(kept)
    check_runs(left)
    return fit_form(left, delta, clock=clock), kept
