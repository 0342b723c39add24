"""Training FLOPs: tokens x FLOPs per token."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.quantities.quantity import OfFlops, Quantity

ONE = Fraction(1)

ROWS = (
    Quantity(
        "training_flops",
        "FLOPs",
        "tokens x training FLOPs of each",
        OfFlops(lambda _: ONE, reads=()),
        axis="training FLOPs",
    ),
)
