"""Training FLOPs: tokens x FLOPs per token."""

from __future__ import annotations

import math
from fractions import Fraction

from modelsizer.problems.quantities.quantity import OfFlops, Quantity
from modelsizer.problems.tables.limits import Bare

ONE = Fraction(1)
MANY_FLOPS = Bare(((10, "{}e24"), (40, "1e{}"), (math.inf, "{} PFLOPs")), least=1e12)
"""The FLOPs of a training run: a million tokens of a model of 200,000 parameters take 1e12."""

ROWS = (
    Quantity(
        "training_flops",
        "FLOPs",
        "tokens x training FLOPs of each",
        OfFlops(lambda _: ONE, reads=()),
        axis="training FLOPs",
        bare=MANY_FLOPS,
        example=1e24,
    ),
)
