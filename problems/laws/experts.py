"""Published laws of mixtures of experts.

Each is a function of its coefficients, parameters, tokens and one number about the experts; all but
the coefficients broadcast, and the loss is in nats a token. `objective.law` takes that of
Ludziejewski et al.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from modelsizer.problems.laws.catalogue import Coefficients
from modelsizer.problems.laws.features import Features, Floats
from modelsizer.problems.laws.laws import ANYWHERE, DesignLaw, ParameterKind, Range, TokenLaw
from modelsizer.problems.laws.stack_values import EXPERTS
from modelsizer.problems.records import dataclass


def effective_experts(experts: Floats, start: float, most: float) -> Floats:
    """Saturating number of experts of Clark et al. (2022, arXiv 2202.01169, eq. 1)."""
    shifted = np.subtract(experts, 1) + 1 / (1 / start - 1 / most)
    return 1 / (1 / shifted + 1 / most)


def ludziejewski_loss(c: Coefficients, n: Floats, d: Floats, experts: Floats) -> Floats:
    """Loss of a mixture with one active expert (2025, arXiv 2502.05172, eq. 6).

    Parameters
    ----------
    c : mapping
        ``a``, ``alpha``, ``delta``, ``gamma``, ``b``, ``beta``, ``omega``, ``zeta``, ``c``,
        ``E_start`` and ``E_max``.
    n : array
        Active parameters.
    d : array
        Tokens.
    experts : array
        Number of experts; 1 for a dense model.
    """
    at = _at_experts(c, experts)
    return at.size * np.power(n, at.alpha) + at.data * np.power(d, at.beta) + c["c"]


class _AtExperts(NamedTuple):
    """``size N^alpha + data D^beta``, the reducible loss at given numbers of experts."""

    size: Floats
    alpha: Floats
    data: Floats
    beta: Floats


def _at_experts(c: Coefficients, experts: Floats) -> _AtExperts:
    effective = effective_experts(experts, c["E_start"], c["E_max"])
    ln = np.log(effective)
    return _AtExperts(
        c["a"] * np.power(effective, c["delta"]),
        c["alpha"] + c["gamma"] * ln,
        c["b"] * np.power(effective, c["omega"]),
        c["beta"] + c["zeta"] * ln,
    )


@dataclass(frozen=True)
class LudziejewskiLaw(DesignLaw):
    """The law of Ludziejewski et al. with E the experts over active ones of a design.

    It was fitted with one active expert and none shared. N is all that a token uses.
    """

    name: str
    coefficients: Coefficients
    parameter_kind: ParameterKind = "active"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = "a E'^delta N^(alpha + gamma ln E') + b E'^omega D^(beta + zeta ln E') + c"
    caution: str = ""
    rms: float | None = None
    features = (EXPERTS,)

    @property
    def irreducible(self) -> float:
        """The constant c."""
        return self.coefficients["c"]

    def of(self, features: Features) -> TokenLaw:
        """The law of N and D for designs with these features."""
        return _OfExperts(self, _at_experts(self.coefficients, features[EXPERTS]))

    def loss_of(self, n: Floats, d: Floats, features: Features) -> Floats:
        """Predicted loss in nats a token."""
        return ludziejewski_loss(self.coefficients, n, d, features[EXPERTS])

    def least_of(
        self, n: tuple[Floats, Floats], d: Floats, low: Features, high: Features
    ) -> Floats:
        """Lower bound on the loss at D tokens over boxes of designs.

        Each term is an exponential of an affine function of ln E', so its least is at one end of E;
        it falls with N.
        """
        ends = [_at_experts(self.coefficients, side[EXPERTS]) for side in (low, high)]
        sizes = [at.size * np.power(n[1], at.alpha) for at in ends]
        data = [at.data * np.power(d, at.beta) for at in ends]
        return np.minimum(*sizes) + np.minimum(*data) + self.irreducible


class _OfExperts(TokenLaw):
    """The law at given numbers of experts."""

    def __init__(self, law: LudziejewskiLaw, at: _AtExperts) -> None:
        self.name, self._constant, self._at = law.name, law.irreducible, at

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        at = self._at
        with np.errstate(divide="ignore"):  # no parameters or no tokens: an infinite loss
            found = at.size * np.power(n, at.alpha) + at.data * np.power(d, at.beta)
        return found + self._constant

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """Fewest tokens that reach a loss; infinite if no number does."""
        at = self._at
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            left = np.subtract(loss, self._constant) - at.size * np.power(n, at.alpha)
            tokens = np.power(np.where(left > 0, left, np.nan) / at.data, 1 / at.beta)
        return np.where(left > 0, tokens, np.inf)
