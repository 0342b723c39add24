"""Loss laws: what a model of N parameters trained on D tokens is predicted to reach.

A law is a small class. One of N and D alone derives from `TokenLaw` and defines `loss`; the solvers
then use only that loss falls in both, which it must honour. One that sees more of a design derives
from `DesignLaw` and says what it is at least over a box of designs. Sums of power terms, `PowerLaw`
here and `modelsizer.problems.laws.terms.TermLaw`, are relaxed more tightly.
`modelsizer.problems.laws.published` has the published ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from modelsizer.problems.laws.features import (
    Features,
    Floats,  # laws and their users take it from here
)

ParameterKind = Literal["total", "non_embedding", "active"]
LARGEST_LN_TOKENS = 200.0  # e^200 tokens are more than any budget pays for
_BISECTIONS = 64  # halves 200 to below the spacing of doubles


@dataclass(frozen=True, slots=True)
class PowerTerm:
    """``coefficient`` x product of ``feature ** exponent``, features being `features.FEATURES`.

    A term of a law's file has a `name`, by which its errors and draws are known.
    """

    coefficient: float
    exponents: Mapping[str, float]
    name: str = ""

    def at(self, features: Features, without: Collection[str] = ()) -> Floats:
        """Its value, of all its features or without some of them."""
        value: Floats = self.coefficient
        for name, exponent in self.exponents.items():
            if name not in without:
                value = value * np.power(features[name], exponent)
        return value


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
    rise in either argument: the proofs stand on that. One that sees more derives from `DesignLaw`.
    """

    name: str  # no default: a dataclass that derives from this would inherit it
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = ""
    most_epochs: float | None = None
    """Repeats of the data up to which it was seen to hold; None where it is blind to repeats."""
    caution: str = ""
    """Why it is not among the laws that are compared unless it is named; empty if it is."""
    features: tuple[str, ...] = ()
    """What it sees of a design besides N and D."""
    ranges: Mapping[str, Range] = MappingProxyType({})
    """Where other features were in its data."""

    @property
    def sees_shape(self) -> bool:
        """Whether it prices width or depth itself, so that no shape law may be added to it."""
        return not {"layers", "d_model", "aspect_ratio"}.isdisjoint(self.features)

    def of(self, features: Features) -> TokenLaw:  # noqa: ARG002 - for laws that see them
        """The law of N and D for designs of these features."""
        return self

    def over(
        self,
        n_low: Floats,  # noqa: ARG002 - for laws that may rise in N
        n_high: Floats,
        low: Features,  # noqa: ARG002 - for laws that see more
        high: Features,  # noqa: ARG002
    ) -> TokenLaw:
        """A law of D alone that is not above this one anywhere in boxes of designs.

        Parameters
        ----------
        n_low, n_high : array of shape (B,)
            Parameters.
        low, high : mapping of array of shape (B,)
            Of the law's `features`.
        """
        return AtSize(self, n_high)

    def shape_part(self, features: Features) -> Floats:  # noqa: ARG002
        """The part of the loss that only the shape decides, nats a token."""
        return 0.0

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


class AtSize(TokenLaw):
    """A law with its parameters given: of the tokens alone."""

    def __init__(self, law: TokenLaw, n: Floats) -> None:
        self.name, self._law, self._n = law.name, law, n

    def loss(self, n: Floats, d: Floats) -> Floats:  # noqa: ARG002 - given
        """Predicted loss at these tokens."""
        return self._law.loss(self._n, d)

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:  # noqa: ARG002 - given
        """The least number of tokens that reaches a loss."""
        return self._law.tokens_for(self._n, loss)


class DesignLaw(TokenLaw):
    """A law that sees more of a design than its parameters and tokens.

    A user's own law derives from this, names what it sees in `features` and defines three methods.
    The loss must not rise with the tokens. `modelsizer.problems.laws.checks.check_law` tries all
    that a law promises at random and is asked before a law is registered.

    Examples
    --------
    >>> class Ratio(DesignLaw):
    ...     name, features = "ratio", ("ffn_ratio",)
    ...
    ...     def loss_of(self, n, d, features):
    ...         r = features["ffn_ratio"]
    ...         return 1.8 + 480 / n**0.35 + 2000 / d**0.37 + 0.01 * (r / 3 + 3 / r - 2)
    ...
    ...     def least_of(self, n, d, low, high):
    ...         r = np.clip(3.0, low["ffn_ratio"], high["ffn_ratio"])
    ...         return self.loss_of(n[1], d, {"ffn_ratio": r})
    """

    @abstractmethod
    def loss_of(self, n: Floats, d: Floats, features: Features) -> Floats:
        """Predicted loss of designs; everything broadcasts, and `d` may be infinite."""

    @abstractmethod
    def least_of(
        self, n: tuple[Floats, Floats], d: Floats, low: Features, high: Features
    ) -> Floats:
        """A loss that no design of a box is below at D tokens, and that no more tokens raise.

        It should close in on the loss as the box shrinks to a design: proofs end only then.

        Parameters
        ----------
        n : tuple of array of shape (B,)
            Least and most parameters.
        d : array
        low, high : mapping of array of shape (B,)
        """

    def loss(self, n: Floats, d: Floats) -> Floats:  # noqa: ARG002 - refused
        """Not defined without a shape.

        Raises
        ------
        TypeError
            Always; `of` gives a law of N and D.
        """
        raise TypeError(f"{self.name} sees {', '.join(self.features)}; ask `of` a design for it")

    def of(self, features: Features) -> TokenLaw:
        """The law of N and D for designs of these features."""
        return _OfDesigns(self, features)

    def over(self, n_low: Floats, n_high: Floats, low: Features, high: Features) -> TokenLaw:
        """A law of D alone that is not above this one anywhere in boxes of designs."""
        return _OverBoxes(self, (n_low, n_high), low, high)


class _OfDesigns(TokenLaw):
    """A law that sees more, its features given."""

    def __init__(self, law: DesignLaw, features: Features) -> None:
        self.name, self._law, self._features = law.name, law, features

    def loss(self, n: Floats, d: Floats) -> Floats:
        return self._law.loss_of(n, d, self._features)


class _OverBoxes(TokenLaw):
    """What a law that sees more is at least over boxes."""

    def __init__(
        self, law: DesignLaw, n: tuple[Floats, Floats], low: Features, high: Features
    ) -> None:
        self.name, self._law, self._n, self._low, self._high = law.name, law, n, low, high

    def loss(self, n: Floats, d: Floats) -> Floats:  # noqa: ARG002 - of the box
        return self._law.least_of(self._n, d, self._low, self._high)

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        shape = np.broadcast_shapes(np.shape(self._n[1]), np.shape(n), np.shape(loss))
        return super().tokens_for(np.broadcast_to(n, shape), loss)


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
    caution: str = ""

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
