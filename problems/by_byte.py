"""Amounts by the byte: a loss in bits or nats a byte, and tokens as bytes of text.

They become amounts a token once a problem says how many bytes a token holds, and are written back
as they were given.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Self

from modelsizer.problems.units import Number, exact, parse_quantity

BY_BYTE = {"nats": "nats a byte", "tokens": "bytes"}
"""Dimensions of which an amount may be given by the byte, and the dimension it then has."""


class ByByte(float):
    """A number that was written by the byte.

    Its value is `amount` until a problem says how many bytes a token holds, and then nats a token
    or tokens.

    Parameters
    ----------
    value : float
    amount : float
        Nats a byte, or bytes of text.
    dimension : {"nats", "tokens"}
    text : str
        As written.
    """

    amount: float
    dimension: str
    text: str

    def __new__(cls, value: float, amount: float, dimension: str, text: str) -> Self:
        """Make a number with what was written."""
        found = super().__new__(cls, value)
        found.amount, found.dimension, found.text = amount, dimension, text
        return found

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Arguments of a copy."""
        return float(self), self.amount, self.dimension, self.text


def by_byte_text(value: object) -> str:
    """An amount that was given by the byte, as it was written; empty for any other value."""
    return value.text if isinstance(value, ByByte) else ""


def parse_amount(value: object, dimension: str) -> Number:
    """Parse a quantity as `parse_quantity` does, or an amount by the byte.

    Returns
    -------
    int, float or ByByte

    Raises
    ------
    ValueError
        See `parse_quantity`.
    """
    try:
        return parse_quantity(value, dimension)
    except ValueError:
        if dimension not in BY_BYTE or not isinstance(value, str):
            raise
        try:
            number = parse_quantity(value, BY_BYTE[dimension])
        except ValueError:
            number = None
        if number is None:
            raise
    return ByByte(number, number, dimension, value)


def by_token(value: Number, law_bytes: Fraction) -> Number:
    """An amount by the token that the law counts.

    Parameters
    ----------
    value : int, float or ByByte
    law_bytes : Fraction
        Bytes of text that such a token holds.
    """
    if not isinstance(value, ByByte):
        return value
    amount = exact(value.amount)
    found = amount * law_bytes if value.dimension == "nats" else amount / law_bytes
    return ByByte(float(found), value.amount, value.dimension, value.text)


def as_written(value: Number | None) -> Number | str | None:
    """A number as the problem file writes it."""
    return value.text if isinstance(value, ByByte) else value


def bits(nats: float) -> float:
    """Nats in bits."""
    return nats / math.log(2)
