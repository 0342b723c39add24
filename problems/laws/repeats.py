"""A law that knows repeated data: each epoch is worth less than the one before.

Muennighoff et al. 2023, arXiv 2305.16264, eq. 17. Of D tokens U are unique, ``U = min(D, data)``.
Repeats decay: ``D' = U + U R* (1 - exp(-R / R*))`` with ``R = D / U - 1``. Parameters beyond those
that U unique tokens ask for decay likewise, and ``loss = E + A / N'^alpha + B / D'^alpha``. It
never rises in N or D, as every law here must not; the paper sees more harm than that far beyond
the epochs that it was fitted on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, ParameterKind, Range, TokenLaw


@dataclass(frozen=True)
class RepeatedDataLaw(TokenLaw):
    """The law for data of `unique` tokens.

    Parameters
    ----------
    name : str
    E, A, B, alpha : float
        One exponent for both terms.
    repeated_data, repeated_parameters : float
        R* of the tokens and of the parameters: how soon repeats lose their worth.
    unique : float
        Tokens of the data; infinite where nothing repeats.
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
    most_epochs: float | None = None

    def on_data(self, unique_tokens: float | None) -> TokenLaw:
        """The law for data of so many tokens."""
        return self if unique_tokens is None else replace(self, unique=float(unique_tokens))

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        unique = np.minimum(d, self.unique)
        data = _decayed(d, unique, self.repeated_data)
        # Parameters that so many unique tokens are best spent on; both exponents are one.
        share = (self.A / self.B) ** (1 / (2 * self.alpha))
        useful = np.minimum(n, unique * share * share)
        size = _decayed(n, useful, self.repeated_parameters)
        with np.errstate(divide="ignore"):  # no parameters or no tokens: an infinite loss
            return (
                self.E + self.A * np.power(size, -self.alpha) + self.B * np.power(data, -self.alpha)
            )


def _decayed(amount: Floats, unique: Floats, rate: float) -> Floats:
    """What an amount is worth of which only a part is unique."""
    with np.errstate(invalid="ignore", divide="ignore"):
        repeats = np.where(np.greater(amount, unique), np.divide(amount, unique) - 1.0, 0.0)
        worth = unique * (1.0 + rate * -np.expm1(-repeats / rate))
    return np.where(np.greater(unique, 0), worth, 0.0)
