"""Starting points of fits: exponents from a grid or a Sobol sequence, scales by least squares.

For given exponents the scales of the first factor enter the law linearly. Starts therefore cover
exponents only (and the scales of a second factor), with scales from nonnegative least squares:
variable projection (Golub and Pereyra 1973).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from modelsizer.optimizer.fitting.forms import SMALLEST, Array, Design
from modelsizer.optimizer.fitting.newton import Bounds, pieces

_GRIDS = {1: 24, 2: 10, 3: 7, 4: 5}  # number of free exponents -> grid values of each
_SPREAD = 1024  # starts if there are more exponents, from a Sobol sequence (hence a power of two)
_LEAST_EXPONENT, _MOST_EXPONENT = 0.06, 1.6  # of the grid; published laws lie within .07 to .77
_STEEP, _USUAL = (3.0, 8.0, 18.0), (0.15, 0.4, 1.0)  # exponents of a step-like term, and others
_HOPS = (0.4, 0.7, 1.4, 2.0)  # factors applied to a steep exponent
_SECOND_SCALES = (-9.0, -6.0, -4.0, -2.5, -1.0)  # ln of a second factor's term at the runs' mean
_SIGNS_SEED = 0  # for the signs of starts, if exponents may take either sign
_SWEEPS = 60  # iterations of coordinate descent
_LEAST_SHARE = 1e-6  # least starting share of a term in the loss
_NEAR = (0.6, 1.6)  # factors applied to each exponent that the user starts from
BEST_EXPONENT, WORST_EXPONENT = 30.0, 1e-3
"""Bounds of an exponent's absolute value: above it is a step, below it a constant."""
_LN_LARGEST_SCALE = 650.0  # ln of a coefficient; the largest double has ln 709
_LN_SMALLEST, _LN_LARGEST = -150.0, 5.0  # ln of a term at the runs' mean, relative to the loss
_LN_LARGEST_INNER = 50.0  # the same inside an outer power, of which 0.05 is the least
LEAST_OUTER, MOST_OUTER = 0.05, 4.0
"""Bounds of an outer power; Videau et al. (2026, arXiv 2608.07222) found 0.31 to 0.45."""
_OUTERS = (0.2, 0.35, 0.6, 1.0)
_FLOORS = (0.01, 0.5, 0.75, 0.92)  # constants beside an outer power, over the least loss


def bounds_of(design: Design) -> Bounds:
    """Bounds of theta, wide enough that only a vanishing term reaches them."""
    form = design.form
    middle = float(np.median(design.log_loss))
    scale = design.is_scale
    steepest = _steepest(design)
    low = np.where(scale, middle + _LN_SMALLEST, WORST_EXPONENT)
    high = np.where(scale, middle + _LN_LARGEST, steepest)
    for name in form.negative:
        at = form.position(name)
        low[at], high[at] = -steepest[at], -WORST_EXPONENT
    if form.any_sign:
        low, high = np.where(scale, low, -steepest), np.where(scale, high, steepest)
    if form.outer:
        for term in form.factors[0]:
            if term.powers and term.scale is not None:
                high[form.position(term.scale)] = middle + _LN_LARGEST_INNER
        low[form.position(form.outer)], high[form.position(form.outer)] = LEAST_OUTER, MOST_OUTER
    for name, value in form.fixed.items():
        at = form.position(name)
        low[at] = high[at] = np.log(max(value, SMALLEST)) if scale[at] else value
    return Bounds(low, high)


def _steepest(design: Design) -> Array:
    """Size of each exponent above which its coefficient would overflow a double."""
    form = design.form
    found = np.full(len(form.coefficients), BEST_EXPONENT)
    for term in form.terms:
        for power in term.powers:
            at = form.position(power.exponent)
            reach = len(term.powers) * max(abs(design.centres[power.feature]), 1.0)
            found[at] = min(found[at], _LN_LARGEST_SCALE / reach)
    return found


def grid(design: Design) -> Array:
    """Starting points, shape (starts, parameters)."""
    names = _searched(design)
    exponents = [name for name in names if name in design.form.exponents]
    second = names[len(exponents) :]
    low, high = np.log(_LEAST_EXPONENT), np.log(_MOST_EXPONENT)
    if len(exponents) in _GRIDS or not exponents:
        values = np.exp(np.linspace(low, high, _GRIDS.get(len(exponents), 1)))
        axes = [values] * len(exponents) + [np.array(_SECOND_SCALES)] * len(second)
        points = np.array(list(product(*axes))).reshape(-1, len(exponents) + len(second))
    else:
        points = _spread(len(exponents) + len(second))
        ends = [(low, high)] * len(exponents) + [(min(_SECOND_SCALES), max(_SECOND_SCALES))] * len(
            second
        )
        points = np.array([e[0] for e in ends]) + points * np.array([e[1] - e[0] for e in ends])
        points[:, : len(exponents)] = np.exp(points[:, : len(exponents)])
    return _made(design, points, _near_start(design))


def steep_starts(design: Design) -> Array:
    """Starting points in which one term is nearly a step, shape (starts, parameters).

    If there are few runs, or a term is not needed to describe them, the minimum may lie there:
    such a term absorbs the residuals of the runs at one end.
    """
    names = _searched(design)
    exponents = [name for name in names if name in design.form.exponents]
    rest = [_USUAL if len(exponents) <= max(_GRIDS) else _USUAL[1:2] for _ in exponents]
    points = []
    for i in range(len(exponents)):
        axes = [_STEEP if j == i else others for j, others in enumerate(rest)]
        axes += [(_SECOND_SCALES[2],)] * (len(names) - len(exponents))
        points += list(product(*axes))
    return _made(design, np.array(points).reshape(-1, len(names)))


def hops(design: Design, theta: Array) -> Array:
    """From minima with a steep exponent, vary its steepness and keep its largest term unchanged.

    There are many minima along such an exponent: one for each run that the step reaches.

    Parameters
    ----------
    theta : array, shape (points, parameters)

    Returns
    -------
    array, shape (starts, parameters)
    """
    form, found = design.form, []
    for point in theta:
        for term in form.terms:
            for power in term.powers:
                at = form.position(power.exponent)
                if abs(point[at]) < _STEEP[0] / 2 or power.exponent in form.fixed:
                    continue
                slope = power.sign * (
                    design.features[power.feature] - design.centres[power.feature]
                )
                for factor in _HOPS:
                    start = point.copy()
                    start[at] *= factor
                    if term.scale is not None and term.scale in form.free:
                        largest = (point[at] * slope).max()
                        start[form.position(term.scale)] += largest * (1 - factor)
                    found.append(start)
    return np.array(found).reshape(-1, len(form.coefficients))


def _searched(design: Design) -> list[str]:
    """Searched parameters: free exponents, then free scales of a second factor."""
    form = design.form
    exponents = [name for name in form.exponents if name in form.free]
    second = [t.scale for factor in form.factors[1:] for t in factor]
    return exponents + [name for name in second if name is not None and name in form.free]


def _made(design: Design, points: Array, more: Array | None = None) -> Array:
    """Build starts from the searched parameters: their signs, and the remaining scales."""
    form = design.form
    names = _searched(design)
    theta = np.zeros((len(points), len(form.coefficients)))
    for i, name in enumerate(names):
        theta[:, form.position(name)] = points[:, i]
    for name in form.negative:
        theta[:, form.position(name)] *= -1
    if form.any_sign:
        at = [form.position(name) for name in names if name in form.exponents]
        signs = np.random.default_rng(_SIGNS_SEED).choice((-1.0, 1.0), (len(theta), len(at)))
        theta[:, at] *= signs
    if more is not None:
        theta = np.concatenate([theta, more])
    fixed = bounds_of(design)
    for name in form.fixed:
        theta[:, form.position(name)] = fixed.low[form.position(name)]
    with_scales = _with_scales
    if form.outer:
        theta, with_scales = _with_outer(design, theta), _with_inner_scales
    parts = [with_scales(design, theta[piece]) for piece in pieces(len(theta), design.runs)]
    return np.concatenate(parts)


def _with_outer(design: Design, theta: Array) -> Array:
    """Each start with several outer powers and constants."""
    form, least = design.form, float(design.log_loss.min())
    pairs = np.array(list(product(_OUTERS, _FLOORS)))
    found = np.repeat(theta, len(pairs), axis=0)
    found[:, form.position(form.outer)] = np.tile(pairs[:, 0], len(theta))
    for term in form.factors[0]:
        if not term.powers and term.scale is not None:
            found[:, form.position(term.scale)] = least + np.log(np.tile(pairs[:, 1], len(theta)))
    return found


def _spread(dimensions: int) -> Array:
    """Evenly spread points in the unit cube, shape (points, dimensions)."""
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(dimensions, rng=0).random(_SPREAD))


def _near_start(design: Design) -> Array:
    """Starts from the form's own exponents: as given, smaller and larger."""
    form = design.form
    if not form.start:
        return np.zeros((0, len(form.coefficients)))
    own = [name for name in form.exponents if name in form.free]
    theta = np.zeros((2 * len(own) + 1, len(form.coefficients)))
    for name, value in form.start.items():
        if name in form.exponents:
            theta[:, form.position(name)] = value
    for i, name in enumerate(own):
        for row, factor in ((2 * i + 1, _NEAR[0]), (2 * i + 2, _NEAR[1])):
            theta[row, form.position(name)] *= factor
    return theta


def _with_scales(design: Design, theta: Array) -> Array:
    """Theta with scales of the first factor by least squares of predicted / observed - 1."""
    form = design.form
    free = [j for j, term in enumerate(form.factors[0]) if term.scale in form.free]
    if not free:
        return theta
    theta, at = _at_one(design, theta, free)
    rest = design.log_factors(theta, start=1)
    every = np.exp(design.log_terms(theta) + rest - design.log_loss)  # (terms, starts, runs)
    columns = every[free]
    wanted = 1.0 - (every.sum(axis=0) - columns.sum(axis=0))  # remainder after the fixed terms
    theta[:, at] = _log_scales(columns, wanted)
    return theta


def _with_inner_scales(design: Design, theta: Array) -> Array:
    """Theta with scales inside the outer power, for its constant and power as they are.

    Least squares of ``inner / z - 1`` with ``z = (loss - constant)^(1/k)``; to first order that is
    ``loss / (k (loss - constant))`` times ``predicted / observed - 1``, so it has the inverse
    weight.
    """
    form = design.form
    inside = [j for j, term in enumerate(form.factors[0]) if term.powers]
    constants = [j for j, term in enumerate(form.factors[0]) if not term.powers]
    theta, at = _at_one(design, theta, inside)
    logs, power = design.log_terms(theta), theta[:, form.position(form.outer), None]
    loss = np.exp(design.log_loss - design.log_factors(theta, start=1))
    over = loss - np.exp(logs[constants]).sum(axis=0)
    wanted = power * over / loss
    columns = wanted * np.exp(logs[inside] - np.log(over) / power)
    theta[:, at] = _log_scales(columns, wanted)
    return theta


def _at_one(design: Design, theta: Array, terms: list[int]) -> tuple[Array, list[int]]:
    """Theta with scales of 1 for these terms of the first factor, and their positions."""
    form, theta = design.form, theta.copy()
    at = [form.position(str(form.factors[0][j].scale)) for j in terms]
    theta[:, at] = 0.0
    return theta, at


def _log_scales(columns: Array, wanted: Array) -> Array:
    """Logarithms of nonnegative multiples of columns that add up to what is wanted.

    Parameters
    ----------
    columns : array, shape (terms, starts, runs)
    wanted : array, shape (starts, runs)

    Returns
    -------
    array, shape (starts, terms)
    """
    normal = np.einsum("jsn,ksn->sjk", columns, columns, optimize=True)
    right = np.einsum("jsn,sn->sj", columns, wanted, optimize=True)
    scales = np.zeros(right.shape)
    for _ in range(_SWEEPS):
        for j in range(len(columns)):
            off = right[:, j] - np.einsum("sk,sk->s", normal[:, j], scales)
            scales[:, j] = np.maximum(scales[:, j] + off / normal[:, j, j], 0.0)
    least = _LEAST_SHARE / columns.mean(axis=2).T
    return np.asarray(np.log(np.maximum(scales, least)))
