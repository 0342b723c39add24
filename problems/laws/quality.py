"""Loss of designs under the law and the shape law of a problem together."""

from __future__ import annotations

from dataclasses import dataclass

from modelsizer.problems.laws.features import Features, Floats, beyond_doubles
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.shapes import ShapeLaw

_WIDTH_AND_DEPTH = ("d_model", "layers")


class Judged(TokenLaw):
    """A law of N and D plus an excess: the loss of designs, or a lower bound over boxes of them."""

    def __init__(self, law: TokenLaw, added: Floats) -> None:
        self.name, self._law, self._added = law.name, law, added

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token; no finite number where doubles overflow."""
        with beyond_doubles():
            return self._law.loss(n, d) + self._added

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """The least number of tokens that reaches a loss, or infinity where none does."""
        with beyond_doubles():
            return self._law.tokens_for(n, loss - self._added)


@dataclass(frozen=True, slots=True)
class Quality:
    """Loss by which a problem ranks designs: that of the law plus the excess of the shape law.

    Parameters
    ----------
    law : TokenLaw
    shape : ShapeLaw
    """

    law: TokenLaw
    shape: ShapeLaw

    @property
    def _has_shape(self) -> bool:
        return self.shape.name != "none"

    @property
    def features(self) -> tuple[str, ...]:
        """Features of a design, besides N and D, that the loss depends on."""
        seen = _WIDTH_AND_DEPTH if self._has_shape else ()
        return tuple(dict.fromkeys((*self.law.features, *seen)))

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
            return Judged(self.law.of(features), self._added(features))

    def shape_excess(self, features: Features) -> Floats:
        """Part of the loss that depends on the shape alone, under both laws."""
        with beyond_doubles():
            return self._added(features) + self.law.shape_part(features)

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
        added: Floats = 0.0
        with beyond_doubles():
            if self._has_shape:
                added = self.shape.least_excess(
                    low["d_model"], high["d_model"], low["layers"], high["layers"]
                )
            return Judged(self.law.over(n_low, n_high, low, high), added)
