"""Loss predicted by a law."""

from __future__ import annotations

from modelsizer.problems.quantities.quantity import Quantity

ROWS = (
    Quantity(
        "loss",
        "nats",
        "predicted loss, nats a token",
        "loss",
        axis="predicted loss (nats per token)",
        example=2.0,
    ),
)
