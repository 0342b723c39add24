"""The fit: a grid of starts, many damped Newton steps at once, and SciPy's L-BFGS as judge.

For given exponents the scales enter the law linearly. So the grid is of exponents only (and of the
scale of a second factor), and each start takes the scales of least squares that are not negative:
variable projection (Golub and Pereyra 1973). The best starts are followed to their minima, first
with a wider Huber delta, which has fewer kinks, then with the delta asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from optimizer.fitting.forms import Array, Design, Form
from optimizer.fitting.newton import Bounds, Minima, gradient, minimise, objective, pieces

_GRIDS = {1: 24, 2: 10, 4: 5}  # exponents of the form -> values of each in the grid
_LEAST_EXPONENT, _MOST_EXPONENT = 0.06, 1.6  # of the grid; published laws lie within .07 to .77
_SECOND_SCALES = (-9.0, -6.0, -4.0, -2.5, -1.0)  # ln of a second factor's term, mid-runs
_SWEEPS = 60  # of coordinate descent
_FOLLOWED, _KEPT = 32, 6
_WIDER = (30.0, 5.0)  # times delta, before delta itself
_FIRST_STEPS, _SHORT_STEPS, _LONG_STEPS = 20, 50, 600
_ROUGH = 1e-4  # of the objective: enough before delta itself
_LEAST_SHARE = 1e-6  # of the loss, that a term starts with where least squares gives it nothing
BEST_EXPONENT, WORST_EXPONENT = 10.0, 1e-3
"""Ends of every exponent: steeper is a step, flatter a constant."""
_LN_SMALLEST, _LN_LARGEST = -40.0, 5.0  # of a term mid-runs, beside the loss there
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


def bounds_of(design: Design) -> Bounds:
    """Ends of theta: wide enough that only a term that is not there reaches them."""
    middle = float(np.median(design.log_loss))
    scale = design.is_scale
    low = np.where(scale, middle + _LN_SMALLEST, WORST_EXPONENT)
    return Bounds(low, np.where(scale, middle + _LN_LARGEST, BEST_EXPONENT))


def grid(design: Design) -> Array:
    """Starts, shape (starts, parameters)."""
    form = design.form
    many = _GRIDS.get(len(form.exponents), 4)
    values = np.geomspace(_LEAST_EXPONENT, _MOST_EXPONENT, many)
    second = [t.scale for factor in form.factors[1:] for t in factor if t.scale is not None]
    axes = [values] * len(form.exponents) + [np.array(_SECOND_SCALES)] * len(second)
    points = np.array(list(product(*axes)))
    theta = np.zeros((len(points), len(form.coefficients)))
    for i, name in enumerate((*form.exponents, *second)):
        theta[:, form.position(str(name))] = points[:, i]
    parts = [_with_scales(design, theta[piece]) for piece in pieces(len(theta), design.runs)]
    return np.concatenate(parts)


def _with_scales(design: Design, theta: Array) -> Array:
    """Theta with the scales of the first factor by least squares of predicted / seen - 1."""
    form, first = design.form, design.form.factors[0]
    at = [form.position(str(term.scale)) for term in first]
    theta = theta.copy()
    theta[:, at] = 0.0
    rest = design.log_factors(theta, start=1)
    columns = np.exp(design.log_terms(theta) + rest - design.log_loss)  # (terms, starts, runs)
    normal = np.einsum("jsn,ksn->sjk", columns, columns, optimize=True)
    right = columns.sum(axis=2).T
    scales = np.zeros((len(theta), len(at)))
    for _ in range(_SWEEPS):
        for j in range(len(at)):
            off = right[:, j] - np.einsum("sk,sk->s", normal[:, j], scales)
            scales[:, j] = np.maximum(scales[:, j] + off / normal[:, j, j], 0.0)
    least = _LEAST_SHARE / columns.mean(axis=2).T
    theta[:, at] = np.log(np.maximum(scales, least))
    return theta


def fit(design: Design, delta: float, *, weights: Array | None = None) -> Fit:
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
    starts = bounds.into(grid(few))
    starts = starts[np.argsort(objective(few, starts, fewer, delta * _WIDER[0]))[:_FOLLOWED]]
    for factor in _WIDER:
        starts = minimise(
            few, starts, fewer, delta * factor, bounds, steps=_FIRST_STEPS, close=_ROUGH
        ).theta
    starts = minimise(few, starts, fewer, delta, bounds, steps=_SHORT_STEPS).theta
    value = objective(design, starts, w, delta)
    top = np.argsort(value)[:_KEPT]
    ended = minimise(design, starts[top], w, delta, bounds, steps=_LONG_STEPS)
    starts[top], value[top] = ended.theta, ended.objective
    return Minima(starts, value)


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
    needed = len(design.form.coefficients) + 1
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
        return fit(left, delta), kept
    far = np.argsort(-np.abs(fit(left, delta).residuals), kind="stable")[:outliers]
    kept[np.flatnonzero(kept)[far]] = False
    left = design.take(kept)
    check_runs(left)
    return fit(left, delta), kept
