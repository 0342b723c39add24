"""What a form of law is made of: a product of sums of power terms.

Each term is ``coefficient x product of feature ** exponent``. Hoffmann et al. 2022 (arXiv
2203.15556, eq. 10) has two with one feature each; a term may have several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from modelsizer.problems.laws.features import RATIOS, SHAPE_FEATURES
from modelsizer.problems.laws.laws import ParameterKind

Array = np.ndarray[Any, np.dtype[Any]]
FEATURES: Mapping[str, str] = {name: name for name in SHAPE_FEATURES} | {
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
"""Features that are one column over another."""


@dataclass(frozen=True, slots=True)
class Power:
    """A feature to a power.

    Parameters
    ----------
    feature : str
        A column of the runs, or one of ``aspect`` (width / depth), ``ffn_ratio`` (d_ff / width)
        and ``kv_group`` (heads / kv_heads).
    exponent : str
        Name of the exponent.
    sign : int
        -1 where the exponent as reported is that of a denominator.
    """

    feature: str
    exponent: str
    sign: int = -1


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a sum.

    Parameters
    ----------
    scale : str or None
        Name of its coefficient; None where it is 1.
    powers : tuple of Power
        Their product multiplies the coefficient; none for a constant.
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
        As people write it.
    coefficients : tuple of str
        In the order in which they are reported.
    factors : tuple of tuple of Term
        The law is the product of these sums.
    columns : tuple of str
        Columns that a run must have, besides its loss.
    source : str
    family : str
        The form in the file of a law; the name where it is left out.
    negative : frozenset of str
        Exponents that are negative as reported; all others are positive.
    fixed : mapping
        Coefficients that are not fitted, and what they are.
    start : mapping
        Coefficients of which the fit starts, beside its grid.
    any_sign : bool
        Whether exponents that are fitted may take the other sign.
    counts : {"total", "non_embedding", "active"} or None
        What N counts, where the form itself says so.
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

    @property
    def kind(self) -> str:
        """The form as the file of a law names it."""
        return self.family or self.name

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

    def turned(self, values: Mapping[str, float]) -> tuple[str, ...]:
        """Exponents that have the other sign than the form gives them."""
        return tuple(
            name for name in self.exponents if (values[name] < 0) != (name in self.negative)
        )

    @property
    def free(self) -> tuple[str, ...]:
        """Coefficients that are fitted."""
        return tuple(name for name in self.coefficients if name not in self.fixed)

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
                log: Array = np.zeros(1)
                for power in term.powers:
                    exponent = power.sign * values[..., self.position(power.exponent), None]
                    log = log + exponent * features[power.feature]
                part = np.exp(log)
                if term.scale is not None:
                    part = part * values[..., self.position(term.scale), None]
                total = total + part
            product = product * total
        return product


def columns_of(feature: str) -> tuple[str, ...]:
    """The columns that a feature is made of."""
    return _RATIOS.get(feature, (feature,))


def features_of(columns: Mapping[str, Array], form: Form) -> dict[str, Array]:
    """Logarithms of what the terms of a form raise to powers, each of shape (runs,)."""
    found = {name: np.log(np.asarray(columns[name], float)) for name in form.columns}
    for feature in {power.feature for term in form.terms for power in term.powers} - set(found):
        over, under = _RATIOS[feature]
        found[feature] = found[over] - found[under]
    return found
