"""Quantities with units: parse "80 GB" or "15T tokens", and format numbers for display.

Numbers are parsed exactly: "1e24" is the integer 10**24, "80 GiB" is 80 x 2**30. Decimal prefixes
are powers of 1000 and binary prefixes (Ki, Mi, ...) powers of 1024, as in IEC 80000-13.
"""

from __future__ import annotations

import math
import re
import sys
from fractions import Fraction
from types import MappingProxyType

from modelsizer.problems.errors import did_you_mean, short

Number = int | float

MAX_COUNT = 2**31  # batch, context, accelerators: more is a mistake, and would overflow tables
MAX_BYTES_A_VALUE = 64

_PREFIXES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
             "E": 10**18, "Z": 10**21, "Y": 10**24}  # fmt: skip
_SHORT_SCALE = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_SECONDS_AN_HOUR = 3600
_SECONDS_A_DAY = 24 * _SECONDS_AN_HOUR


def _count_units(*words: str) -> dict[str, Fraction]:
    """Short-scale suffixes (K, M, B, T), alone or before one of the words."""
    units = {}
    for suffix, factor in _SHORT_SCALE.items():
        units[suffix] = Fraction(factor)
        for word in words:
            units[f"{suffix} {word}".strip()] = Fraction(factor)
            units[f"{suffix}{word}"] = Fraction(factor)
    return units


def _flops_units() -> dict[str, Fraction]:
    units = {"": Fraction(1)}
    for prefix, factor in _PREFIXES.items():
        for word in ("FLOPs", "FLOP", "FLOPS"):
            units[prefix + word] = Fraction(factor)
        for word in ("FLOP/s-days", "FLOP/s-day"):
            units[prefix + word] = Fraction(factor * _SECONDS_A_DAY)
    return units


def _rate_units(*words: str) -> dict[str, Fraction]:
    units = {"": Fraction(1)}
    for prefix, factor in _PREFIXES.items():
        units.update({prefix + word: Fraction(factor) for word in words})
    return units


def _bytes_units() -> dict[str, Fraction]:
    units = {"": Fraction(1), "bytes": Fraction(1), "byte": Fraction(1)}
    for prefix, factor in _PREFIXES.items():
        units[prefix + "B"] = Fraction(factor)
    for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1):
        units[prefix + "B"] = Fraction(1024**power)
    return units


_NATS = {"nats": Fraction(1), "bits": Fraction(math.log(2))}


def _loss_units(of: str, words: tuple[str, ...]) -> dict[str, Fraction]:
    """Units of a loss: ``nats a byte``, ``nats per byte``, ``nats/byte``."""
    ways = (" a ", " per ", "/")
    return {f"{word}{way}{of}": _NATS[word] for word in words for way in ways}


UNITS = MappingProxyType(
    {
        "count": _count_units(),
        "parameters": _count_units("parameters", "params"),
        "tokens": _count_units("tokens", "token"),
        "FLOPs": _flops_units(),
        "bytes": _bytes_units(),
        "nats": {"": Fraction(1), "nats": Fraction(1)} | _loss_units("token", ("nats",)),
        "nats a byte": {"": Fraction(1)} | _loss_units("byte", ("nats", "bits")),
        "seconds": {
            "": Fraction(1),
            "s": Fraction(1),
            "seconds": Fraction(1),
            "ms": Fraction(1, 1000),
            "us": Fraction(1, 10**6),
            "min": Fraction(60),
            "minutes": Fraction(60),
            "h": Fraction(_SECONDS_AN_HOUR),
            "hour": Fraction(_SECONDS_AN_HOUR),
            "hours": Fraction(_SECONDS_AN_HOUR),
            "day": Fraction(_SECONDS_A_DAY),
            "days": Fraction(_SECONDS_A_DAY),
            "week": Fraction(7 * _SECONDS_A_DAY),
            "weeks": Fraction(7 * _SECONDS_A_DAY),
        },
        "bytes/s": _rate_units("B/s"),
        "FLOP/s": _rate_units("FLOP/s", "FLOPS"),
        "watts": _rate_units("W"),
        "dollars": _count_units("USD", "$", "dollars"),
        "kWh": {
            "": Fraction(1),
            "kWh": Fraction(1),
            "Wh": Fraction(1, 1000),
            "MWh": Fraction(1000),
            "GWh": Fraction(10**6),
            "TWh": Fraction(10**9),
        },
        "tokens/s": _count_units("tokens/s", "token/s"),
    }
)
"""For each dimension, its units and the factor of each to the base unit."""
LOSSES = ("nats", "nats a byte")
"""Dimensions of a loss, whose differences matter and not their ratios."""

_EXAMPLES = {
    "count": '64, 0.5 or "128K"',
    "parameters": '"40B" or 40e9',
    "tokens": '"15T tokens" or 15e12',
    "FLOPs": '"1e24" or 1e24',
    "bytes": '"80 GB" or "80 GiB"',
    "nats": '2.0, or "0.9 bits a byte" beside [tokenizer]',
    "nats a byte": '"0.52 bits a byte"',
    "seconds": '"30 ms" or "90 days"',
    "bytes/s": '"3.35 TB/s" or 3.35e12',
    "FLOP/s": '"989 TFLOP/s" or 989e12',
    "watts": '"700 W" or 700',
    "dollars": '"5M USD" or 5e6',
    "kWh": '"2 GWh" or 2e6',
    "tokens/s": '"500 tokens/s" or 500',
}

# Digits are those of ASCII; commas stand between groups of three, underscores between any.
UNSIGNED = r"(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])|[0-9]+(?:_[0-9]+)*)(?:\.[0-9]*)?|\.[0-9]+)"
"""Pattern of the digits of a number, without sign and exponent."""
_NUMBER = re.compile(rf"[ \t]*([+-]?{UNSIGNED})(?:[eE]([+-]?[0-9]+))?[ \t]*(.*?)[ \t]*")
_MOST_DIGITS = 400  # of a number, and the power of ten of its exponent
_LARGEST = int(sys.float_info.max)


def exact(value: Number | Fraction) -> Fraction:
    """Exact value of a decimal literal: 1e24 is 10**24, not the nearest double."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    return Fraction(repr(float(value)))


def as_double(value: Fraction) -> float:
    """The nearest double; infinite beyond the largest, as a limit that nothing reaches."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def plain(value: Fraction) -> Number:
    """An integer if the number is whole, otherwise a float."""
    return value.numerator if value.denominator == 1 else float(value)


def parse_quantity(value: object, dimension: str) -> Number:
    """Parse a number, or text that consists of a number and a unit.

    Parameters
    ----------
    value : int, float or str
        For example ``8e9``, ``"80 GB"``, ``"15T tokens"``.
    dimension : str
        A key of `UNITS`.

    Returns
    -------
    int or float
        In the base unit of the dimension (bytes, tokens, FLOPs, seconds ...); an integer if the
        value is whole.

    Raises
    ------
    ValueError
        If the value is not a finite number with a unit of this dimension; the message gives an
        example.
    """
    example = f"write {_EXAMPLES[dimension]}"
    number = "number" if dimension == "count" else f"number of {dimension}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{short(value)} is not a {number}; {example}")
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError(f"{short(value)} is too large for a {number}; {example}")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite {number}; {example}")
        return plain(exact(value))
    match = _NUMBER.fullmatch(value)
    if match is None or match[3].startswith(("_", ",", ".")):
        raise ValueError(f"{short(value)} is not a {number}; {example}")
    unit, units = re.sub(r"[ \t]+", " ", match[3]), UNITS[dimension]
    if unit not in units:
        if dimension == "count":
            wanted = "K, M, B or T"
        else:
            hint = did_you_mean(unit, [known for known in units if known])
            wanted = f"a unit of {dimension}{hint}"
        raise ValueError(f"{short(value)}: {short(unit)} is not {wanted}; {example}")
    try:
        return _scaled_exactly(match[1], match[2] or "0", units[unit])
    except OverflowError as error:
        raise ValueError(f"{short(value)} is too {error} for a {number}; {example}") from None


def _scaled_exactly(digits: str, exponent: str, factor: Fraction) -> Number:
    """Digits times a power of ten and a factor, without building a number out of range.

    Raises
    ------
    OverflowError
        If it is ``"large"`` or ``"small"`` for a floating-point number, or ``"long"``.
    """
    digits = digits.replace(",", "").replace("_", "")
    if len(digits) > _MOST_DIGITS:
        raise OverflowError("long")
    sign, power = exponent[0] == "-", exponent.lstrip("+-").lstrip("0")
    if len(power) > len(str(_MOST_DIGITS)) or int(power or 0) > _MOST_DIGITS:
        raise OverflowError("small" if sign else "large")
    found = Fraction(f"{digits}e{exponent}") * factor
    if abs(found) > _LARGEST:
        raise OverflowError("large")
    number = plain(found)
    if found and not number:
        raise OverflowError("small")
    return number


def power_of_ten(value: Number, digits: int = 4) -> str:
    """Format a number with an exponent, without padding: ``1e24``, ``3.156e-9``."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent)}"


def format_number(value: Number, digits: int = 6) -> str:
    """Format a number without unit: ``0.0125``, ``17.3``, ``1,140``, ``2.1e7``, ``unlimited``."""
    if math.isinf(value):
        return _UNLIMITED
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    rounded = float(text)
    return f"{rounded:,.0f}" if 1 <= abs(rounded) < _LONG else power_of_ten(value, digits)


def format_fixed(value: Number, places: int) -> str:
    """Format a number with fixed decimals, ``2.0279``; as a power of ten if it has many digits."""
    return f"{value:.{places}f}" if abs(value) < _MANY_DIGITS else format_number(value, 4)


_MANY_DIGITS = 1e9
_LONG = 1e6  # from which a number is a power of ten, if its digits do not say all of it
_UNLIMITED = "unlimited"


def _scaled(value: Number, steps: tuple[tuple[float, str], ...], digits: int) -> str:
    """A number in the largest unit that its digits, rounded, reach: never ``1000 MB``."""
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    scale, suffix = next((step for step in steps if rounded >= step[0]), steps[-1])
    if scale == steps[0][0] and rounded >= 1000 * scale and suffix != _DAYS:  # beyond all units
        scale, suffix = 1, next((word for each, word in steps if each == 1), "")
    text = format_number(value / scale, digits)
    return f"{text}{_SINGULAR.get(suffix, suffix) if text in ('1', '-1') else suffix}"


_DAYS = " days"
_SINGULAR = {_DAYS: " day", " FLOPs": " FLOP", " tokens/s": " token/s"}


_COUNT_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"), (1.0, ""))
_BYTE_STEPS = (
    (1e18, " EB"), (1e15, " PB"), (1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"),
    (1.0, " B"),
)  # fmt: skip
_FLOPS_STEPS = ((1e12, " TFLOPs"), (1e9, " GFLOPs"), (1e6, " MFLOPs"), (1.0, " FLOPs"))
_STEPS: dict[str, tuple[tuple[float, str], ...]] = {
    "seconds": (
        (_SECONDS_A_DAY, _DAYS), (_SECONDS_AN_HOUR, " h"), (1.0, " s"), (1e-3, " ms"),
        (1e-6, " us"),
    ),
    "bytes/s": (
        (1e15, " PB/s"), (1e12, " TB/s"), (1e9, " GB/s"), (1e6, " MB/s"), (1e3, " kB/s"),
        (1.0, " B/s"),
    ),
    "FLOP/s": (
        (1e18, " EFLOP/s"), (1e15, " PFLOP/s"), (1e12, " TFLOP/s"), (1e9, " GFLOP/s"),
        (1e6, " MFLOP/s"), (1.0, " FLOP/s"),
    ),
    "watts": ((1e9, " GW"), (1e6, " MW"), (1e3, " kW"), (1.0, " W")),
    "dollars": ((1e12, "T USD"), (1e9, "B USD"), (1e6, "M USD"), (1e3, "K USD"), (1.0, " USD")),
    "kWh": ((1e9, " TWh"), (1e6, " GWh"), (1e3, " MWh"), (1.0, " kWh")),
    "tokens/s": (
        (1e12, "T tokens/s"), (1e9, "B tokens/s"), (1e6, "M tokens/s"), (1e3, "K tokens/s"),
        (1.0, " tokens/s"),
    ),
}  # fmt: skip
_LARGE_FLOPS_STEPS = ((1e21, " ZFLOPs"), (1e18, " EFLOPs"), (1e15, " PFLOPs"), *_FLOPS_STEPS)
_DOUBLE_DIGITS = 17  # significant digits that tell every two doubles apart
_POWERS_FROM = 1e15  # FLOPs from which a power of ten replaces a prefix


def format_quantity(value: Number, dimension: str, digits: int = 4) -> str:
    """Format a number for display: ``6.574B``, ``47.9 GB``, ``1e24``, ``2.0045``.

    Parameters
    ----------
    value : int or float
        In the base unit of the dimension.
    dimension : str
        A key of `UNITS`.
    digits : int
        Number of significant digits.
    """
    if math.isinf(value):
        return _UNLIMITED
    if not value:
        return "0"
    if dimension == "bytes":
        return _scaled(value, _BYTE_STEPS, digits)
    if dimension == "FLOPs":
        if float(f"{abs(value):.{digits - 1}e}") < _POWERS_FROM:
            return _scaled(value, _FLOPS_STEPS, digits)
        return power_of_ten(value, digits)
    if dimension in _STEPS:
        return _scaled(value, _STEPS[dimension], digits)
    if dimension in LOSSES:
        return format_number(value, digits + 1)
    if dimension == "count" and isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    return _scaled(value, _COUNT_STEPS, digits)


def format_flops(value: Number, digits: int = 4) -> str:
    """Format the FLOPs of a pass or a token: ``63.26 PFLOPs``, where budgets have ``6.326e16``."""
    return _scaled(value, _LARGE_FLOPS_STEPS, digits)


def format_apart(
    first: Number, second: Number, dimension: str, digits: tuple[int, int] = (4, 4)
) -> tuple[str, str]:
    """Format two numbers with as many digits as show which of them is larger.

    Parameters
    ----------
    first, second : int or float
    dimension : str
    digits : tuple of int
        Significant digits of each, if these are enough.

    Examples
    --------
    >>> format_apart(287381999, 287382110, "bytes")
    ('287.382 MB', '287.3821 MB')
    """
    texts = ("", "")
    for more in range(_DOUBLE_DIGITS - min(digits) + 1):
        texts = (
            format_quantity(first, dimension, digits[0] + more),
            format_quantity(second, dimension, digits[1] + more),
        )
        shown = tuple(parse_quantity(text, dimension) for text in texts)
        if (shown[0] < shown[1], shown[0] > shown[1]) == (first < second, first > second):
            break
    return texts
