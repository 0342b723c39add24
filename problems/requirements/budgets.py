"""``[budgets]``: hard limits, with a key for each quantity."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, cast

from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.limits import Bare
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.tables import Table, limit
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.typed_tables import Field
from modelsizer.problems.units import Number

SERVING, TRAINING, PREFILL = "serving_memory", "training_memory", "prefill_memory"
OF_DEVICES = (SERVING, TRAINING, PREFILL)
"""Quantities that named accelerators limit by themselves; ``"none"`` lifts such a limit. See
`modelsizer.problems.requirements.device_limits`."""


class Budgets(Table):
    """``[budgets]``: hard limits, each a number (the maximum) or ``{min, max}``.

    There is a key for each row of `modelsizer.problems.quantities`. `new_budgets` creates the
    subclass that has them as fields; every instance belongs to such a subclass.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Interval | None: ...

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the allowed keys of the table."""
        return tuple(QUANTITIES)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a plain table: the subclass has no name that it could be imported by."""
        return new_budgets, ({name: vars(self)[name] for name in self.said},)

    @property
    def limits(self) -> dict[str, Interval]:
        """Return the given budgets, by name."""
        return {
            name: limit for name, limit in vars(self).items() if limit is not None and limit.ends
        }

    @property
    def said(self) -> tuple[str, ...]:
        """Return the names of the given budgets, and of those that are lifted: ``"none"``."""
        return tuple(name for name, limit in vars(self).items() if limit is not None)


def _one_sided(name: str, value: Interval) -> Interval:
    """Reject an end of a limit that is not a linear constraint, or that cannot be intended."""
    only = QUANTITIES[name].only
    if only == "max" and "min" in value.ends:
        raise ValueError(f"{name} has an upper limit only: write a number")
    if only == "min" and "max" in value.ends:
        said = f'"{value.max_as}"' if value.max_as else value.max
        raise ValueError(f"{name} has a lower limit only: write {{min = {said}}}")
    return value


def _limit(name: str, dimension: str, bare: Bare) -> Kind:
    row = QUANTITIES[name]
    ends = ("min", "max") if row.only is None else (row.only,)
    example: object = row.example
    if row.only == "min" and example is not None:
        example = {"min": example}
    return limit(dimension, bare, none=name in OF_DEVICES, ends=ends, example=example)


@cache
def _with_fields(readers: tuple[tuple[str, str, Bare], ...]) -> type[Budgets]:
    fields = {
        name: replace(
            Field.of(
                Annotated[
                    Interval,
                    _limit(name, dimension, bare),
                    Kind(partial(_one_sided, name)),
                ]
            ),
            required=False,
        )
        for name, dimension, bare in readers
    }
    return cast("type[Budgets]", type("Budgets", (Budgets,), {"model_fields": fields}))


def new_budgets(given: object = None) -> Budgets:
    """Read budgets from a plain table, with the quantities registered now.

    Raises
    ------
    TableError
        If a key is unknown or a value is wrong.
    """
    if isinstance(given, Budgets):
        return given
    rows = ((name, row.dimension, row.bare) for name, row in QUANTITIES.items())
    now = _with_fields(tuple(rows))
    return now.model_validate({} if given is None else given)


def written(name: str, number: Number) -> Number | str:
    """An upper limit of a quantity as a problem file has it.

    With its unit where nobody could mean a bare number, which is refused
    (`modelsizer.problems.tables.limits.Bare`).
    """
    row = QUANTITIES[name]
    return row.bare.written(number, row.dimension)


BudgetsTable = Annotated[Budgets, Kind(new_budgets)]
"""Type of a field: budgets, of the quantities registered when the table is read."""
