"""Loss laws: what a model of N parameters trained on D tokens is predicted to reach.

A law is a small class with `loss`. If it can also write itself as power terms, the solvers
relax it tightly; otherwise they use only that loss falls in N and in D, which every law
must honour. `problems.token_laws` has the published ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Floats = Any
"""A float, or a float64 array; laws work on both alike."""

ParameterKind = Literal["total", "non_embedding", "active"]
LARGEST_LN_TOKENS = 200.0  # e^200 tokens are more than any budget pays for
_BISECTIONS = 64  # halves 200 to below the spacing of doubles

Feature = Literal["parameters", "tokens", "layers", "d_model"]


@dataclass(frozen=True, slots=True)
class PowerTerm:
    """``coefficient`` x product of ``feature ** exponent``."""

    coefficient: float
    exponents: Mapping[Feature, float]


@dataclass(frozen=True, slots=True)
class Range:
    """Where a law was fitted, inclusive; None where there is no end."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


ANYWHERE = Range()


class TokenLaw(ABC):
    """Loss in nats a token as a function of parameters and tokens.

    A user's own law derives from this, sets the attributes and defines `loss`, which must not
    rise in either argument: the proofs stand on that.
    """

    name: str  # no default: a dataclass that derives from this would inherit it
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = ""
    most_epochs: float | None = None
    """Repeats of the data up to which it was seen to hold; None where it is blind to repeats."""

    def on_data(self, unique_tokens: float | None) -> TokenLaw:  # noqa: ARG002 - for laws that see it
        """The law for data of so many tokens, repeated where more are trained on; None: no end."""
        return self

    @abstractmethod
    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss; `n` and `d` broadcast, and `d` may be infinite."""

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """The least number of tokens that reaches a loss, or infinity where none does.

        Bisection on ln D between adjacent doubles; a law with a closed form should override it.
        """
        n, loss = np.broadcast_arrays(np.asarray(n, float), np.asarray(loss, float))
        low, high = np.zeros(n.shape), np.full(n.shape, LARGEST_LN_TOKENS)
        reached = self.loss(n, np.exp(high)) <= loss
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            enough = self.loss(n, np.exp(middle)) <= loss
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.where(reached, np.exp(high), np.inf)


@dataclass(frozen=True)
class PowerLaw(TokenLaw):
    """``E + (A / N^alpha + B / D^beta) ^ outer``.

    ``outer = 1`` is Chinchilla's form (Hoffmann et al. 2022, arXiv 2203.15556, eq. 10); Kaplan's
    (2020, arXiv 2001.08361, eq. 1.5) has another.

    Raises
    ------
    ValueError
        If a coefficient is not positive and finite (E may be 0).
    """

    name: str
    E: float
    A: float
    alpha: float
    B: float
    beta: float
    outer: float = 1.0
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = "E + A/N^alpha + B/D^beta"

    def __post_init__(self) -> None:
        for key in ("A", "alpha", "B", "beta", "outer"):
            value = getattr(self, key)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{key} must be a positive number, got {value!r}")
        if not (math.isfinite(self.E) and self.E >= 0):
            raise ValueError(f"E must be zero or a positive number, got {self.E!r}")

    @property
    def terms(self) -> tuple[PowerTerm, PowerTerm]:
        """The two terms inside the outer power."""
        return (
            PowerTerm(self.A, {"parameters": -self.alpha}),
            PowerTerm(self.B, {"tokens": -self.beta}),
        )

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        with np.errstate(divide="ignore"):  # no parameters or no tokens: an infinite loss
            inner = self.A * np.power(n, -self.alpha) + self.B * np.power(d, -self.beta)
        return self.E + (inner if self.outer == 1.0 else np.power(inner, self.outer))

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """The least number of tokens that reaches a loss, or infinity; arguments broadcast."""
        over = np.maximum(np.subtract(loss, self.E), 0.0)
        inner = over if self.outer == 1.0 else np.power(over, 1 / self.outer)
        left = inner - self.A * np.power(n, -self.alpha)
        with np.errstate(divide="ignore", over="ignore"):
            tokens = np.power(self.B / np.where(left > 0, left, np.nan), 1 / self.beta)
        return np.where(left > 0, tokens, np.inf)
