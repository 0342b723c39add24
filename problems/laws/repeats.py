"""Loss law for repeated data, in which each epoch is worth less than the one before.

Muennighoff et al. 2023, arXiv 2305.16264, eq. 17. Of D tokens, ``U = min(D, data)`` are unique. The
value of repeats decays: ``D' = U + U R* (1 - exp(-R / R*))`` with ``R = D / U - 1``. Parameters in
excess of the best number for U unique tokens decay in the same way, and
``loss = E + A / N'^alpha + B / D'^alpha``. The loss never increases in N or D, as required of every
law here, although the paper observes that it does far beyond the epochs of the fit.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, ParameterKind, Range, TokenLaw
from modelsizer.problems.records import dataclass


@dataclass(frozen=True)
class RepeatedDataLaw(TokenLaw):
    """Law for a data set of `unique` tokens.

    Parameters
    ----------
    name : str
    E, A, B, alpha : float
        Coefficients; both terms have the same exponent.
    repeated_data, repeated_parameters : float
        R* of the tokens and of the parameters, the scale of the decay.
    unique : float
        Tokens in the data set; infinite if none is repeated.
    """

    name: str
    E: float
    A: float
    B: float
    alpha: float
    repeated_data: float
    repeated_parameters: float
    unique: float = math.inf
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = "E + A/N'^alpha + B/D'^alpha"
    caution: str = ""
    rms: float | None = None
    most_epochs: float | None = None

    @property
    def irreducible(self) -> float:
        """The constant E."""
        return self.E

    def on_data(self, unique_tokens: float | None) -> TokenLaw:
        """The law for a data set of a given number of tokens."""
        return self if unique_tokens is None else replace(self, unique=float(unique_tokens))

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        unique = np.minimum(d, self.unique)
        data = _decayed(d, unique, self.repeated_data)
        # Best number of parameters for these unique tokens; both exponents are the same.
        share = (self.A / self.B) ** (1 / (2 * self.alpha))
        useful = np.minimum(n, unique * share * share)
        size = _decayed(n, useful, self.repeated_parameters)
        with np.errstate(divide="ignore"):  # no parameters or no tokens: an infinite loss
            return (
                self.E + self.A * np.power(size, -self.alpha) + self.B * np.power(data, -self.alpha)
            )


def _decayed(amount: Floats, unique: Floats, rate: float) -> Floats:
    """Effective amount if only a part of it is unique."""
    with np.errstate(invalid="ignore", divide="ignore"):
        repeats = np.where(np.greater(amount, unique), np.divide(amount, unique) - 1.0, 0.0)
        worth = unique * (1.0 + rate * -np.expm1(-repeats / rate))
    return np.where(np.greater(unique, 0), worth, 0.0)
