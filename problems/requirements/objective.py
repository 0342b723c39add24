"""``[objective]``: the quantity to optimise, and the laws that predict the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, get_args

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.laws.laws import Experts
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.own_terms import OwnTerms, Setting, read_setting, setting_schema
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.laws.reading import PREFIX
from modelsizer.problems.laws.shapes import SHAPE_LAWS
from modelsizer.problems.quantities.quantity import Inverse, Sense
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.tables import Table, one_of
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import Number, parse_quantity
from modelsizer.problems.value_forms import Amount, AnyOf, OneOf, Special, Text, Within

BUDGET = "budget"
"""Value of `leverage_flops` for the most training FLOPs that the problem allows."""
LAW_KEYS = ("law", "shape", "experts", "leverage_flops", "ablations")
"""Keys that determine the loss of designs."""
_FLOPS_RANGE = Within(least=1e15, most=1e30)
_FLOPS = AnyOf(
    "FLOPs", BUDGET, (Amount(dimension="FLOPs", range=_FLOPS_RANGE), Text(pattern=f"^{BUDGET}$"))
)


def _read_flops(value: object) -> Number | str:
    if value == BUDGET:
        return BUDGET
    try:
        number = parse_quantity(value, "FLOPs")
    except ValueError as error:
        raise ValueError(f'{error}, or "{BUDGET}" for the most training FLOPs allowed') from None
    if not _FLOPS_RANGE.holds(number):
        raise ValueError(
            f"{short(value)} is out of range; write from {_FLOPS_RANGE.least:g} to "
            f"{_FLOPS_RANGE.most:g} "
            f'training FLOPs, or "{BUDGET}" for the most allowed'
        )
    return number


def _write_setting(found: Setting) -> object:
    return found.to_table() if isinstance(found, OwnTerms) else found


def _able(sense: Sense) -> Callable[[], list[str]]:
    return lambda: [name for name, row in QUANTITIES.items() if sense in row.senses]


LAW = AnyOf(forms=(OneOf(known=lambda: TOKEN_LAWS), Text(pattern=f"^{PREFIX}.")))
"""A law where the problem has none of its own, whose names may be any text."""
_ANY_LAW = AnyOf(example="hoffmann-2022", forms=(LAW, Text()))


class Objective(Table):
    """``[objective]``.

    Parameters
    ----------
    minimize, maximize : str
        The quantity that is to be least (`minimize`) or largest (`maximize`); only one of the two
        may be given, ``minimize = "loss"`` by default.
    law : str
        Law of the loss: a name that `modelsizer laws` lists, ``"file:PATH"``, or a table of [laws].
    shape : str
        Law of the shape; by default gemstones-2025 if the law does not depend on width and depth,
        and none if it does.
    experts : {"tian-2025", "active", "total"}
        What the law counts of a layer of experts: its active parameters times their leverage
        ("tian-2025", arXiv 2507.17702), these alone, or all parameters.
    leverage_flops : number or "budget"
        Training FLOPs at which the leverage is taken; "budget" for the most that the problem
        allows.
    ablations : {"low", "middle", "high", "none"}, str or OwnTerms
        End of the bands of published ablations at which choices are priced that the law cannot see,
        such as few kv heads or windows; ``"file:PATH"``, or a table, has terms of your own.
    """

    minimize: Annotated[str | None, Kind(form=OneOf("", "loss", _able("minimize")))] = None
    maximize: Annotated[str | None, Kind(form=OneOf("", "tokens", _able("maximize")))] = None
    law: Annotated[str, Kind(form=_ANY_LAW)] = "besiroglu-2024"
    shape: Annotated[str | None, Kind(form=OneOf("", "none", lambda: SHAPE_LAWS))] = None
    experts: Annotated[Experts, one_of("a way to count experts", get_args(Experts))] = "tian-2025"
    leverage_flops: Annotated[int | float | Literal["budget"], Kind(_read_flops, form=_FLOPS)] = (
        DEFAULT_LEVERAGE_FLOPS
    )
    ablations: Annotated[
        Setting,
        Kind(read_setting, _write_setting, Special("", "file:mine.toml", setting_schema)),
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
        given = self.minimize if self.maximize is None else self.maximize
        return "loss" if given is None else given

    @property
    def sense(self) -> Sense:
        """Whether the quantity is minimised or maximised."""
        return "maximize" if self.maximize is not None else "minimize"
