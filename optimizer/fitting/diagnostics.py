"""Diagnostics of a fit: standard errors, goodness of fit, outliers, unidentified coefficients."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from modelsizer.optimizer.fitting.bootstrap import Bootstrap
from modelsizer.optimizer.fitting.fit import Fit, fit_form
from modelsizer.optimizer.fitting.forms import Array, Form
from modelsizer.optimizer.fitting.newton import huber, slopes_at
from modelsizer.optimizer.fitting.starts import (
    LEAST_OUTER,
    MOST_OUTER,
    WORST_EXPONENT,
    bounds_of,
)
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_number

LEAST_R_SQUARED = 0.5
"""R^2 below which a law explains less than half of what it is of."""
_TO_SIGMA = 1.4826  # sigma of a normal distribution over its median absolute deviation
_OUTLIER = 5.0  # in robust sigmas
_ILL = 1e4  # condition number above which a direction of the coefficients is nearly undetermined
_LOOSE = 0.5  # standard error relative to the coefficient
_LEAST_SHARE = 1e-4  # least share of the loss that a term must reach on some run
_VARIES = 1e-6  # least range of the logarithm of a feature
_STEEP = 2.0  # an exponent above this hardly describes a scaling law
_NEAR_END = 1.001


@dataclass(frozen=True)
class Curvature:
    """Standard errors from the curvature of the objective at its minimum.

    Parameters
    ----------
    standard_errors : array, shape (coefficients,)
        NaN for coefficients that the runs do not determine.
    covariance : array, shape (coefficients, coefficients)
    condition : float
        Condition number of the Hessian in theta, scaled to a unit diagonal.
    """

    standard_errors: Array
    covariance: Array
    condition: float


def curvature(found: Fit) -> Curvature:
    """Sandwich covariance ``H^-1 S H^-1`` of an M-estimate, for the coefficients as reported.

    Huber 1981, section 6.3. Nearly all residuals exceed delta, where the second derivative of
    Huber's loss is zero; its mean is therefore estimated over a window around zero, as wide as the
    spread of the residuals suggests, as for a median (Powell 1984).
    """
    design, delta = found.design, found.delta
    free = [design.form.position(name) for name in design.form.free]
    slope = slopes_at(design, found.theta)[free]  # (free parameters, runs)
    residual = found.residuals
    sigma = _TO_SIGMA * float(np.median(np.abs(residual)))
    window = max(delta, 1.06 * sigma * design.runs ** (-1 / 5) * 2)  # Silverman's width
    near = (np.abs(residual) < window) * (delta / window)
    hessian = (slope * near) @ slope.T
    scores = np.clip(residual, -delta, delta)
    spread = (slope * scores**2) @ slope.T
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    scaled = hessian / size[:, None] / size[None, :]
    values = np.linalg.eigvalsh(scaled)
    condition = float(values[-1] / values[0]) if values[0] > 0 else math.inf
    if not condition < 1 / np.finfo(float).eps:
        nothing = np.full(len(found.theta), np.nan)
        return Curvature(nothing, np.full((len(nothing), len(nothing)), np.nan), math.inf)
    inverse = np.linalg.inv(scaled) / size[:, None] / size[None, :]
    carried = design.values_jacobian(found.theta)[:, free] @ inverse
    covariance = carried @ spread @ carried.T
    return Curvature(np.sqrt(np.diag(covariance)), covariance, condition)


def r_squared(found: Fit) -> float:
    """R^2 of ln loss over the runs used: 1 less the residuals' share of its variance.

    ``1 - sum (ln predicted - ln seen)^2 / sum (ln seen - mean of ln seen)^2``: 1 for a law that
    meets every run, 0 for one no better than the mean, negative for a worse one; NaN if every run
    has the same loss.
    """
    seen = found.design.log_loss
    if np.ptp(seen) < _VARIES:
        return math.nan
    return 1.0 - float((found.residuals**2).sum() / ((seen - seen.mean()) ** 2).sum())


def poor_fit(found: Fit) -> list[str]:
    """A warning if a law explains less than half of the variance of ln loss."""
    value = r_squared(found)
    if math.isnan(value):
        return ["every run has the same loss: there is nothing to learn a law from"]
    if value >= LEAST_R_SQUARED:
        return []
    what = f"{value:.0%} of the variance of ln loss" if value > 0 else "nothing, less than the mean"
    return [
        f"the law explains {what} (R2 {format_number(value, 3)}, below "
        f"{format_number(LEAST_R_SQUARED)}): do not use it; look "
        "at the columns, their units, the loss taken, and runs that differ in more than N and D"
    ]


def outliers(found: Fit) -> Array:
    """Positions of runs used whose residual exceeds five robust sigmas, worst first."""
    size = np.abs(found.residuals)
    sigma = _TO_SIGMA * float(np.median(size))
    order = np.argsort(-size, kind="stable")
    return order[size[order] > _OUTLIER * max(sigma, 1e-300)]


@dataclass(frozen=True)
class HoldOut:
    """Errors on the runs of largest compute of a law fitted to the cheaper ones.

    Parameters
    ----------
    fitted, held : int
        Numbers of runs.
    from_flops : float
        Least training FLOPs of the runs held out.
    mean, worst : float
        Mean and maximum of ``|ln predicted - ln observed|`` over the runs held out.
    bias : float
        Mean of ``ln predicted - ln observed``.
    objective : float
        Sum of Huber losses over the runs held out.
    """

    fitted: int
    held: int
    from_flops: float
    mean: float
    worst: float
    bias: float
    objective: float


def hold_out(found: Fit, flops: Array, share: float, clock: Clock | None = None) -> HoldOut:
    """Fit to all but the runs of largest compute, and predict those.

    Parameters
    ----------
    found : Fit
    flops : array, shape (runs,)
        Training FLOPs of the runs used.
    share : float
        Share of runs to hold out.
    clock : Clock, optional

    Raises
    ------
    StoppedError
        If the clock stops the fit.
    ValueError
        If the share leaves too few runs to fit, or none to predict.
    """
    design = found.design
    held = round(share * design.runs)
    needed = len(design.form.free) + 1
    if held < 1 or design.runs - held < needed:
        raise ValueError(
            f"{format_number(share)} of {design.runs} runs leaves {design.runs - held} to fit "
            f"{needed - 1} coefficients and {held} to predict"
        )
    order = np.argsort(flops, kind="stable")
    rest, last = order[:-held], order[-held:]
    cheap = fit_form(design.take(rest), found.delta, clock=clock)
    if clock is not None:
        clock.check()  # a fit that the clock stopped predicts nothing
    dear = design.take(last)
    residual = np.log(design.form.loss(cheap.values, dear.columns)) - dear.log_loss
    return HoldOut(
        len(rest),
        held,
        float(flops[last].min()),
        float(np.abs(residual).mean()),
        float(np.abs(residual).max()),
        float(residual.mean()),
        float(huber(residual, found.delta).sum()),
    )


def term_shares(found: Fit) -> dict[str, float]:
    """Largest share of each term in its sum over all runs, by coefficient."""
    _, shares = found.design.shares(found.theta[None, :])
    sums = zip(found.form.factors, shares, strict=True)
    return {
        term.scale: float(share.max())
        for factor, parts in sums
        for term, share in zip(factor, parts.terms, strict=True)
        if term.scale is not None
    }


def _still(found: Fit) -> dict[str, list[str]]:
    """Terms whose features do not vary between runs, as coefficient -> features."""
    design = found.design
    constant = {name for name, values in design.features.items() if np.ptp(values) < _VARIES}
    return {
        term.scale: [power.feature for power in term.powers]
        for term in found.form.terms
        if term.scale in found.form.free
        and term.powers
        and all(power.feature in constant for power in term.powers)
    }


def _exponents(form: Form, scales: Collection[str]) -> set[str]:
    """Exponents of the terms with these scales."""
    return {p.exponent for term in form.terms if term.scale in scales for p in term.powers}


def _outer_at_end(found: Fit) -> list[str]:
    """A warning if the outer power is at a bound of its search."""
    if not (name := found.form.outer):
        return []
    power = found.coefficients[name]
    if LEAST_OUTER * _NEAR_END < power < MOST_OUTER / _NEAR_END:
        return []
    return [
        f"{name} is at its end, {format_number(power, 3)}: the runs do not determine it "
        "(Videau et al. found 0.31 to 0.45)"
    ]


def warnings_of(found: Fit, curved: Curvature, drawn: Bootstrap | None) -> list[str]:
    """Warnings about coefficients that the runs do not determine, as sentences."""
    form, ends = found.form, bounds_of(found.design)
    absent = [
        name
        for name, share in term_shares(found).items()
        if share < _LEAST_SHARE and name in form.free
    ]
    said = [
        f"the runs have no use for the term of {name}: it is less than 0.01 % of the loss on "
        "every run"
        for name in absent
    ]
    still = _still(found)
    said += [
        f"{' and '.join(features)} {'is' if len(features) == 1 else 'are'} the same in every run: "
        f"nothing is learnt of the term of {scale}"
        for scale, features in still.items()
    ]
    absent += [scale for scale in still if scale not in absent]
    silent = _exponents(form, absent) - _exponents(form, set(form.scales) - set(absent))
    silent |= set(form.fixed)
    for name in form.exponents:
        size, at = abs(found.coefficients[name]), form.position(name)
        most = float(np.maximum(np.abs(ends.low[at]), np.abs(ends.high[at])))
        if name in silent:
            continue
        if size <= WORST_EXPONENT * _NEAR_END:
            said.append(f"{name} is at its end, {format_number(WORST_EXPONENT)}: its term is flat")
        elif size >= most / _NEAR_END:
            said.append(f"{name} is at its end, {format_number(most, 3)}: its term is a step")
        elif size > _STEEP:
            said.append(
                f"{name} = {format_number(found.coefficients[name], 3)} is steep: its term is "
                "about the runs at "
                "one end only (published exponents are .07 to .77)"
            )
    said += _outer_at_end(found)
    errors = curved.standard_errors if drawn is None else drawn.standard_errors
    what = "curvature" if drawn is None else "bootstrap"
    for name, value, error in zip(form.coefficients, found.values, errors, strict=True):
        if name in absent or name in silent:
            continue
        if not math.isfinite(error):
            said.append(f"{name} is not identified: the objective is flat along it")
        elif (name not in form.scales or name == "E") and error > _LOOSE * abs(value):
            said.append(
                f"{name} = {format_number(value, 4)} is hardly identified: its standard error is "
                f"{format_number(error, 2)} ({what})"
            )
    if curved.condition > _ILL:
        said.append(
            "the coefficients are nearly interchangeable (condition number "
            f"{format_number(curved.condition, 2)}): trust predictions near the runs, not single "
            "coefficients"
        )
    if found.agreeing == 1 and found.starts > 1:
        said.append(
            f"only one of {found.starts} starts reached the least objective: there may be a lower"
        )
    return said
