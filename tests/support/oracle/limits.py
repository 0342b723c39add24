"""Limits of a problem, one for each end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.support.oracle.data import Tables, accelerator, exact

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
    for name, value in (device_limits(tables) | tables.get("budgets", {})).items():
        found += [] if value == "none" else _ends(name, value)
    if len(found) == 2 and {x.name for x in found} == {TOKENS} and found[0].value == found[1].value:
        return (Limit(TOKENS, "max", found[0].value, fixed=True),)
    return tuple(found)


def device_limits(tables: Tables) -> dict[str, int]:
    """Bytes of the accelerators that are named, where their memory is known."""
    training, serving = tables.get("training", {}), tables.get("serving", {})
    most = {"serving_memory": usable_memory(serving)}
    ways = ("accelerators", "data_parallel", "tensor_parallel", "pipeline_parallel")
    if not training.keys().isdisjoint(ways):
        share = Fraction(1) if "memory_reserve" in training else Fraction(9, 10)
        most["training_memory"] = _left(training, share, 2 * 2**30)
    return {name: max(1, held) for name, held in most.items() if held is not None}


def usable_memory(serving: Tables) -> int | None:
    """Bytes of an accelerator for weights and cache; None if its memory is not known."""
    return _left(serving, exact(serving.get("memory_utilization", 0.9)), _reserve(serving))


def _reserve(serving: Tables) -> int:
    """Bytes: 1.5 GiB, and 1 GiB for each doubling of the ways, of which the last may be partial."""
    ways, doublings = serving.get("tensor_parallel", 1), 0
    while 2**doublings < ways:
        doublings += 1
    return 3 * 2**29 + 2**30 * doublings


def _left(table: Tables, share: Fraction, reserve: int) -> int | None:
    """Bytes of a share of an accelerator's memory that are not reserved, at least none."""
    memory = (accelerator(table) or {}).get("memory")
    if memory is None:
        return None
    return max(0, int((_bytes(memory) * share - _bytes(table.get("memory_reserve", reserve))) // 1))


def _bytes(value: float | str) -> Fraction:
    """A number of bytes, which may be written in GB."""
    scale = 10**9 if isinstance(value, str) and value.endswith("GB") else 1
    return exact(_number(value)) * scale


def _ends(name: str, value: object) -> list[Limit]:
    table = value if isinstance(value, dict) else {"max": value}
    return [Limit(name, end, exact(_number(table[end]))) for end in ("min", "max") if end in table]


def _number(value: float | str) -> float:
    """A number, which may have its base unit."""
    if not isinstance(value, str):
        return value
    text = value.partition(" ")[0]
    return int(text) if text.isdigit() else float(text)
