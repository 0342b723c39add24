"""Values that a choice may take: a number, a list (menu), or a range {min, max, step}."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.by_byte import ByByte, as_written, by_token, parse_amount
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.plain_values import NO_LIMIT
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.limits import ANY, Bare, is_reference, read_reference
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import Number, exact, parse_quantity, plain
from modelsizer.problems.value_forms import Amount, Form, OneOrMore, Within

MAX_VALUE = 2**31  # far above any width, depth or vocabulary; larger values would overflow tables
MAX_ENTRIES = 10**6  # a longer menu suggests a wrong step


class Written:
    """A value with a representation in problem files."""

    __slots__ = ()

    def to_toml(self) -> object:
        """Representation in the problem file."""
        raise NotImplementedError


class Choice(Written):
    """A set of values to choose from."""

    __slots__ = ()

    @property
    def numbers(self) -> Sequence[Number]:
        """Distinct values, ascending."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Number of distinct values."""
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Menu(Choice):
    """A list of values, or a single fixed one.

    Parameters
    ----------
    entries : tuple of int or float
        Values as written, in order and with repeats; `numbers` are sorted and distinct.
    fixed : bool
        Whether it was written as a bare number.
    """

    entries: tuple[Number, ...]
    fixed: bool = False

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Distinct values, ascending."""
        return tuple(sorted(set(self.entries)))

    def to_toml(self) -> object:
        """Representation in the problem file."""
        return self.entries[0] if self.fixed else list(self.entries)


@dataclass(frozen=True, slots=True)
class Steps(Choice):
    """A range, including `max` if the step reaches it.

    Parameters
    ----------
    min, max, step : int or float
        ``min, min + step, ...`` up to `max`.
    written_step : bool
        Whether the file sets the step (otherwise it is the key's default).
    """

    min: Number
    max: Number
    step: Number
    written_step: bool = True

    @property
    def numbers(self) -> Sequence[Number]:
        """Values, ascending; a range where they are whole."""
        if all(isinstance(v, int) for v in (self.min, self.max, self.step)):
            return range(int(self.min), int(self.max) + 1, int(self.step))
        return _steps(self.min, self.step, self.size)

    @property
    def size(self) -> int:
        """Number of values."""
        return int((exact(self.max) - exact(self.min)) / exact(self.step)) + 1

    def to_toml(self) -> object:
        """Representation in the problem file."""
        ends: dict[str, Number] = {"min": self.min, "max": self.max}
        return ends | ({"step": self.step} if self.written_step else {})


@lru_cache(maxsize=64)  # a thousand fractions take a millisecond, and are asked for many times
def _steps(low: Number, step: Number, size: int) -> tuple[Number, ...]:
    first, each = exact(low), exact(step)
    return tuple(plain(first + i * each) for i in range(size))


@dataclass(frozen=True, slots=True)
class Interval(Written):
    """Inclusive lower and upper limits on a quantity; without ends, a limit that is lifted.

    Parameters
    ----------
    min, max : int or float, optional
    written_as_number : bool
        Whether the file has no table.
    min_as, max_as : str
        ``"as MODEL [at TOKENS]"``, where the file has that in place of the number. The number is
        None until `modelsizer.problems.requirements.references` puts it in.
    on_device : bool
        Whether what fits an accelerator limits the quantity too: of limits that searches add.
    """

    min: Number | None = None
    max: Number | None = None
    written_as_number: bool = False
    min_as: str = ""
    max_as: str = ""
    on_device: bool = False

    @property
    def ends(self) -> tuple[str, ...]:
        """The ends that are given, as a number or by a reference: "min", "max"."""
        given = {"min": self.min, "max": self.max}
        return tuple(e for e, number in given.items() if number is not None or self.reference(e))

    def reference(self, end: str) -> str:
        """The reference of an end; empty if it has none."""
        return self.min_as if end == "min" else self.max_as

    def to_toml(self, write: Callable[[Number], object] = lambda number: number) -> object:
        """Representation in the problem file.

        Parameters
        ----------
        write : callable
            From the upper limit to how the file has it.
        """
        if not self.ends:
            return NO_LIMIT
        low = as_written(self.min)
        texts: dict[str, object] = {"min": self.min_as or low, "max": self.max_as}
        if self.max is not None and not self.max_as:
            texts["max"] = as_written(self.max) if isinstance(self.max, ByByte) else write(self.max)
        return texts["max"] if self.written_as_number else {end: texts[end] for end in self.ends}

    @property
    def by_byte(self) -> str:
        """An end that was written by the byte, as written; empty if there is none."""
        return next((v.text for v in (self.min, self.max) if isinstance(v, ByByte)), "")

    def by_token(self, law_bytes: Fraction) -> Interval:
        """The limits by the token that the law counts; see `modelsizer.problems.by_byte`."""
        low, high = (v if v is None else by_token(v, law_bytes) for v in (self.min, self.max))
        return replace(self, min=low, max=high).checked()

    def checked(self) -> Interval:
        """The limits themselves.

        Raises
        ------
        ValueError
            If the lower one is above the upper one.
        """
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {as_written(self.min)} is above max {as_written(self.max)}")
        return self

    def holds(self, value: Fraction | Number) -> bool:
        """Whether a value is within the limits."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


def written_value(
    read: Callable[[object], Written],
    write: Callable[[Any], object] = lambda value: value.to_toml(),
    form: Form | None = None,
) -> Kind:
    """The kind of a value that writes itself.

    Parameters
    ----------
    read : callable
        Converts a TOML value to a `Written`; raises ValueError with a message for the user.
    write : callable
        The inverse.
    form : Form, optional
        What `read` takes.
    """
    return Kind(read, write, form)


def choice_form(
    unit: str,
    example: object,
    *,
    whole: bool = True,
    default_step: Number | None = 1,
    zero: bool = False,
    least: int = 0,
) -> Form:
    """The form of what `choice_parser` reads, of values from `least`."""
    ends = Within(least=0) if zero else Within(least=least) if least else Within(above=0)
    one = Amount(range=replace(ends, most=MAX_VALUE), whole=whole)
    return OneOrMore(unit, example, one, "step" if default_step is None else "any")


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            hint = did_you_mean(str(key), known)
            raise ValueError(f"unknown key {short(key)}{hint}; known: {', '.join(known)}")


def _whole(value: object, what: str) -> int:
    number = parse_quantity(value, "count")
    if not isinstance(number, int):
        raise ValueError(f"{short(value)} is not a whole number; {what} must be one")
    return number


def _sized(value: object, what: str, whole: bool, *, zero: bool = False) -> Number:
    number = _whole(value, what) if whole else parse_quantity(value, "count")
    if number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "above 0"
        raise ValueError(f"{short(value)} is not positive; {what} must be {least}")
    if number > MAX_VALUE:
        raise ValueError(f"{short(value)} is too large; {what} must be at most {MAX_VALUE}")
    return number


def choice_parser(
    what: str, *, whole: bool = True, default_step: Number | None = None, zero: bool = False
) -> Callable[[object], Choice]:
    """Return a function that reads a number, a list or a range.

    Parameters
    ----------
    what : str
        Name of one value, for messages.
    whole : bool
        Whether values must be whole numbers.
    default_step : int or float, optional
        Default step of ranges; without it a range must give its step.
    zero : bool
        Whether a value may be 0.
    """

    def read(value: object) -> Choice:
        if isinstance(value, Menu | Steps):
            return value
        if isinstance(value, list | tuple):
            if not value:
                raise ValueError("the menu is empty; list at least one value")
            return Menu(tuple(_sized(v, what, whole, zero=zero) for v in value))
        if isinstance(value, Mapping):
            return _read_steps(value)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(
                f"{short(value)} is not a number, a list or a range {{min, max, step}} of {what}"
            )
        return Menu((_sized(value, what, whole, zero=zero),), fixed=True)

    def _read_steps(table: Mapping[str, Any]) -> Steps:
        _check_keys(table, ("min", "max", "step"))
        for key in ("min", "max"):
            if key not in table:
                raise ValueError(f"a range needs {key}: write {{min = ..., max = ...}}")
        if "step" not in table and default_step is None:
            raise ValueError("a range needs step here: write {min = ..., max = ..., step = ...}")
        low = _sized(table["min"], f"min of {what}", whole, zero=zero)
        high = _sized(table["max"], f"max of {what}", whole)
        step = _sized(table.get("step", default_step), f"step of {what}", whole)
        if low > high:
            raise ValueError(f"min {low} is above max {high}")
        if "step" not in table and isinstance(default_step, int) and low % default_step:
            above = -(-int(low) // default_step) * default_step
            raise ValueError(
                f"min {low} is not a multiple of {default_step}, the default step; "
                f"write min = {above}, or give a step"
            )
        if (exact(high) - exact(low)) / exact(step) >= MAX_ENTRIES:
            raise ValueError(f"the range has more than {MAX_ENTRIES} values; take a larger step")
        return Steps(low, high, step, "step" in table)

    return read


def interval_parser(
    dimension: str, bare: Bare = ANY, *, references: bool = False
) -> Callable[[object], Interval]:
    """Return a function that reads limits: a number (upper limit), or ``{min, max}``.

    Parameters
    ----------
    dimension : str
        A key of `modelsizer.problems.units.UNITS`.
    bare : Bare
        Upper limits that a number without a unit can mean.
    references : bool
        Whether a limit may be that of a model, ``"as MODEL"``.
    """

    def end(value: object, meant: Bare) -> tuple[Number | None, str]:
        if references and is_reference(value):
            text = str(value).strip()
            read_reference(text)
            return None, text
        number = parse_amount(value, dimension)
        if number <= 0:
            raise ValueError(f"{short(value)} is not positive; a limit must be above 0")
        meant.check(value, number, dimension)
        return number, ""

    def read(value: object) -> Interval:
        if isinstance(value, Interval):
            return value
        if isinstance(value, Mapping):
            _check_keys(value, ("min", "max"))
            if not value:
                raise ValueError("the limit is empty; give min, max or both")
            low, low_as = end(value["min"], ANY) if "min" in value else (None, "")
            high, high_as = end(value["max"], bare) if "max" in value else (None, "")
            found = Interval(low, high, min_as=low_as, max_as=high_as)
            return found if found.by_byte else found.checked()
        high, high_as = end(value, bare)
        return Interval(max=high, written_as_number=True, max_as=high_as)

    return read


def arithmetic_runs(values: Sequence[Number]) -> list[tuple[int, int, int]]:
    """Split ascending distinct integers into arithmetic progressions (start, step, count)."""
    if isinstance(values, range) and values:
        return [(values.start, values.step if len(values) > 1 else 1, len(values))]
    whole = [int(value) for value in values]
    runs: list[tuple[int, int, int]] = []
    i = 0
    while i < len(whole):
        if i + 1 == len(whole):
            runs.append((whole[i], 1, 1))
            break
        step, j = whole[i + 1] - whole[i], i + 1
        while j + 1 < len(whole) and whole[j + 1] - whole[j] == step:
            j += 1
        if j == i + 1 and j + 1 < len(whole):
            runs.append((whole[i], 1, 1))  # split a pair followed by another step
            i += 1
            continue
        runs.append((whole[i], step, j - i + 1))
        i = j + 1
    return runs


def integers(choice: Choice) -> NDArray[np.int64]:
    """Distinct values of a menu of whole numbers, ascending."""
    numbers = choice.numbers
    if isinstance(numbers, range):
        return np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
    return np.array(numbers, dtype=np.int64)
