"""The fit: a grid of starts, many damped Newton steps at once, and SciPy's L-BFGS as judge.

The best starts are followed to their minima, first with a wider Huber delta, which has fewer kinks,
then with the delta asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from modelsizer.optimizer.fitting.forms import Array, Design, Form
from modelsizer.optimizer.fitting.newton import Bounds, Minima, gradient, minimise, objective
from modelsizer.optimizer.fitting.starts import bounds_of, grid, hops, steep_starts

_FOLLOWED = 32, 160  # starts, at least and at most; as many as runs allow
_CELLS = 8000  # starts x runs that are followed, if that is between
_HOPPED = 4  # minima, of which those with steep exponents are left for others
_KEPT = 8  # of them, followed to the end, at least
_WIDER = (30.0, 5.0)  # times delta, before delta itself
_FIRST_STEPS, _SHORT_STEPS, _LONG_STEPS = 20, 50, 600
_ROUGH = 1e-4  # of the objective: enough before delta itself
_MANY = 1500  # runs, beyond which starts are first followed on an even choice of so many
_SAME = 2e-3  # of the objective, within which starts agree


@dataclass(frozen=True)
class Fit:
    """A law fitted to runs.

    Parameters
    ----------
    design : Design
        The form on the runs used.
    theta : array, shape (parameters,)
    delta : float
        Of Huber's loss.
    objective : float
        Sum over runs of the Huber loss of ln predicted - ln seen.
    starts, agreeing : int
        Starts that were followed to a minimum, and how many of those ended within 0.2 % of the
        least.
    polish : float
        By what share of the objective SciPy's L-BFGS-B lowered the minimum of the Newton steps.
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
        """The form fitted."""
        return self.design.form

    @property
    def values(self) -> Array:
        """Coefficients in the form's order."""
        return np.asarray(self.design.values(self.theta))

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficients by name."""
        return dict(zip(self.form.coefficients, map(float, self.values), strict=True))

    @property
    def residuals(self) -> Array:
        """What ``ln predicted - ln seen`` is for each run used."""
        predicted = self.design.log_predicted(self.theta[None, :])[0]
        return np.asarray(predicted - self.design.log_loss)


def fit_form(design: Design, delta: float, *, weights: Array | None = None) -> Fit:
    """Fit a form to runs.

    Parameters
    ----------
    design : Design
    delta : float
        Of Huber's loss on the logarithm of the loss.
    weights : array, shape (runs,), optional
        How often each run counts.
    """
    w = np.ones(design.runs) if weights is None else np.asarray(weights, float)
    bounds = bounds_of(design)
    minima = _followed(design, w, delta, bounds)
    best = minima.best
    found = Fit(
        design,
        minima.theta[best],
        delta,
        float(minima.objective[best]),
        len(minima.objective),
        int((minima.objective <= minima.objective[best] * (1 + _SAME)).sum()),
    )
    return _polished(found, w, bounds)


def _followed(design: Design, w: Array, delta: float, bounds: Bounds) -> Minima:
    """Minima of the best starts; the best of those are followed to the end."""
    few, fewer = _thinned(design, w)
    many = int(np.clip(_CELLS // few.runs, *_FOLLOWED))
    best = []
    for made, followed in ((grid(few), many), (steep_starts(few), many // 2)):
        inside = bounds.into(made)
        value = objective(few, inside, fewer, delta * _WIDER[0])
        best.append(inside[np.argsort(value, kind="stable")[:followed]])
    starts = np.concatenate(best)
    for factor in _WIDER:
        starts = minimise(
            few, starts, fewer, delta * factor, bounds, steps=_FIRST_STEPS, close=_ROUGH
        ).theta
    starts = minimise(few, starts, fewer, delta, bounds, steps=_SHORT_STEPS).theta
    value = objective(design, starts, w, delta)
    top = _different(value)[: max(_KEPT, many // 4)]
    ended = minimise(design, starts[top], w, delta, bounds, steps=_LONG_STEPS)
    starts[top], value[top] = ended.theta, ended.objective
    others = bounds.into(hops(design, starts[_different(value)[:_HOPPED]]))
    if len(others):
        ended = minimise(design, others, w, delta, bounds, steps=_LONG_STEPS)
        starts = np.concatenate([starts, ended.theta])
        value = np.concatenate([value, ended.objective])
    return Minima(starts, value)


def _different(value: Array) -> Array:
    """Positions of minima, the least first, without those that are as low as one before."""
    order = np.argsort(value, kind="stable")
    rises = np.diff(value[order], prepend=-np.inf) > _ROUGH * np.abs(value[order])
    return np.concatenate([order[rises], order[~rises]])


def _thinned(design: Design, w: Array) -> tuple[Design, Array]:
    """The runs, or an even choice of them where they are many; theta means the same of both."""
    if design.runs <= _MANY:
        return design, w
    rows = np.unique(np.linspace(0, design.runs - 1, _MANY).astype(int))
    return design.take(rows, same_theta=True), w[rows]


def _polished(found: Fit, w: Array, bounds: Bounds) -> Fit:
    """The minimum after SciPy's L-BFGS-B, which shares nothing with the Newton steps."""
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
    """Refuse fewer runs than a form needs.

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
    design: Design, delta: float, *, worst: int = 0, outliers: int = 0
) -> tuple[Fit, Array]:
    """Fit with some of the runs left out.

    Parameters
    ----------
    design : Design
    delta : float
    worst : int
        So many runs of the highest loss: Besiroglu et al. 2024 (arXiv 2404.10102) leave out five of
        245 so.
    outliers : int
        Of what is left, so many runs of the largest residual of a first fit, which is then
        repeated.

    Returns
    -------
    fit : Fit
        Of the runs kept.
    kept : array of bool, shape (runs,)

    Raises
    ------
    ValueError
        If too few runs would be left.
    """
    kept = np.ones(design.runs, bool)
    kept[np.argsort(-design.log_loss, kind="stable")[:worst]] = False
    left = design.take(kept)
    check_runs(left)
    if not outliers:
        return fit_form(left, delta), kept
    far = np.argsort(-np.abs(fit_form(left, delta).residuals), kind="stable")[:outliers]
    kept[np.flatnonzero(kept)[far]] = False
    left = design.take(kept)
    check_runs(left)
    return fit_form(left, delta), kept
