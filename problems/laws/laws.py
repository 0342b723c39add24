"""Loss laws: the predicted loss of a model of N parameters trained on D tokens.

A law is a small class. A law of N and D alone derives from `TokenLaw` and defines `loss`, which
must not increase in either argument, since the solvers rely on it. A law of further features of a
design derives from `DesignLaw` and also gives a lower bound over a box of designs. Sums of power
terms, `PowerLaw` here and `modelsizer.problems.laws.terms.TermLaw`, have tighter relaxations.
`modelsizer.problems.laws.published` has the published laws.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from modelsizer.problems.laws.features import (
    Features,
    Floats,  # laws and their users take it from here
)
from modelsizer.problems.laws.inverse import fewest_tokens
from modelsizer.problems.laws.stack_values import WINDOW, trained_on
from modelsizer.problems.records import dataclass

ParameterKind = Literal["total", "non_embedding", "active"]
Experts = Literal["tian-2025", "active", "total"]
"""What a layer of experts counts as in N; see `modelsizer.problems.laws.leverage`."""


@dataclass(frozen=True, slots=True)
class PowerTerm:
    """``coefficient`` times a product of ``feature ** exponent``, with features of `FEATURES`.

    In a law's file a term has a `name`, which its errors and draws refer to.
    """

    coefficient: float
    exponents: Mapping[str, float]
    name: str = ""

    def at(self, features: Features, without: Collection[str] = ()) -> Floats:
        """Value of the term; features in `without` are left out of the product."""
        value: Floats = self.coefficient
        for name, exponent in self.exponents.items():
            if name not in without:
                value = value * np.power(features[name], exponent)
        return value


@dataclass(frozen=True, slots=True)
class Range:
    """Range of a fit, both ends inclusive; None for an unknown end."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value is in the range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


ANYWHERE = Range()


class TokenLaw(ABC):
    """Loss in nats a token as a function of parameters and tokens.

    A custom law derives from this class, sets the attributes and defines `loss`, which must not
    increase in either argument, since the proofs rely on it. A law of more features derives from
    `DesignLaw`.
    """

    name: str  # no default: a dataclass that derives from this would inherit it
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = ""
    rms: float | None = None
    """Root mean square of its errors on its runs, nats a token; None if nobody knows."""
    most_epochs: float | None = None
    """Epochs up to which the law holds on repeated data; None if it ignores repeats."""
    caution: str = ""
    """Why comparisons omit the law unless it is named; empty if they include it."""
    experts: Experts | None = None
    """How N counts experts if the law itself says so; None leaves it to ``objective.experts``."""
    features: tuple[str, ...] = ()
    """Features of a design, besides N and D, that the loss depends on."""
    ranges: Mapping[str, Range] = MappingProxyType({})
    """Range of each feature in the fit."""

    @property
    def irreducible(self) -> float:
        """Loss that no model and no data fall below, as the law states it; 0 where it has none."""
        return 0.0

    @property
    def sees_shape(self) -> bool:
        """Whether the loss depends on width or depth, so that no shape law may be added."""
        return not {"layers", "d_model", "aspect_ratio"}.isdisjoint(self.features)

    def of(self, features: Features) -> TokenLaw:  # noqa: ARG002 - for laws that see them
        """The law of N and D for designs with these features."""
        return self

    def over(
        self,
        n_low: Floats,  # noqa: ARG002 - for laws that may rise in N
        n_high: Floats,
        low: Features,  # noqa: ARG002 - for laws that see more
        high: Features,  # noqa: ARG002
    ) -> TokenLaw:
        """Lower bound on the loss over boxes of designs, as a law of D alone.

        Parameters
        ----------
        n_low, n_high : array of shape (B,)
            Least and most parameters of each box.
        low, high : mapping of array of shape (B,)
            Least and greatest value of each of the `features`.
        """
        return AtSize(self, n_high)

    def shape_part(self, features: Features) -> Floats:  # noqa: ARG002
        """Part of the loss that depends on the shape alone, nats a token."""
        return 0.0

    @property
    def shape_part_of(self) -> str:
        """What `shape_part` is of, in a word: ``"shape"``, or ``"architecture"``."""
        return "shape"

    def on_data(self, unique_tokens: float | None) -> TokenLaw:  # noqa: ARG002 - for laws that see it
        """The law for a data set of so many tokens, repeated in longer training; None: no limit."""
        return self

    def on_sequences(self, length: int) -> TokenLaw:  # noqa: ARG002 - for laws that see windows
        """The law for training on sequences of so many tokens, which a full layer attends to."""
        return self

    @abstractmethod
    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss; `n` and `d` broadcast, and `d` may be infinite."""

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """Fewest tokens that reach a loss; infinite if no number does.

        Found by `fewest_tokens`; a law with a closed form should override this method.
        """
        n, loss = np.broadcast_arrays(np.asarray(n, float), np.asarray(loss, float))
        return fewest_tokens(lambda d: self.loss(n, d), loss)


class AtSize(TokenLaw):
    """A law at a given N, as a function of the tokens alone."""

    def __init__(self, law: TokenLaw, n: Floats) -> None:
        self.name, self._law, self._n = law.name, law, n

    def loss(self, n: Floats, d: Floats) -> Floats:  # noqa: ARG002 - given
        """Predicted loss at D tokens."""
        return self._law.loss(self._n, d)

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:  # noqa: ARG002 - given
        """Fewest tokens that reach a loss; infinite if no number does."""
        return self._law.tokens_for(self._n, loss)


class DesignLaw(TokenLaw):
    """A law that depends on further features of a design than its parameters and tokens.

    A custom law derives from this class, lists its `features` and defines two methods. The loss
    must not increase with the tokens. `modelsizer.problems.laws.checks.check_law`, which runs when
    a law is registered, tests the required properties at random designs.

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
        """Lower bound on the loss at D tokens over boxes of designs.

        It must not increase with D. It should converge to the loss as a box shrinks to a single
        design; otherwise the search does not terminate with a proof.

        Parameters
        ----------
        n : tuple of array of shape (B,)
            Least and most parameters.
        d : array
        low, high : mapping of array of shape (B,)
        """

    def loss(self, n: Floats, d: Floats) -> Floats:  # noqa: ARG002 - refused
        """Raise an error, since the loss is undefined without the features.

        Raises
        ------
        TypeError
            Always; `of` gives a law of N and D.
        """
        raise TypeError(f"{self.name} sees {', '.join(self.features)}; ask `of` a design for it")

    def on_sequences(self, length: int) -> TokenLaw:
        """The law for training on sequences of so many tokens, which a full layer attends to."""
        return _OnSequences(self, length) if WINDOW in self.features else self

    def of(self, features: Features) -> TokenLaw:
        """The law of N and D for designs with these features."""
        return _OfDesigns(self, features)

    def over(self, n_low: Floats, n_high: Floats, low: Features, high: Features) -> TokenLaw:
        """Lower bound on the loss over boxes of designs, as a law of D alone."""
        return _OverBoxes(self, (n_low, n_high), low, high)


class _OnSequences(DesignLaw):
    """A law of designs trained on sequences of so many tokens, by the names of `trained_on`."""

    def __init__(self, law: DesignLaw, length: int) -> None:
        self.__dict__ |= {name: getattr(law, name) for name in _DESCRIBED}
        self._law, self._names = law, {trained_on(name, length): name for name in law.features}
        self.features = tuple(self._names)
        self.ranges = {trained_on(name, length): ends for name, ends in law.ranges.items()}

    @property
    def irreducible(self) -> float:
        return self._law.irreducible

    def loss_of(self, n: Floats, d: Floats, features: Features) -> Floats:
        return self._law.loss_of(n, d, self._known(features))

    def least_of(
        self, n: tuple[Floats, Floats], d: Floats, low: Features, high: Features
    ) -> Floats:
        return self._law.least_of(n, d, self._known(low), self._known(high))

    def _known(self, features: Features) -> Features:
        return {name: features[told] for told, name in self._names.items()}


_DESCRIBED = ("name", "parameter_kind", "parameter_range", "token_range", "source", "form",
              "most_epochs", "caution", "experts")  # fmt: skip


class _OfDesigns(TokenLaw):
    """A law of designs at given features."""

    def __init__(self, law: DesignLaw, features: Features) -> None:
        self.name, self._law, self._features = law.name, law, features

    def loss(self, n: Floats, d: Floats) -> Floats:
        return self._law.loss_of(n, d, self._features)


class _OverBoxes(TokenLaw):
    """Lower bound of a law of designs over boxes."""

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
    (2020, arXiv 2001.08361, eq. 1.5) has another, and so has that of Videau et al. (2026, arXiv
    2608.07222). Any positive power falls in N and in D.

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
    experts: Experts | None = None
    rms: float | None = None

    def __post_init__(self) -> None:
        for key in ("A", "alpha", "B", "beta", "outer"):
            value = getattr(self, key)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{key} must be a positive number, got {value!r}")
        if not (math.isfinite(self.E) and self.E >= 0):
            raise ValueError(f"E must be zero or a positive number, got {self.E!r}")

    @property
    def irreducible(self) -> float:
        """The constant E."""
        return self.E

    @property
    def terms(self) -> tuple[PowerTerm, PowerTerm]:
        """The two terms inside the outer power."""
        return (
            PowerTerm(self.A, {"parameters": -self.alpha}),
            PowerTerm(self.B, {"tokens": -self.beta}),
        )

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        # No parameters, no tokens, or numbers beyond doubles: an infinite loss.
        with np.errstate(divide="ignore", over="ignore"):
            inner = self.A * np.power(n, -self.alpha) + self.B * np.power(d, -self.beta)
            return self.E + (inner if self.outer == 1.0 else np.power(inner, self.outer))

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """Fewest tokens that reach a loss, or infinity; arguments broadcast."""
        over = np.maximum(np.subtract(loss, self.E), 0.0)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inner = over if self.outer == 1.0 else np.power(over, 1 / self.outer)
            left = inner - self.A * np.power(n, -self.alpha)
            tokens = np.power(self.B / np.where(left > 0, left, np.nan), 1 / self.beta)
        return np.where(left > 0, tokens, np.inf)
