"""Limits of a problem, one for each end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.support.oracle.data import Tables, exact

TOKENS = "training.tokens"
OF_TOKENS = ("tokens", "training_flops", "training_time", "training_cost", "training_energy",
             "lifetime_flops", "lifetime_cost")  # fmt: skip
"""Quantities that grow with the tokens."""


@dataclass(frozen=True)
class Limit:
    """One end of a limit; `fixed` tokens are both at once."""

    name: str
    side: str
    value: Fraction
    fixed: bool = False

    @property
    def quantity(self) -> str:
        return "tokens" if self.name == TOKENS else self.name

    def ends(self) -> tuple[Fraction | None, Fraction | None]:
        low = self.value if self.side == "min" or self.fixed else None
        return low, self.value if self.side == "max" else None


def limits(tables: Tables) -> tuple[Limit, ...]:
    """Every limit of a problem."""
    found = []
    given = tables.get("training", {}).get("tokens")
    if given is not None and not isinstance(given, dict):
        found.append(Limit(TOKENS, "max", exact(_number(given)), fixed=True))
    elif given is not None:
        found += _ends(TOKENS, given)
    for name, value in tables.get("budgets", {}).items():
        found += _ends(name, value)
    if len(found) == 2 and {x.name for x in found} == {TOKENS} and found[0].value == found[1].value:
        return (Limit(TOKENS, "max", found[0].value, fixed=True),)
    return tuple(found)


def _ends(name: str, value: object) -> list[Limit]:
    table = value if isinstance(value, dict) else {"max": value}
    return [Limit(name, end, exact(_number(table[end]))) for end in ("min", "max") if end in table]


def _number(value: float | str) -> float:
    """A number, which may have its base unit."""
    if not isinstance(value, str):
        return value
    text = value.partition(" ")[0]
    return int(text) if text.isdigit() else float(text)
