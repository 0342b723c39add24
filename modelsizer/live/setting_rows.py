"""Settings that the live page offers with a slider or a menu; all others are text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from modelsizer.live.stops import Stop, amount_text
from modelsizer.live.typed_text import typed
from modelsizer.problems.architecture.accounting import FlopsConvention
from modelsizer.problems.architecture.caching import KvPolicy
from modelsizer.problems.hardware.accelerators import PRECISIONS, accelerators
from modelsizer.problems.hardware.efficiencies import engines
from modelsizer.problems.hardware.training_efficiencies import FRAMEWORKS
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.serving import BITS, Estimate
from modelsizer.problems.tables.training import Recompute

_POWERS = tuple(2**n for n in range(21))
_WAYS = _POWERS[:7]
_BATCHES = tuple(sorted({*_POWERS[:13], *(3 * 2**n for n in range(1, 11))}))
_CONTEXTS = tuple(sorted({*_POWERS[9:21], *(3 * 2**n for n in range(9, 19))}))
_MANY = tuple(sorted({*_POWERS[:17], *(3 * 2**n for n in range(3, 15))}))
_SHARES = tuple(n / 20 for n in range(1, 21))
_TOKENS = tuple(m * 10**n for n in range(9, 15) for m in (1, 2, 3, 5))
_HOURLY = tuple(n / 10 for n in range(2, 20, 2)) + tuple(n / 2 for n in range(4, 25))
_BYTES = (4, 2, 1, 0.5)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """How one setting is offered.

    Parameters
    ----------
    table, name : str
        Its key is ``table.name``.
    kind : {"slider", "menu", "text"}
    values : sequence
        What it offers, in order.
    dimension : str
        A key of `modelsizer.problems.units.UNITS`; empty for words.
    usual : bool
        Whether it is shown where the file does not give it.
    instead : str
        A setting that says the same: where the file gives that one, this one is not offered.
    """

    table: str
    name: str
    kind: Literal["slider", "menu", "text"] = "text"
    values: Sequence[Any] = ()
    dimension: str = ""
    usual: bool = False
    instead: str = ""

    @property
    def key(self) -> str:
        """Its dotted key."""
        return f"{self.table}.{self.name}"

    def hidden(self, raw: Mapping[str, object]) -> bool:
        """Whether a table that says some keys takes no value of this one."""
        return self.name not in raw and self.instead in raw

    def offered(self, own: object) -> list[Any]:
        """What it offers beside a value of the file; the entries of a menu of it first."""
        mine = list(own) if isinstance(own, list | tuple) else []
        every = self.values or (list(accelerators()) if self.name == "accelerator" else [])
        return [*mine, *(value for value in every if value not in mine)]

    def stop(self, value: Any) -> Stop:
        """A stop at a value."""
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        return Stop(value, self.text(value), number)

    def text(self, value: Any) -> str:
        """A value as it is shown and typed."""
        if isinstance(value, list | tuple):
            return f"any of {', '.join(map(self.text, value))}"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.dimension and self.dimension != "count":
            return amount_text(value, self.dimension)
        return typed(value)


def _training(name: str, kind: Any, values: Any, **more: Any) -> SettingRow:
    return SettingRow("training", name, kind, values, **more)


def _serving(name: str, kind: Any, values: Any, **more: Any) -> SettingRow:
    return SettingRow("serving", name, kind, values, **more)


_FLAG = (True, False)
ROWS = (
    _training("accelerator", "menu", (), usual=True, instead="custom_accelerator"),
    _training("accelerators", "slider", _MANY, dimension="count", usual=True),
    _training("sequence_length", "slider", _CONTEXTS, dimension="count", usual=True),
    _training("unique_tokens", "slider", _TOKENS, dimension="tokens"),
    _training("precision", "menu", PRECISIONS),
    _training("mfu", "slider", _SHARES[:16], dimension="count"),
    _training("price_per_hour", "slider", _HOURLY, dimension="dollars"),
    _training("microbatch_size", "slider", _POWERS[:8], dimension="count"),
    _training("zero_stage", "menu", (0, 1, 2, 3)),
    _training("recompute", "menu", get_args(Recompute)),
    _training("expert_parallel", "slider", _WAYS, dimension="count"),
    _training("framework", "menu", FRAMEWORKS),
    _training("flops", "menu", get_args(FlopsConvention)),
    _training("flash_attention", "menu", _FLAG),
    _training("sequence_parallel", "menu", _FLAG),
    _training("dropout", "menu", _FLAG),
    _training("fused_kernels", "menu", _FLAG),
    _serving("accelerator", "menu", (), usual=True, instead="custom_accelerator"),
    _serving("accelerators", "slider", _MANY[:20], dimension="count"),
    _serving("tensor_parallel", "menu", _WAYS, usual=True),
    _serving("expert_parallel", "menu", _WAYS),
    _serving("batch_size", "slider", _BATCHES, dimension="count", usual=True),
    _serving("context_length", "slider", _CONTEXTS, dimension="count", usual=True),
    _serving("prompt_length", "slider", _CONTEXTS, dimension="count"),
    _serving("output_length", "slider", _BATCHES, dimension="count"),
    _serving("weight_bits", "menu", BITS, usual=True, instead="weight_bytes"),
    _serving("weight_bytes", "menu", _BYTES, instead="weight_bits"),
    _serving("kv_bits", "menu", BITS, usual=True, instead="kv_bytes"),
    _serving("kv_bytes", "menu", _BYTES, instead="kv_bits"),
    _serving("memory_utilization", "slider", _SHARES[9:], dimension="count"),
    _serving("engine", "menu", engines()),
    _serving("compute", "menu", PRECISIONS),
    _serving("latency", "menu", get_args(Estimate)),
    _serving("kv_policy", "menu", get_args(KvPolicy)),
    SettingRow("lifetime", "inference_tokens", "slider", _TOKENS, "tokens"),
)
"""Rows in the order in which they are shown."""
