"""``[objective]``: the quantity to optimise, and the laws that predict the loss."""

from __future__ import annotations

from pydantic import model_validator

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.quantities.quantity import Inverse, Sense
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.tables import Table


class Objective(Table):
    """``[objective]``.

    Parameters
    ----------
    minimize, maximize : str
        A quantity; only one of the two may be given, ``minimize = "loss"`` by default.
    law, shape : str
        Names of a law and a shape law. The default shape law is `DEFAULT_SHAPE` if the law does
        not depend on width and depth, and none if it does.
    """

    minimize: str | None = None
    maximize: str | None = None
    law: str = "besiroglu-2024"
    shape: str | None = None

    @model_validator(mode="after")
    def _sought(self) -> Objective:
        if self.minimize is not None and self.maximize is not None:
            raise ValueError("give minimize or maximize, not both")
        if self.quantity not in QUANTITIES:
            hint = did_you_mean(self.quantity, QUANTITIES)
            raise ValueError(
                f"@.{self.sense} unknown quantity {short(self.quantity)}{hint}; "
                f"known: {', '.join(QUANTITIES)}"
            )
        row = QUANTITIES[self.quantity]
        if isinstance(row.how, Inverse):
            of, numerator = row.how.of, row.how.numerator_key
            raise ValueError(
                f"@.{self.sense} minimize {of}: {self.quantity} is {numerator} over it"
            )
        if self.sense not in row.senses:
            raise ValueError(f"@.{self.sense} {self.quantity} can be minimized only")
        return self

    @property
    def quantity(self) -> str:
        """Name of the quantity to optimise."""
        return self.maximize or self.minimize or "loss"

    @property
    def sense(self) -> Sense:
        """Whether the quantity is minimised or maximised."""
        return "maximize" if self.maximize is not None else "minimize"
