"""Building blocks of a form of law: products of sums of power terms.

Each term is ``coefficient x product of feature ** exponent``. Hoffmann et al. 2022 (arXiv
2203.15556, eq. 10) has two terms with one feature each; a term may have several features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import numpy as np

from modelsizer.problems.laws.features import RATIOS, SHAPE_FEATURES
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.laws.stack_values import OWN
from modelsizer.problems.records import dataclass

Array = np.ndarray[Any, np.dtype[Any]]
FEATURES: Mapping[str, str] = {name: name for name in (*SHAPE_FEATURES, *OWN)} | {
    "parameters": "N",
    "tokens": "D",
    "layers": "depth",
    "d_model": "width",
    "aspect_ratio": "aspect",
}
"""What a law's file may raise to a power, and what the fit calls it."""
_RATIOS = {
    FEATURES[name]: (FEATURES[over], FEATURES[under]) for name, (over, under) in RATIOS.items()
}
"""Features that are ratios of two columns."""


@dataclass(frozen=True, slots=True)
class Power:
    """A feature raised to a power.

    Parameters
    ----------
    feature : str
        A column of the runs, or one of ``aspect`` (width / depth), ``ffn_ratio`` (d_ff / width)
        and ``kv_group`` (heads / kv_heads).
    exponent : str
        Name of the exponent.
    sign : int
        -1 if the reported exponent is that of a denominator.
    """

    feature: str
    exponent: str
    sign: int = -1


@dataclass(frozen=True, slots=True)
class Term:
    """A term in a sum.

    Parameters
    ----------
    scale : str or None
        Name of the coefficient; None if it is 1.
    powers : tuple of Power
        Powers whose product multiplies the coefficient; empty for a constant.
    """

    scale: str | None
    powers: tuple[Power, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form of law.

    Parameters
    ----------
    name : str
    text : str
        The formula as usually written.
    coefficients : tuple of str
        Names of the coefficients in the order reported.
    factors : tuple of tuple of Term
        The law is the product of these sums.
    columns : tuple of str
        Columns that a run must have, besides its loss.
    source : str
    family : str
        Name of the form in a law's file; `name` by default.
    negative : frozenset of str
        Exponents reported as negative; all others are positive.
    fixed : mapping
        Values of the coefficients that are held fixed.
    start : mapping
        Starting values of coefficients, in addition to the grid.
    any_sign : bool
        Whether fitted exponents may take the opposite sign.
    counts : {"total", "non_embedding", "active"} or None
        Parameters that N counts, if the form itself defines them.
    outer : str
        Name of the power to which the first sum, but for its constant, is raised; empty for none.
    """

    name: str
    text: str
    coefficients: tuple[str, ...]
    factors: tuple[tuple[Term, ...], ...]
    columns: tuple[str, ...]
    source: str
    family: str = ""
    negative: frozenset[str] = frozenset()
    fixed: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    any_sign: bool = False
    counts: ParameterKind | None = None
    outer: str = ""

    @property
    def kind(self) -> str:
        """Name of the form in a law's file."""
        return self.family or self.name

    @property
    def terms(self) -> tuple[Term, ...]:
        """Terms of all factors."""
        return tuple(term for factor in self.factors for term in factor)

    @property
    def scales(self) -> tuple[str, ...]:
        """Multiplicative coefficients; the others are exponents."""
        found = {term.scale for term in self.terms}
        return tuple(name for name in self.coefficients if name in found)

    @property
    def exponents(self) -> tuple[str, ...]:
        """Coefficients that are exponents of features."""
        return tuple(n for n in self.coefficients if n not in (*self.scales, self.outer))

    def turned(self, values: Mapping[str, float]) -> tuple[str, ...]:
        """Exponents whose sign is opposite to the form's."""
        return tuple(
            name for name in self.exponents if (values[name] < 0) != (name in self.negative)
        )

    @property
    def free(self) -> tuple[str, ...]:
        """Coefficients that are fitted."""
        return tuple(name for name in self.coefficients if name not in self.fixed)

    def position(self, name: str) -> int:
        """Position of a coefficient."""
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
        for i, factor in enumerate(self.factors):
            total: Array = np.zeros(1)
            constant: Array = np.zeros(1)
            for term in factor:
                log: Array = np.zeros(1)
                for power in term.powers:
                    exponent = power.sign * values[..., self.position(power.exponent), None]
                    log = log + exponent * features[power.feature]
                part = np.exp(log)
                if term.scale is not None:
                    part = part * values[..., self.position(term.scale), None]
                if term.powers:
                    total = total + part
                else:
                    constant = constant + part
            if self.outer and i == 0:
                total = total ** values[..., self.position(self.outer), None]
            product = product * (constant + total)
        return product


def columns_of(feature: str) -> tuple[str, ...]:
    """Columns that define a feature."""
    return _RATIOS.get(feature, (feature,))


def features_of(columns: Mapping[str, Array], form: Form) -> dict[str, Array]:
    """Logarithms of the features of a form, each of shape (runs,)."""
    found = {name: np.log(np.asarray(columns[name], float)) for name in form.columns}
    for feature in {power.feature for term in form.terms for power in term.powers} - set(found):
        over, under = _RATIOS[feature]
        found[feature] = found[over] - found[under]
    return found
