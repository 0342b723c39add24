"""Bytes per weight, by part of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from modelsizer.problems.records import dataclass

PARTS = ("attention", "ffn", "experts", "router", "embedding", "head", "other")
"""Parts that may have a format of their own: matrices of the token mixers; of dense feed-forwards
and shared experts; of routed experts; of routers; the embedding; an untied output head; and
everything else (normalisations, biases)."""
_NEAREST = {
    "ffn": "experts", "experts": "ffn", "attention": "ffn", "head": "embedding", "router": "other",
}  # fmt: skip
"""Part that a model does not have -> the one whose bytes stand for it."""


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """Bytes per weight of each of `PARTS`, including scales and zero points.

    Parameters
    ----------
    attention, ffn, experts, router, embedding, head, other : Fraction
    """

    attention: Fraction
    ffn: Fraction
    experts: Fraction
    router: Fraction
    embedding: Fraction
    head: Fraction
    other: Fraction

    @classmethod
    def of(cls, matrix: Fraction, embedding: Fraction, other: Fraction) -> WeightFormat:
        """Bytes of all matrices, of embedding and head, and of the rest, routers too."""
        return cls(matrix, matrix, matrix, other, embedding, embedding, other)

    @classmethod
    def all(cls, each: Fraction) -> WeightFormat:
        """One number of bytes for all weights."""
        return cls.of(each, each, each)

    @classmethod
    def of_parts(cls, known: Mapping[str, Fraction], usual: Fraction) -> WeightFormat:
        """Bytes of the parts of a model; one that it does not have is told as the nearest it has.

        Parameters
        ----------
        known : mapping of str to Fraction
            Bytes per weight of each part that the model has.
        usual : Fraction
            Those of a part that has no near one either.
        """
        return cls(
            **{part: known.get(part, known.get(_NEAREST.get(part, ""), usual)) for part in PARTS}
        )

    def __str__(self) -> str:
        return self.words()

    def words(self, parts: Collection[str] = PARTS) -> str:
        """Bits per weight of some parts: ``4.25 bits in experts; 16 bits in attention, head``."""
        found: dict[str, list[str]] = {}
        for part, each in self.to_dict().items():
            if part in parts:
                found.setdefault(f"{float(8 * each):.4g} bits", []).append(part)
        if len(found) == 1:
            return next(iter(found))
        return "; ".join(f"{bits} in {', '.join(own)}" for bits, own in found.items())

    def to_dict(self) -> dict[str, Fraction]:
        """Bytes per weight by part."""
        return {part: getattr(self, part) for part in PARTS}

    @property
    def smallest(self) -> Fraction:
        """Bytes of the smallest weight of any part."""
        return min(self.to_dict().values())

    @property
    def matrix(self) -> Fraction:
        """Bytes of the matrices of the layers that are smallest: those quantised, if any are."""
        return min(self.attention, self.ffn, self.experts)
