"""Bytes or bits per weight given by part: ``serving.weight_bits.experts = 4.25``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, cast

from modelsizer.problems.architecture.weight_formats import PARTS, WeightFormat
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.records import dataclass
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import MAX_BYTES_A_VALUE, Number, exact, parse_quantity, plain
from modelsizer.problems.value_forms import Amount, AnyOf, Entries, Form, Within

MOST_BYTES, MOST_BITS = MAX_BYTES_A_VALUE, 8 * MAX_BYTES_A_VALUE
_LEAST = 1e-6  # bytes or bits: less for a weight is a mistake


@dataclass(frozen=True, slots=True)
class ByPart:
    """Bytes or bits per weight of some parts, including scales.

    Parameters
    ----------
    given : tuple of (str, number or Fraction)
        Names of `PARTS` in their order, with the value of each.
    """

    given: tuple[tuple[str, Number | Fraction], ...]

    def format(self, unit: Fraction, full: Fraction) -> WeightFormat:
        """Bytes of every part.

        Experts have those of `ffn` if they are not given, a head those of `embedding`, and a router
        those of `other`.

        Parameters
        ----------
        unit : Fraction
            Bytes of one unit of the values: 1, or 1/8 for bits.
        full : Fraction
            Bytes of parts that are not given.
        """
        known = {part: exact(value) * unit for part, value in self.given}
        known.setdefault("experts", known.get("ffn", full))
        known.setdefault("head", known.get("embedding", full))
        known.setdefault("router", known.get("other", full))
        return WeightFormat(**{part: known.get(part, full) for part in PARTS})

    def __str__(self) -> str:
        return ", ".join(f"{part} {float(value):g}" for part, value in self.given)

    def to_toml(self) -> dict[str, Number]:
        """The table as a problem file writes it."""
        return {part: plain(exact(value)) for part, value in self.given}


def read_by_part(value: Mapping[Any, Any], most: Number, unit: str) -> ByPart:
    """Read a table of numbers by part.

    Parameters
    ----------
    value : mapping
    most : number
        Largest that may be given.
    unit : {"bytes", "bits"}

    Raises
    ------
    ValueError
        If a part is unknown, a value is none, or the table is empty; a message that starts with
        "@." names the key.
    """
    for part in value:
        if part not in PARTS:
            hint = did_you_mean(str(part), PARTS)
            raise ValueError(f"@.{part} unknown part{hint}; known: {', '.join(PARTS)}")
    if not value:
        raise ValueError(f"give {unit} of some of {', '.join(PARTS)}, or one number")
    return ByPart(tuple((p, _number(p, value[p], most, unit)) for p in PARTS if p in value))


def _number(part: str, value: object, most: Number, unit: str) -> Number:
    try:
        number = parse_quantity(value, "count")
    except ValueError as error:
        raise ValueError(f"@.{part} {error}") from None
    if not _LEAST <= number <= most:
        raise ValueError(
            f"@.{part} {short(value)} is not a number of {unit} for each weight, "
            f"at most {most:g}, scales included"
        )
    return number


def or_by_part(alone: Kind, most: Number, unit: str) -> Kind:
    """Kind of one number for all weights, or of a table by part.

    Parameters
    ----------
    alone : Kind
        Reads the number.
    most, unit
        See `read_by_part`.
    """
    read_alone = cast("Callable[[object], object]", alone.read)

    def read(value: object) -> object:
        return read_by_part(value, most, unit) if isinstance(value, Mapping) else read_alone(value)

    def write(value: object) -> object:
        return value.to_toml() if isinstance(value, ByPart) else value

    one = Amount(range=Within(least=_LEAST, most=most))
    parts = Entries(of=one, names=lambda: PARTS, least=1)
    single = alone.form or Form()
    return Kind(read, write, AnyOf(unit, single.example, (single, parts)))
