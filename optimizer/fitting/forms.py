"""The three forms of law that are fitted, each a product of sums of power terms.

Each term is ``coefficient x product of feature ** (+- exponent)``, so its logarithm is linear in
the parameters ``theta`` = (ln coefficient or exponent, ...), and the logarithm of a sum is a
log-sum-exp (Hoffmann et al. 2022, arXiv 2203.15556, appendix D.3). Coefficients are positive by
construction; first and second derivatives are exact.

Features are centred, ``ln x - mean(ln x)``: then ``theta`` of a scale is the logarithm of its
term in the middle of the runs, which no exponent moves much, and the problem is well scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from problems.law_files import COEFFICIENTS

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a sum.

    Parameters
    ----------
    scale : str or None
        Name of its coefficient; None where it is 1.
    feature : str or None
        What is raised to a power; None for a constant.
    exponent : str or None
        Name of the exponent.
    sign : int
        -1 where the term falls as the feature grows.
    """

    scale: str | None
    feature: str | None = None
    exponent: str | None = None
    sign: int = -1


@dataclass(frozen=True, slots=True)
class Form:
    """A form of law.

    Parameters
    ----------
    name : str
    text : str
        As people write it.
    coefficients : tuple of str
        In the order in which they are reported.
    factors : tuple of tuple of Term
        The law is the product of these sums.
    columns : tuple of str
        Columns that a run must have, besides its loss.
    source : str
    """

    name: str
    text: str
    coefficients: tuple[str, ...]
    factors: tuple[tuple[Term, ...], ...]
    columns: tuple[str, ...]
    source: str

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all factors."""
        return tuple(term for factor in self.factors for term in factor)

    @property
    def scales(self) -> tuple[str, ...]:
        """Coefficients that multiply; the others are exponents."""
        found = {term.scale for term in self.terms}
        return tuple(name for name in self.coefficients if name in found)

    @property
    def exponents(self) -> tuple[str, ...]:
        """Coefficients that are exponents."""
        return tuple(name for name in self.coefficients if name not in self.scales)

    def position(self, name: str) -> int:
        """Where a coefficient stands."""
        return self.coefficients.index(name)

    def loss(self, values: Array, columns: Mapping[str, Array]) -> Array:
        """Predicted loss.

        Parameters
        ----------
        values : array, shape (..., coefficients)
            Coefficients as reported.
        columns : mapping of array, shape (runs,)

        Returns
        -------
        array, shape (..., runs)
        """
        values = np.asarray(values, float)
        features = features_of(columns, self)
        product: Array = np.ones((*values.shape[:-1], 1))
        for factor in self.factors:
            total: Array = np.zeros(1)
            for term in factor:
                part: Array = np.ones(1)
                if term.feature is not None and term.exponent is not None:
                    power = term.sign * values[..., self.position(term.exponent), None]
                    part = np.exp(power * features[term.feature])
                if term.scale is not None:
                    part = part * values[..., self.position(term.scale), None]
                total = total + part
            product = product * total
        return product


CHINCHILLA = Form(
    "chinchilla",
    "E + A/N^alpha + B/D^beta",
    COEFFICIENTS["chinchilla"],
    ((Term("E"), Term("A", "N", "alpha"), Term("B", "D", "beta")),),
    ("N", "D"),
    "Hoffmann et al. 2022, arXiv 2203.15556, eq. 10",
)
GEMSTONES = Form(
    "gemstones",
    "E + A/width^a + B/depth^b + G/N^g + T/D^t",
    COEFFICIENTS["gemstones"],
    (
        (
            Term("E"),
            Term("A", "width", "a"),
            Term("B", "depth", "b"),
            Term("G", "N", "g"),
            Term("T", "D", "t"),
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
        (Term("E"), Term("A", "N", "alpha"), Term("B", "D", "alpha")),
        (Term(None), Term("gamma", "aspect", "alpha", sign=+1)),
    ),
    ("width", "depth", "N", "D"),
    "Bian et al. 2025, arXiv 2501.18107",
)
FORMS = {form.name: form for form in (CHINCHILLA, GEMSTONES, BIAN)}
"""Every form by name, as `fit --law` takes them."""


def features_of(columns: Mapping[str, Array], form: Form) -> dict[str, Array]:
    """Logarithms of what the terms of a form raise to powers, each of shape (runs,)."""
    found = {name: np.log(np.asarray(columns[name], float)) for name in form.columns}
    if any(term.feature == "aspect" for term in form.terms):
        found["aspect"] = found["width"] - found["depth"]
    return found


def products(jacobian: Array, weights: Array) -> Array:
    """``J diag(weights) J^T`` at each point, of J of shape (points, parameters, runs)."""
    return np.asarray((jacobian * weights[:, None, :]) @ np.swapaxes(jacobian, 1, 2))


@dataclass(frozen=True, slots=True)
class _Part:
    """A term on the runs: positions in theta, and d(ln term) / d(exponent) of each run."""

    scale: int | None
    exponent: int | None
    slope: Any


@dataclass(frozen=True)
class Design:
    """A form on the runs of a table: everything that the fit needs of them.

    Parameters
    ----------
    form : Form
    columns : mapping of array, shape (runs,)
        Of the form's columns.
    log_loss : array, shape (runs,)
        ln of the loss seen.
    middle : mapping, optional
        What features are centred on; their own means where it is left out.
    """

    form: Form
    columns: Mapping[str, Array]
    log_loss: Array
    middle: Mapping[str, float] | None = None

    @property
    def runs(self) -> int:
        """How many."""
        return len(self.log_loss)

    def take(self, rows: Array, *, same_theta: bool = False) -> Design:
        """The same form on some of the runs; theta may keep its meaning."""
        columns = {name: np.asarray(column)[rows] for name, column in self.columns.items()}
        middle = self.centres if same_theta else None
        return Design(self.form, columns, self.log_loss[rows], middle)

    @cached_property
    def features(self) -> dict[str, Array]:
        """Logarithms, not centred."""
        return features_of(self.columns, self.form)

    @cached_property
    def centres(self) -> Mapping[str, float]:
        """What each feature is centred on."""
        if self.middle is not None:
            return self.middle
        return {name: float(values.mean()) for name, values in self.features.items()}

    @cached_property
    def _parts(self) -> tuple[tuple[_Part, ...], ...]:
        """The terms of each factor with their columns."""
        form = self.form
        found = []
        for factor in form.factors:
            parts = []
            for term in factor:
                scale = None if term.scale is None else form.position(term.scale)
                if term.feature is None or term.exponent is None:
                    parts.append(_Part(scale, None, None))
                    continue
                centred = self.features[term.feature] - self.centres[term.feature]
                parts.append(_Part(scale, form.position(term.exponent), term.sign * centred))
            found.append(tuple(parts))
        return tuple(found)

    # Values

    def shares(self, theta: Array) -> tuple[Array, list[Array]]:
        """Logarithm of the prediction, and the share of each term in its factor.

        Parameters
        ----------
        theta : array, shape (points, parameters)

        Returns
        -------
        log_predicted : array, shape (points, runs)
        shares : list of array, shape (terms, points, runs)
        """
        total: Array = np.zeros((len(theta), self.runs))
        shares = []
        for factor in self._parts:
            logs = np.stack([self._log_term(part, theta) for part in factor])
            top = logs.max(axis=0)
            logs -= top
            np.exp(logs, out=logs)
            whole = logs.sum(axis=0)
            total += top + np.log(whole)
            logs /= whole
            shares.append(logs)
        return total, shares

    def _log_term(self, part: _Part, theta: Array) -> Array:
        log: Array = np.zeros((len(theta), self.runs))
        if part.scale is not None:
            log += theta[:, part.scale, None]
        if part.exponent is not None:
            log += theta[:, part.exponent, None] * part.slope
        return log

    def log_terms(self, theta: Array) -> Array:
        """Logarithm of each term of the first factor, shape (terms, points, runs)."""
        return np.stack([self._log_term(part, theta) for part in self._parts[0]])

    def log_factors(self, theta: Array, start: int) -> Array:
        """Logarithm of the product of the factors from one on, shape (points, runs)."""
        total: Array = np.zeros((len(theta), self.runs))
        for factor in self._parts[start:]:
            total += np.logaddexp.reduce([self._log_term(part, theta) for part in factor], axis=0)
        return total

    def log_predicted(self, theta: Array) -> Array:
        """Logarithm of the prediction, shape (points, runs)."""
        return self.shares(theta)[0]

    def jacobians(self, shares: list[Array]) -> list[Array]:
        """For each factor d(ln factor) / d theta, shape (points, parameters, runs)."""
        found = []
        for factor, share in zip(self._parts, shares, strict=True):
            jacobian = np.zeros((share.shape[1], len(self.form.coefficients), self.runs))
            for part, of_term in zip(factor, share, strict=True):
                if part.scale is not None:
                    jacobian[:, part.scale] += of_term
                if part.exponent is not None:
                    jacobian[:, part.exponent] += of_term * part.slope
            found.append(jacobian)
        return found

    def bend(self, pull: Array, shares: list[Array], jacobians: list[Array]) -> Array:
        """Sum over runs of pull x the second derivatives of ln prediction.

        Of a log-sum-exp these are the covariance of the terms' slopes under their shares.

        Parameters
        ----------
        pull : array, shape (points, runs)
        shares, jacobians
            Of the same points.

        Returns
        -------
        array, shape (points, parameters, parameters)
        """
        points, p = len(pull), len(self.form.coefficients)
        total: Array = np.zeros((points, p, p))
        for factor, share, jacobian in zip(self._parts, shares, jacobians, strict=True):
            for part, of_term in zip(factor, share, strict=True):
                weight = pull * of_term
                s, e = part.scale, part.exponent
                if s is not None:
                    total[:, s, s] += weight.sum(axis=1)
                if e is not None:
                    total[:, e, e] += weight @ (part.slope * part.slope)
                if s is not None and e is not None:
                    mixed = weight @ part.slope
                    total[:, s, e] += mixed
                    total[:, e, s] += mixed
            total -= products(jacobian, pull)
        return total

    # Between theta and coefficients

    @cached_property
    def _shift(self) -> Array:
        """``ln coefficients = theta + shift @ exponents``: takes the centring away again."""
        p = len(self.form.coefficients)
        shift = np.zeros((p, p))
        for term in self.form.terms:
            if term.scale is not None and term.feature and term.exponent is not None:
                at = self.form.position(term.scale), self.form.position(term.exponent)
                shift[at] = -term.sign * self.centres[term.feature]
        return shift

    @cached_property
    def is_scale(self) -> Array:
        """Which parameters are logarithms of scales."""
        return np.array([name in self.form.scales for name in self.form.coefficients])

    def values(self, theta: Array) -> Array:
        """Coefficients as reported, of theta; shape (..., parameters)."""
        raw = theta + theta @ self._shift.T
        return np.where(self.is_scale, np.exp(np.where(self.is_scale, raw, 0.0)), raw)

    def theta(self, values: Array) -> Array:
        """Theta of coefficients as reported; shape (..., parameters)."""
        raw = np.where(self.is_scale, np.log(np.where(self.is_scale, values, 1.0)), values)
        exponents = np.where(self.is_scale, 0.0, raw)
        return np.asarray(raw - exponents @ self._shift.T)

    def values_jacobian(self, theta: Array) -> Array:
        """d(values) / d(theta), shape (parameters, parameters): carries a covariance over."""
        slope = np.eye(len(theta)) + self._shift
        values = self.values(theta)
        return np.where(self.is_scale, values, 1.0)[:, None] * slope
