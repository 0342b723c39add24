"""The compute-optimal size under any form of law, and its derivatives by the coefficients.

Along C = 6ND each term of a sum is ``c exp(k x)`` with x = ln N, so the sum is convex in x and
minimal where ``sum of k c exp(k x) = 0``. For A/N^a + B/D^b this gives Hoffmann et al.'s
``(ln(a A / (b B)) + b ln(C / 6)) / (a + b)`` (2022, arXiv 2203.15556, eq. 4).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modelsizer.optimizer.fitting.terms import Array, Form, Term, columns_of, features_of
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.records import dataclass

SIZE_POWERS: Mapping[str, float] = {
    "N": 1.0,
    "D": -1.0,
    "width": 1 / 3,
    "depth": 1 / 3,
    "heads": 1 / 3,
    "d_ff": 1 / 3,
}
"""Powers of N with which features of one shape grow at equal FLOPs: parameters of the layers are
proportional to width^2 x depth. Other features stay constant."""
_FAR = 80.0  # search range of ln N around the model's
_HALVINGS = 64


@dataclass(frozen=True, slots=True)
class _Along:
    """A term along the line: ``exp(height + slope x)``, with x = ln N minus that of the model.

    `height` and the logarithm of each feature at x = 0 have the shape of the FLOPs.
    """

    term: Term
    height: Array
    slope: float
    rates: tuple[float, ...]
    features: tuple[Array, ...]


def log_best_size(
    form: Form, values: Array, log_flops: Array, at: Mapping[str, Array]
) -> Array | None:
    """Logarithm of the N of least loss at C = 6ND; None if the law has no minimum.

    All other features of the law, including the shape, are as in `at`; but for laws without a term
    in N, widths and depth grow with N. In a product of sums only the first sum contains N and D.

    Parameters
    ----------
    form : Form
    values : array, shape (coefficients,)
    log_flops : array, any shape
    at : mapping of array, shape (1,)
        Columns of a model, for the features other than N and D.
    """
    flops = np.asarray(log_flops, float)
    line = _along(form, values, flops, at)
    rising = [one for one in line if one.slope > 0]
    falling = [one for one in line if one.slope < 0]
    if not rising or not falling:
        return None

    def pull(terms: list[_Along], x: Array) -> Array:
        logs = [np.log(abs(one.slope)) + one.height + one.slope * x for one in terms]
        return np.asarray(np.logaddexp.reduce(logs, axis=0))

    low, high = np.full(flops.shape, -_FAR), np.full(flops.shape, _FAR)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = pull(rising, middle) > pull(falling, middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2 + np.log(float(at["N"][0])))


def size_slope(form: Form, values: Array, flops: float, at: Mapping[str, Array]) -> Array | None:
    """Derivatives of `log_best_size` by the coefficients, shape (coefficients,), or None."""
    log_flops = np.log(flops)
    best = log_best_size(form, values, log_flops, at)
    if best is None:
        return None
    x = float(best) - np.log(float(at["N"][0]))
    line = _along(form, values, log_flops, at)
    top = max(float(one.height) + one.slope * x for one in line)
    found, bend = np.zeros(len(values)), 0.0
    for one in line:
        size, k = np.exp(float(one.height) + one.slope * x - top), one.slope
        bend += k * k * size
        if one.term.scale is not None and k:
            found[form.position(one.term.scale)] += k * size / values[form.position(one.term.scale)]
        for power, rate, feature in zip(one.term.powers, one.rates, one.features, strict=True):
            along = rate + k * (float(feature) + rate * x)
            found[form.position(power.exponent)] += power.sign * size * along
    return -found / bend


def _along(
    form: Form, values: Array, log_flops: Array, at: Mapping[str, Array]
) -> list[_Along]:  # fmt: skip
    """Terms of the first factor along the line of equal FLOPs, with other features as `at`."""
    shape = np.shape(log_flops)
    start = {name: np.full(shape, float(column[0])) for name, column in at.items()}
    start["D"] = np.exp(np.asarray(log_flops) - np.log(SIX_ND)) / start["N"]
    features = features_of(start, form)
    terms = form.factors[0]
    alone = any(power.feature == "N" for term in terms for power in term.powers)
    moving = {name: p for name, p in SIZE_POWERS.items() if name in ("N", "D") or not alone}
    found = []
    for term in terms:
        rates = tuple(_rate(power.feature, moving) for power in term.powers)
        signed = [power.sign * values[form.position(power.exponent)] for power in term.powers]
        logs = tuple(features[power.feature] for power in term.powers)
        scale = 1.0 if term.scale is None else values[form.position(term.scale)]
        with np.errstate(divide="ignore"):  # for a scale held at zero
            height = np.log(scale) + sum(
                (e * log for e, log in zip(signed, logs, strict=True)), start=np.zeros(shape)
            )
        slope = float(sum(e * rate for e, rate in zip(signed, rates, strict=True)))
        found.append(_Along(term, height, slope, rates, logs))
    return found


def _rate(feature: str, moving: Mapping[str, float]) -> float:
    """Derivative of ln feature by ln N."""
    over, *under = (moving.get(column, 0.0) for column in columns_of(feature))
    return over - sum(under)
