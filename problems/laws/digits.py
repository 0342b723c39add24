"""Losses as text: their digits follow the error of the law that predicts them.

A law that misses its runs by 0.026 nats says nothing in the fourth decimal. So a loss has the
decimals of the second significant digit of that error. Parts of a loss and differences of losses
are under one law, whose error they share for the most part, so they have two significant digits.
"""

from __future__ import annotations

import math

from modelsizer.problems.units import Number, format_fixed, power_of_ten

FEWEST, MOST = 2, 6
"""Decimals of a loss, whatever the error."""
UNKNOWN = 3
"""Decimals of a loss by a law whose error nobody knows: those of most laws whose error is known."""
NOISE = 1e-12  # nats; smaller differences are rounding


def loss_places(rms: float | None) -> int:
    """Decimals of a loss by a law of this error, nats a token.

    Examples
    --------
    >>> loss_places(0.026), loss_places(0.0083), loss_places(None)
    (3, 4, 3)
    """
    return UNKNOWN if not rms else min(max(_second_digit(rms), FEWEST), MOST)


def loss_text(loss: Number, rms: float | None = None) -> str:
    """A loss, such as ``1.981``.

    Parameters
    ----------
    loss : float
        Nats a token.
    rms : float, optional
        Error of its law.
    """
    return format_fixed(loss, loss_places(rms))


def nats_text(value: Number, rms: float | None) -> str:
    """A part of a loss or a difference of losses: ``0.021``, ``0.00024``, ``1.2e-7``.

    It has the decimals of a loss, or more where two significant digits need them.

    Parameters
    ----------
    value : float
        Nats a token.
    rms : float or None
        Error of the law.
    """
    size = abs(value)
    if size <= NOISE or not math.isfinite(size):
        return "0" if size <= NOISE else format_fixed(value, 0)
    places = max(_second_digit(size), loss_places(rms))
    return power_of_ten(value, 2) if places > MOST else format_fixed(value, places)


def _second_digit(value: float) -> int:
    """Decimals that show the second significant digit of a positive number."""
    return 1 - math.floor(math.log10(value))
