"""``[objective]``: the quantity to optimise, and the laws that predict the loss."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.laws.laws import Experts
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.own_terms import OwnTerms, Setting, read_setting
from modelsizer.problems.quantities.quantity import Inverse, Sense
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.tables import Table, one_of
from modelsizer.problems.typed_tables import Kind
from modelsizer.problems.units import Number, parse_quantity

BUDGET = "budget"
"""Value of `leverage_flops` for the most training FLOPs that the problem allows."""
LAW_KEYS = ("law", "shape", "experts", "leverage_flops", "ablations")
"""Keys that determine the loss of designs."""
_LEAST_FLOPS, _MOST_FLOPS = 1e15, 1e30


def _read_flops(value: object) -> Number | str:
    if value == BUDGET:
        return BUDGET
    try:
        number = parse_quantity(value, "FLOPs")
    except ValueError as error:
        raise ValueError(f'{error}, or "{BUDGET}" for the most training FLOPs allowed') from None
    if not _LEAST_FLOPS <= number <= _MOST_FLOPS:
        raise ValueError(
            f"{short(value)} is out of range; write from {_LEAST_FLOPS:g} to {_MOST_FLOPS:g} "
            f'training FLOPs, or "{BUDGET}" for the most allowed'
        )
    return number


class Objective(Table):
    """``[objective]``.

    Parameters
    ----------
    minimize, maximize : str
        A quantity; only one of the two may be given, ``minimize = "loss"`` by default.
    law, shape : str
        Names of a law and a shape law. The default shape law is `DEFAULT_SHAPE` if the law does
        not depend on width and depth, and none if it does.
    experts : {"tian-2025", "active", "total"}
        What the law counts of a layer of experts: its active parameters times their leverage (see
        `modelsizer.problems.laws.leverage`), these alone, or all parameters.
    leverage_flops : number or "budget"
        Training FLOPs at which the leverage is taken; "budget" for the most that the problem
        allows.
    ablations : {"low", "middle", "high", "none"}, str or OwnTerms
        Reading of what the law cannot see of an architecture; ``"file:PATH"``, or a table, has
        terms of the user's own. See `modelsizer.problems.laws.ablations` and
        `modelsizer.problems.laws.own_terms`.
    """

    minimize: str | None = None
    maximize: str | None = None
    law: str = "besiroglu-2024"
    shape: str | None = None
    experts: Annotated[Experts, one_of("a way to count experts", get_args(Experts))] = "tian-2025"
    leverage_flops: Annotated[int | float | Literal["budget"], Kind(_read_flops)] = (
        DEFAULT_LEVERAGE_FLOPS
    )
    ablations: Annotated[
        Setting,
        Kind(
            read_setting, lambda found: found.to_table() if isinstance(found, OwnTerms) else found
        ),
    ] = "middle"

    def _check(self) -> None:
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
            able = " or ".join(row.senses)
            raise ValueError(f"@.{self.sense} {self.quantity} can be {able}d only")

    @property
    def quantity(self) -> str:
        """Name of the quantity to optimise."""
        return self.maximize or self.minimize or "loss"

    @property
    def sense(self) -> Sense:
        """Whether the quantity is minimised or maximised."""
        return "maximize" if self.maximize is not None else "minimize"
