"""FLOPs of training: tokens x those of each."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.quantities.quantity import OfFlops, Quantity

ROWS = (
    Quantity(
        "training_flops",
        "FLOPs",
        "tokens x training FLOPs for each",
        OfFlops(lambda _: Fraction(1), reads=()),
        axis="training FLOPs",
    ),
)
