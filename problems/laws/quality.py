"""Loss of designs: a law of N and D, what it cannot see of an architecture, and a shape law."""

from __future__ import annotations

import numpy as np

from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.features import Features, Floats, Seen, beyond_doubles
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.shapes import ShapeLaw
from modelsizer.problems.records import dataclass

_WIDTH_AND_DEPTH = ("d_model", "layers")


class Judged(TokenLaw):
    """A law of N and D for designs, or a lower bound over boxes of them.

    ``E + (1 + q) (law - E) + added``: an architecture scales what can still be learnt.
    A law below its E, which no sound law is, stays as it is.

    Parameters
    ----------
    law : TokenLaw
    added : array
        Excess of the shape law.
    q : array or None
        Sum of the terms of `modelsizer.problems.laws.ablations`, above -1; None for none.
    irreducible : float
        E.
    """

    def __init__(
        self, law: TokenLaw, added: Floats, q: Floats | None = None, irreducible: float = 0.0
    ) -> None:
        self.name, self._law, self._added = law.name, law, added
        self._q, self._least = q, irreducible

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token; no finite number where doubles overflow."""
        with beyond_doubles():
            loss = self._law.loss(n, d)
            if self._q is not None:
                loss = scaled(loss, self._q, self._least)
            return loss + self._added

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """The least number of tokens that reaches a loss, or infinity where none does."""
        with beyond_doubles():
            target = loss - self._added
            if self._q is not None:
                target = unscaled(target, self._q, self._least)
            return self._law.tokens_for(n, target)


def scaled(loss: Floats, q: Floats, irreducible: Floats) -> Floats:
    """Loss of designs of which a law predicts `loss`; it rises with both, for q above -1."""
    excess = np.subtract(loss, irreducible)
    return np.where(excess > 0, irreducible + (1.0 + q) * excess, loss)


def unscaled(loss: Floats, q: Floats, irreducible: Floats) -> Floats:
    """The inverse of `scaled` in the loss."""
    excess = np.subtract(loss, irreducible)
    return np.where(excess > 0, irreducible + excess / (1.0 + q), loss)


@dataclass(frozen=True, slots=True)
class Quality:
    """Loss by which a problem ranks designs.

    Parameters
    ----------
    law : TokenLaw
    shape : ShapeLaw
    ablations : Ablations or None
        What the law cannot see of an architecture; None to leave it out.
    """

    law: TokenLaw
    shape: ShapeLaw
    ablations: Ablations | None = None

    @property
    def _has_shape(self) -> bool:
        return self.shape.name != "none"

    @property
    def features(self) -> tuple[Seen, ...]:
        """What the loss depends on of a design, besides N and D."""
        seen = _WIDTH_AND_DEPTH if self._has_shape else ()
        judged = () if self.ablations is None else (self.ablations,)
        return tuple(dict.fromkeys((*self.law.features, *seen, *judged)))

    @property
    def name(self) -> str:
        """Name of the law, with that of the shape law if there is one."""
        return self.law.name + (f" + {self.shape.name}" if self._has_shape else "")

    @property
    def prices_shape(self) -> bool:
        """Whether width or depth change the loss at a given N."""
        return self._has_shape or self.law.sees_shape

    @property
    def shape_name(self) -> str:
        """Name of the law that accounts for width and depth."""
        return self.law.name if self.law.sees_shape else self.shape.name

    def of(self, features: Features) -> Judged:
        """Loss of designs as a function of N and D.

        Parameters
        ----------
        features : mapping of array
            Of `features`.
        """
        with beyond_doubles():
            return self._judged(self.law.of(features), self._added(features), features)

    def shape_excess(self, features: Features) -> Floats:
        """Part of the loss that depends on the shape alone, under both laws."""
        with beyond_doubles():
            return self._added(features) + self.law.shape_part(features)

    def _judged(self, law: TokenLaw, added: Floats, features: Features) -> Judged:
        q = None if self.ablations is None else features[self.ablations]
        return Judged(law, added, q, self.law.irreducible)

    def _added(self, features: Features) -> Floats:
        """Excess of the shape law."""
        if not self._has_shape:
            return 0.0
        return self.shape.excess(features["d_model"], features["layers"])

    def over(self, n_low: Floats, n_high: Floats, low: Features, high: Features) -> Judged:
        """Lower bound on the loss over boxes of designs, as a function of the tokens alone.

        Parameters
        ----------
        n_low, n_high : array of shape (B,)
        low, high : mapping of array of shape (B,)
            Of `features`.
        """
        with beyond_doubles():
            law = self.law.over(n_low, n_high, low, high)
            return self._judged(law, self._least_added(low, high), low)

    def over_shapes(self, low: Features, high: Features) -> Judged:
        """Lower bound over boxes as a function of N and D, under a law of these alone.

        Parameters
        ----------
        low, high : mapping of array of shape (B,)
            Of `features`.
        """
        with beyond_doubles():
            return self._judged(self.law, self._least_added(low, high), low)

    def _least_added(self, low: Features, high: Features) -> Floats:
        """Least excess of the shape law over boxes."""
        if not self._has_shape:
            return 0.0
        return self.shape.least_excess(
            low["d_model"], high["d_model"], low["layers"], high["layers"]
        )
