"""Percentages, changes, counts, quantities and lists in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.problems.brief import counted as counted
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number, format_number, format_quantity

if TYPE_CHECKING:
    from modelsizer.problems.architecture.architecture import Architecture

_MOST_PERCENT = 1e4  # a share from which a factor is shown
NONE = "-"
"""Placeholder for a missing value."""
BINDS = "A limit binds if the design is at it, or if something better would fit without it."
"""What is meant by a limit that binds."""
UNKNOWN = "?"
"""Placeholder for a value that was not found in time."""
STOPS = {
    "time": "the time limit was reached",
    "nodes": "the node limit was reached",
    "memory": "this machine's memory is full",
    "interrupted": "it was interrupted",
}
"""Reasons for an answer without a proof, by `modelsizer.optimizer.tables.clock.Stop`."""


def not_complete(stop: str) -> str:
    """Say that an answer is partial, and why."""
    return f"Not complete: {STOPS[stop]}"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage, such as ``25.4 %``; a factor if it is huge, such as ``x 2e7``."""
    if math.isinf(share):
        return NONE
    if abs(share) >= _MOST_PERCENT:
        return f"x {format_number(share, 3)}"
    return f"{100 * share:,.{digits}f} %"


def short_percent(share: float) -> str:
    """A share as a percentage with two significant digits: 0.62 %, 4.1 %, 51 %."""
    value = abs(100 * share)
    return percent(share, 0 if value >= 10 else 1 if value >= 1 else 2)


def signed_percent(value: float | None) -> str:
    """A signed change given in percent: +12.3 %, -0.45 %."""
    if not value:
        return NONE if value is None else "0"
    return f"{value:+.1f} %" if abs(value) >= 1 else f"{value:+.2f} %"


def signed(
    change: float | None, dimension: str = "nats", digits: int = 4, rms: float | None = None
) -> str:
    """A signed change with its unit; nats have no unit.

    Parameters
    ----------
    change : float or None
    dimension : str
    digits : int
        Significant digits for all dimensions except nats.
    rms : float or None
        Error of the law, for nats.
    """
    if not change:
        return NONE if change is None else "0"
    if dimension == "nats":
        size = nats_text(abs(change), rms)
        if size == "0":  # rounding
            return size
    else:
        size = format_quantity(abs(change), dimension, digits)
    return ("+" if change > 0 else "-") + size


def quantity(value: Number, name: str, rms: float | None = None) -> str:
    """The value of a quantity with its unit; of a loss with the digits of its law's error."""
    if name == "loss":
        return loss_text(value, rms)
    return format_quantity(value, QUANTITIES[name].dimension)


def joined(words: Sequence[str]) -> str:
    """An enumeration: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def and_more(number: int, where: str = "") -> str:
    """The number of omitted items and where to find them; empty if nothing is omitted."""
    return f"and {number:,} more{where}" if number > 0 else ""


def setting(settings: Mapping[str, Any], name: str) -> str:
    """A setting of an architecture as text; a placeholder if the architecture has none."""
    value = settings.get(name)
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def short_keys(keys: Sequence[str]) -> list[str]:
    """Settings without the table that they are in, but where two of them would be alike."""
    names = [key.partition(".")[2] or key for key in keys]
    return [name if names.count(name) == 1 else key for key, name in zip(keys, names, strict=True)]


def shape(architecture: Architecture) -> str:
    """Layers by width: ``68 x 6144``."""
    return f"{architecture.layers} x {architecture.trunk.d_model}"
