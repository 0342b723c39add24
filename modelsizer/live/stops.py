"""Stops of sliders: round numbers of a quantity, and the texts that the file accepts for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from modelsizer.problems.records import dataclass
from modelsizer.problems.units import (
    LOSSES,
    Number,
    exact,
    format_number,
    format_quantity,
    parse_quantity,
    plain,
)

_ROUND = (10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 40, 45, 50, 55, 60, 65, 70, 80,
          90)  # fmt: skip
"""Numbers of two digits, some 10 % apart."""
SPAN = 20
"""A slider of a limit reaches from the value / SPAN to the value x SPAN."""
_HOUR, _DAY = 3600, 86400
_DIGITS = 17  # enough for every double


@dataclass(frozen=True, slots=True)
class Stop:
    """A value that a control offers.

    Parameters
    ----------
    value : object
        As a problem file has it.
    text : str
        As it is shown, and may be typed.
    number : int, float or None
        In base units, of numeric values: where it stands on a slider.
    """

    value: object
    text: str
    number: Number | None = None

    def to_dict(self) -> dict[str, object]:
        """The keys of the page."""
        return {"value": self.value, "text": self.text}


def amount_text(number: Number, dimension: str) -> str:
    """A number with its unit, with enough digits to be read back as the same number."""
    for digits in range(4, _DIGITS + 1):
        text = format_quantity(number, dimension, digits)
        if _reads(text, dimension) == number:
            return _binary(number, text) if dimension == "bytes" and digits > 4 else text
    return repr(number)


def _binary(number: Number, text: str) -> str:
    """A number of bytes in a power of 1024, if that is a shorter text than one of 1000."""
    for power, prefix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        if number >= 1024**power:
            found = f"{format_number(float(exact(number) / 1024**power))} {prefix}B"
            return found if _reads(found, "bytes") == number and len(found) < len(text) else text
    return text


def _reads(text: str, dimension: str) -> Number | None:
    try:
        return parse_quantity(text, dimension)
    except ValueError:
        return None


def amount_stop(number: Number, dimension: str) -> Stop:
    """A stop of a number, whose value is the text where it has a unit."""
    text = amount_text(number, dimension)
    return Stop(number if dimension == "count" else text, text, number)


def round_numbers(low: float, high: float, dimension: str) -> list[Number]:
    """Round numbers from one to another, some 10 % apart; of long times in hours or days."""
    found: list[Number] = []
    for unit, least, most in _units(dimension):
        start, end = max(low, least), min(high, most)
        if start > end:
            continue
        first, last = math.floor(math.log10(start / unit)), math.ceil(math.log10(end / unit))
        for power in range(first, last + 1):
            for mantissa in _ROUND:
                number = plain(exact(mantissa) * exact(10) ** (power - 1) * unit)
                if start <= number <= end:
                    found.append(number)
    return found


def _units(dimension: str) -> Iterable[tuple[int, float, float]]:
    if dimension == "seconds":
        return (1, 0.0, _HOUR - 1), (_HOUR, _HOUR, _DAY - 1), (_DAY, _DAY, math.inf)
    return ((1, 0.0, math.inf),)


def around(number: Number, dimension: str, *, whole: bool, span: int = SPAN) -> list[Number]:
    """Round numbers on both sides of a value; of a loss a hundredth of a nat apart.

    Parameters
    ----------
    number : int or float
    dimension : str
        A key of `modelsizer.problems.units.UNITS`.
    whole : bool
        Whether only whole numbers above 0 are right.
    span : int
        They reach from the value / span to the value x span.
    """
    if dimension in LOSSES:
        step = 100
        low, high = math.ceil(number * 0.85 * step), math.floor(number * 1.3 * step)
        return [plain(exact(n) / step) for n in range(low, high + 1)]
    if not number or not math.isfinite(number):
        return []
    found = round_numbers(number / span, number * span, dimension)
    if whole:
        found = [n for n in found if isinstance(n, int) and n >= 1]
    return found


def sorted_stops(own: Stop | None, numbers: Iterable[Number], dimension: str) -> list[Stop]:
    """Stops of numbers in their order, with that of the file's own value in its place."""
    stops = [amount_stop(n, dimension) for n in numbers if own is None or n != own.number]
    stops += [] if own is None else [own]
    return sorted(stops, key=lambda stop: float(stop.number or 0))


def place(number: Number, stops: Sequence[Stop]) -> float | None:
    """Where a number stands among the stops of a slider: a position, a fraction between two."""
    known = [float(stop.number) for stop in stops if stop.number is not None]
    if not known or len(known) != len(stops):
        return None
    value = float(number)
    if value <= known[0] or value >= known[-1]:
        return 0.0 if value <= known[0] else float(len(known) - 1)
    after = next(i for i, each in enumerate(known) if each >= value)
    low, high = known[after - 1], known[after]
    logs = low > 0
    share = math.log(value / low) / math.log(high / low) if logs else (value - low) / (high - low)
    return after - 1 + share
