"""Settings that offer several values: a list, or a range, of which one value is to be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from modelsizer.problems.errors import short
from modelsizer.problems.records import dataclass
from modelsizer.problems.value_forms import Form, OneOrMore

Read = Callable[[Any], Any]


def plain_copy(value: Any) -> Any:
    """A copy of plain values, which shares nothing that could be changed."""
    if isinstance(value, dict):
        return {key: plain_copy(each) for key, each in value.items()}
    return [plain_copy(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, eq=False)
class Offered:
    """Several values of a key, of which one is to be chosen.

    What follows from a single value asks the tables of `each`; anything else refuses to be compared
    or tested, so that no value is taken for another one.

    Parameters
    ----------
    values : tuple
        Distinct values, the preferred ones first.
    written : object
        The menu as the file has it.
    """

    values: tuple[Any, ...]
    written: object

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Offered):
            raise TypeError(f"{self} is a choice, of which one value is to be taken first")
        return (self.values, self.written) == (other.values, other.written)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.values)

    def __bool__(self) -> bool:
        raise TypeError(f"{self} is a choice, of which one value is to be taken first")

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"


MOST_OFFERED = 10_000
"""Values of one menu of settings."""


@dataclass(frozen=True)
class Several:
    """Mark of a key that may offer several values: a list, or a range ``{min, max, step}``.

    Parameters
    ----------
    numbers : bool
        Whether a range makes sense.
    """

    numbers: bool = True

    def reader(self, one: Read) -> Read:
        """Reader of one value or of several."""

        def read(value: Any) -> Any:
            if isinstance(value, Offered):
                return value
            if (entries := self.entries(value)) is None:
                return one(value)
            found = tuple(dict.fromkeys(one(each) for each in entries))
            if len(found) > MOST_OFFERED:
                raise ValueError(f"the menu has more than {MOST_OFFERED:,} values; list fewer")
            return Offered(found, plain_copy(value if isinstance(value, Mapping) else entries))

        return read

    def entries(self, value: Any) -> list[Any] | None:
        """What a menu lists, as it is written; None for a single value.

        Raises
        ------
        ValueError
            If a list is empty, or a range is none.
        """
        if isinstance(value, list | tuple):
            if not value:
                raise ValueError("the menu is empty; list at least one value")
            return list(value)
        if self.numbers and isinstance(value, Mapping) and {"min", "max"} & set(value):
            return _numbers(value)
        return None

    def form(self, one: Form) -> Form:
        """What `reader` takes, of one value's form."""
        ranges: Literal["none", "whole"] = "whole" if self.numbers else "none"
        return OneOrMore(unit=one.unit, example=one.example, of=one, ranges=ranges)

    def writer(self, one: Read) -> Read:
        """The inverse of `reader`."""
        return lambda value: plain_copy(value.written) if isinstance(value, Offered) else one(value)


@dataclass(frozen=True)
class SeveralTables(Several):
    """Mark of a table that may be offered several times: by menus in one, or as a list."""

    def reader(self, one: Read) -> Read:
        """Reader of one table or of several."""

        def read(value: Any) -> Any:
            if isinstance(value, Offered):
                return value
            many = isinstance(value, list | tuple)
            if many and not value:
                raise ValueError("the menu is empty; list at least one table")
            tables = [one(each) for each in (value if many else [value])]
            if not many and not tables[0].offered:
                return tables[0]
            found = [each for table in tables for each in table.each()]
            written = list(value) if many else dict(value) if isinstance(value, Mapping) else value
            return Offered(tuple(dict.fromkeys(found)), written)

        return read


def _numbers(ends: Mapping[str, Any]) -> list[int]:
    """The whole numbers of a range."""
    for key, value in ends.items():
        if key not in ("min", "max", "step"):
            raise ValueError(f"unknown key {short(key)}; a range has min, max and step")
        least = 1 if key == "step" else 0
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            above = "above 0" if least else "from 0"
            raise ValueError(f"{key} = {short(value)} must be a whole number {above}")
    for key in ("min", "max"):
        if key not in ends:
            raise ValueError(f"a range needs {key}: write {{min = ..., max = ...}}")
    low, high, step = ends["min"], ends["max"], ends.get("step", 1)
    if low > high:
        raise ValueError(f"min {low} is above max {high}")
    return list(range(low, min(high, low + step * MOST_OFFERED) + 1, step))
