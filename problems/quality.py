"""The loss of designs: the law and the shape law of a problem, together."""

from __future__ import annotations

from dataclasses import dataclass

from problems.features import Features, Floats
from problems.laws import TokenLaw
from problems.shapes import ShapeLaw

_WIDTH_AND_DEPTH = ("d_model", "layers")


class Judged(TokenLaw):
    """Loss of some designs, or a bound over boxes of them, as a function of N and D.

    Attributes
    ----------
    excess : array
        The part of it that only the shape decides.
    """

    def __init__(self, law: TokenLaw, added: Floats, excess: Floats) -> None:
        self.name, self._law, self._added, self.excess = law.name, law, added, excess

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        return self._law.loss(n, d) + self._added

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """The least number of tokens that reaches a loss, or infinity where none does."""
        return self._law.tokens_for(n, loss - self._added)


@dataclass(frozen=True, slots=True)
class Quality:
    """What a problem takes a design to be worth: the law's loss and the shape law's excess.

    Parameters
    ----------
    law : TokenLaw
    shape : ShapeLaw
    """

    law: TokenLaw
    shape: ShapeLaw

    @property
    def features(self) -> tuple[str, ...]:
        """What it must know of a design besides N and D."""
        seen = _WIDTH_AND_DEPTH if self.shape.terms != () else ()
        return tuple(dict.fromkeys((*self.law.features, *seen)))

    @property
    def name(self) -> str:
        """The law, and the shape law where there is one."""
        return self.law.name + (f" + {self.shape.name}" if self.shape.name != "none" else "")

    @property
    def prices_shape(self) -> bool:
        """Whether width or depth matter beyond N."""
        return self.shape.name != "none" or self.law.sees_shape

    @property
    def shape_name(self) -> str:
        """The law that prices width and depth, or none."""
        return self.law.name if self.law.sees_shape else self.shape.name

    def of(self, features: Features) -> Judged:
        """The loss of designs.

        Parameters
        ----------
        features : mapping of array
            Of `features`.
        """
        added: Floats = 0.0
        if self.shape.terms != ():
            added = self.shape.excess(features["d_model"], features["layers"])
        own = self.law.shape_part(features)
        return Judged(self.law.of(features), added, added + own)

    def over(self, n_low: Floats, n_high: Floats, low: Features, high: Features) -> Judged:
        """A loss, of the tokens alone, that no design of boxes is below.

        Parameters
        ----------
        n_low, n_high : array of shape (B,)
        low, high : mapping of array of shape (B,)
            Of `features`.
        """
        added: Floats = 0.0
        if self.shape.terms != ():
            added = self.shape.least_excess(
                low["d_model"], high["d_model"], low["layers"], high["layers"]
            )
        return Judged(self.law.over(n_low, n_high, low, high), added, added)
