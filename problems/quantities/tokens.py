"""Training tokens of a design."""

from __future__ import annotations

from modelsizer.problems.quantities.quantity import Quantity
from modelsizer.problems.tables.limits import TOKENS

ROWS = (
    Quantity(
        "tokens",
        "tokens",
        "training tokens",
        "tokens",
        axis="training tokens",
        bare=TOKENS,
        example="15T tokens",
    ),
)
