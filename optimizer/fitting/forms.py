"""The published forms of law that can be fitted, and a form evaluated on runs.

Each form is a product of sums of power terms, of which the first may be raised to an outer power
but for its constant. So the logarithm of a term is linear in the parameters ``theta`` = (ln
coefficient or exponent, ...), and the logarithm of a sum is a log-sum-exp (Hoffmann et al. 2022,
arXiv 2203.15556, appendix D.3). Coefficients are positive by construction; first and second
derivatives are exact.

Features are centred, ``ln x - mean(ln x)``, for conditioning: the ``theta`` of a scale is then
the logarithm of its term at the mean of the runs, and nearly independent of the exponents. The
features of a term whose coefficient is held fixed are not centred.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from modelsizer.optimizer.fitting.factors import Factor, Part, Shares
from modelsizer.optimizer.fitting.terms import Array, Form, Power, Term, features_of
from modelsizer.problems.laws.files import COEFFICIENTS
from modelsizer.problems.records import dataclass

__all__ = [
    "BIAN",
    "CHINCHILLA",
    "CHINCHILLA_OUTER",
    "FORMS",
    "GEMSTONES",
    "Array",
    "Design",
    "Form",
]


def _term(scale: str, feature: str, exponent: str, sign: int = -1) -> Term:
    """A term with one feature."""
    return Term(scale, (Power(feature, exponent, sign),))


CHINCHILLA = Form(
    "chinchilla",
    "E + A/N^alpha + B/D^beta",
    COEFFICIENTS["chinchilla"],
    ((Term("E"), _term("A", "N", "alpha"), _term("B", "D", "beta")),),
    ("N", "D"),
    "Hoffmann et al. 2022, arXiv 2203.15556, eq. 10",
)
CHINCHILLA_OUTER = Form(
    "chinchilla-outer",
    "E + (A/N^alpha + B/D^beta)^outer",
    COEFFICIENTS["chinchilla-outer"],
    ((Term("E"), _term("A", "N", "alpha"), _term("B", "D", "beta")),),
    ("N", "D"),
    "Videau et al. 2026, arXiv 2608.07222",
    outer="outer",
)
GEMSTONES = Form(
    "gemstones",
    "E + A/width^a + B/depth^b + G/N^g + T/D^t",
    COEFFICIENTS["gemstones"],
    (
        (
            Term("E"),
            _term("A", "width", "a"),
            _term("B", "depth", "b"),
            _term("G", "N", "g"),
            _term("T", "D", "t"),
        ),
    ),
    ("width", "depth", "N", "D"),
    "McLeish et al. 2025, arXiv 2502.06857",
)
BIAN = Form(
    "bian",
    "(E + A/N^alpha + B/D^alpha) (1 + gamma (width/depth)^alpha)",
    COEFFICIENTS["bian"],
    (
        (Term("E"), _term("A", "N", "alpha"), _term("B", "D", "alpha")),
        (Term(None), _term("gamma", "aspect", "alpha", sign=+1)),
    ),
    ("width", "depth", "N", "D"),
    "Bian et al. 2025, arXiv 2501.18107",
)
FORMS = {form.name: form for form in (CHINCHILLA, GEMSTONES, BIAN, CHINCHILLA_OUTER)}
"""Forms by name, as accepted by `fit --law`."""


SMALLEST = 1e-300
"""Value substituted for a coefficient of zero, so that it has a logarithm."""


@dataclass(frozen=True)
class Design:
    """A form evaluated on runs: all that the fit needs to know about them.

    Parameters
    ----------
    form : Form
    columns : mapping of array, shape (runs,)
        Columns that the form needs.
    log_loss : array, shape (runs,)
        Logarithm of the observed loss.
    middle : mapping, optional
        Values that features are centred on; by default their means.
    """

    form: Form
    columns: Mapping[str, Array]
    log_loss: Array
    middle: Mapping[str, float] | None = None

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.log_loss)

    def take(self, rows: Array, *, same_theta: bool = False) -> Design:
        """The same form on a subset of the runs; `same_theta` keeps the centres."""
        columns = {name: np.asarray(column)[rows] for name, column in self.columns.items()}
        middle = self.centres if same_theta else None
        return Design(self.form, columns, self.log_loss[rows], middle)

    @cached_property
    def features(self) -> dict[str, Array]:
        """Logarithms of the features, not centred."""
        return features_of(self.columns, self.form)

    @cached_property
    def centres(self) -> Mapping[str, float]:
        """Value that each feature is centred on."""
        if self.middle is not None:
            return self.middle
        return {name: float(values.mean()) for name, values in self.features.items()}

    def _centre(self, term: Term, power: Power) -> float:
        """Value that a feature is centred on in a term."""
        return 0.0 if term.scale in self.form.fixed else self.centres[power.feature]

    @cached_property
    def _factors(self) -> tuple[Factor, ...]:
        """Factors of the form with their terms on the runs."""
        form = self.form
        found = []
        for i, factor in enumerate(form.factors):
            parts = []
            for term in factor:
                scale = None if term.scale is None else form.position(term.scale)
                powers = [
                    (
                        form.position(power.exponent),
                        power.sign * (self.features[power.feature] - self._centre(term, power)),
                    )
                    for power in term.powers
                ]
                parts.append(Part(scale, tuple(powers)))
            outer = form.position(form.outer) if form.outer and i == 0 else None
            found.append(Factor(tuple(parts), self.runs, len(form.coefficients), outer))
        return tuple(found)

    # Values

    def shares(self, theta: Array) -> tuple[Array, list[Shares]]:
        """Logarithm of the prediction, and share of each term in its factor.

        Parameters
        ----------
        theta : array, shape (points, parameters)

        Returns
        -------
        log_predicted : array, shape (points, runs)
        shares : list of Shares
        """
        total: Array = np.zeros((len(theta), self.runs))
        shares = []
        for factor in self._factors:
            log, each = factor.at(theta)
            total += log
            shares.append(each)
        return total, shares

    def log_terms(self, theta: Array) -> Array:
        """Logarithms of the terms of the first factor, shape (terms, points, runs)."""
        return np.stack([part.log(theta, self.runs) for part in self._factors[0].parts])

    def log_factors(self, theta: Array, start: int) -> Array:
        """Logarithm of the product of factors `start` onwards, shape (points, runs)."""
        total: Array = np.zeros((len(theta), self.runs))
        for factor in self._factors[start:]:
            total += factor.at(theta)[0]
        return total

    def log_predicted(self, theta: Array) -> Array:
        """Logarithm of the prediction, shape (points, runs)."""
        return self.shares(theta)[0]

    def jacobians(self, shares: list[Shares]) -> list[Array]:
        """d(ln factor) / d theta for each factor, shape (points, parameters, runs)."""
        pairs = zip(self._factors, shares, strict=True)
        return [factor.jacobian(share) for factor, share in pairs]

    def bend(self, pull: Array, shares: list[Shares], jacobians: list[Array]) -> Array:
        """Sum over runs of pull x second derivatives of the logarithm of the prediction.

        Parameters
        ----------
        pull : array, shape (points, runs)
        shares, jacobians
            At the same points.

        Returns
        -------
        array, shape (points, parameters, parameters)
        """
        points, p = len(pull), len(self.form.coefficients)
        total: Array = np.zeros((points, p, p))
        for factor, share, jacobian in zip(self._factors, shares, jacobians, strict=True):
            factor.add_bend(total, pull, share, jacobian)
        return total

    # Conversion between theta and coefficients

    @cached_property
    def _shift(self) -> Array:
        """Matrix that undoes the centring: ``ln coefficients = theta + shift @ exponents``."""
        p = len(self.form.coefficients)
        shift = np.zeros((p, p))
        for term in self.form.terms:
            if term.scale is None:
                continue
            for power in term.powers:
                at = self.form.position(term.scale), self.form.position(power.exponent)
                shift[at] = -power.sign * self._centre(term, power)
        return shift

    @cached_property
    def is_scale(self) -> Array:
        """Mask of the parameters that are logarithms of scales."""
        return np.array([name in self.form.scales for name in self.form.coefficients])

    def values(self, theta: Array) -> Array:
        """Convert theta to coefficients as reported; shape (..., parameters)."""
        raw = theta + theta @ self._shift.T
        found = np.where(self.is_scale, np.exp(np.where(self.is_scale, raw, 0.0)), raw)
        for name, value in self.form.fixed.items():
            found[..., self.form.position(name)] = value
        return found

    def theta(self, values: Array) -> Array:
        """Convert coefficients as reported to theta; shape (..., parameters)."""
        positive = np.maximum(np.where(self.is_scale, values, 1.0), SMALLEST)
        raw = np.where(self.is_scale, np.log(positive), values)
        exponents = np.where(self.is_scale, 0.0, raw)
        return np.asarray(raw - exponents @ self._shift.T)

    def values_jacobian(self, theta: Array) -> Array:
        """d(values) / d(theta), shape (parameters, parameters), to transform a covariance."""
        slope = np.eye(len(theta)) + self._shift
        values = self.values(theta)
        return np.where(self.is_scale, values, 1.0)[:, None] * slope
