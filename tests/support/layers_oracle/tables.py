"""Tables of a problem file: menus, exact numbers, amounts with units, limits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Tables = dict[str, Any]
_UNITS = {"GB": 10**9, "GiB": 2**30, "TB": 10**12, "MB": 10**6, "B": 1, "T tokens": 10**12,
          "B tokens": 10**9}  # fmt: skip


def exact(value: Any) -> Fraction:
    """A decimal literal exactly; an amount such as "48 GB" in its base unit."""
    if isinstance(value, str):
        digits = value.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
        return Fraction(digits) * _UNITS[value[len(digits) :].strip()]
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(repr(float(value)))


def menu(value: Any, step: int = 1) -> list[Any]:
    """Values of a number, a list or a range, each once."""
    if isinstance(value, dict):
        low, high, by = (exact(v) for v in (value["min"], value["max"], value.get("step", step)))
        found = [low + i * by for i in range(int((high - low) / by) + 1)]
        return [n.numerator if n.denominator == 1 else n for n in found]
    return list(dict.fromkeys(value)) if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Limit:
    """Ends of a limit on one quantity."""

    quantity: str
    low: Fraction | None
    high: Fraction | None


def limits(tables: Tables) -> list[Limit]:
    """All budgets, and the rule of tokens."""
    found = []
    given = tables.get("training", {}).get("tokens")
    if given is not None:
        ends = given if isinstance(given, dict) else {"min": given, "max": given}
        found.append(_limit("tokens", ends))
    for name, value in tables.get("budgets", {}).items():
        found.append(_limit(name, value if isinstance(value, dict) else {"max": value}))
    return found


def _limit(name: str, ends: Tables) -> Limit:
    low, high = (exact(ends[side]) if side in ends else None for side in ("min", "max"))
    return Limit(name, low, high)
