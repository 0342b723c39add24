"""What serving engines reach of an accelerator's peak, by measured runs, with their spread."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.records import dataclass

_SIXTEEN, _EIGHT, _FOUR = "16", "8", "4"
MOST_EIGHT, _MOST_FOUR = 12, 6
"""Bits up to which a format counts as 8, and as 4: halfway to the next one."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """10th percentile, median and 90th percentile of a figure over measured runs."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class Reached:
    """What a step reaches of an accelerator, and what it takes beside moving and computing.

    Parameters
    ----------
    bandwidth, compute : float
        Shares of the memory bandwidth, in reading matrices, and of the dense FLOP/s.
    overhead : float
        Seconds per layer.
    mixture : float
        Further seconds per layer with routed experts.
    sequence, routed_value : float
        Seconds per sequence, and per value that is handed to an expert.
    adds : bool
        Whether the step takes the sum of moving and computing, not the longer of the two.
    plain : float
        Share of the memory bandwidth in reading what no kernel converts: the cache, states, and
        weights of 16 bits.
    """

    bandwidth: float
    compute: float
    overhead: float
    mixture: float = 0.0
    sequence: float = 0.0
    routed_value: float = 0.0
    adds: bool = False
    plain: float = 1.0


@cache
def _table() -> dict[str, Any]:
    file = Path(__file__).parent / "efficiencies.toml"
    return tomllib.loads(file.read_text("utf-8"))


def engines() -> tuple[str, ...]:
    """Engines whose steps are known, and "none" for the roofline alone."""
    return tuple(_table()["engines"])


def default_engine(device: Accelerator) -> str:
    """The engine that a device is served by unless one is named."""
    server = device.memory_type == "HBM" or (device.memory_type == "GDDR" and device.server)
    return "vllm" if server else "llama.cpp"


def _format(bits: float) -> str:
    """The nearest measured format, so that 8 bits with their scales count as 8."""
    return _SIXTEEN if bits > MOST_EIGHT else _EIGHT if bits > _MOST_FOUR else _FOUR


def _by_vendor(device: Accelerator) -> str:
    """Type of memory of one vendor's devices, as Apple's, which tables may have by themselves."""
    return f"{device.vendor} {device.memory_type}"


def decode(
    device: Accelerator, engine: str, *, weight_bits: float, expert_bits: float, precision: str
) -> Reached:
    """What a decode step of an engine reaches.

    Parameters
    ----------
    device : Accelerator
    engine : str
        One of `engines()`. What it does not say is that of `[decode]` and `[prefill]`.
    weight_bits, expert_bits : float
        Bits per weight of the matrices with the fewest, and of routed experts.
    precision : {"bf16", "fp8", "fp4"}
        Precision of the matrix multiplications.
    """
    table = _table()
    how = table["engines"][engine]
    usual = table["decode"][device.memory_type]
    own = how.get(_by_vendor(device), how.get(device.memory_type, {}))
    used = usual | {k: v for k, v in how.items() if k == "overhead"} | own
    eights = precision == "fp8" or _format(expert_bits) == _EIGHT
    return Reached(
        used[_format(weight_bits)],
        how.get("compute", table["prefill"][precision]),
        used["overhead"],
        how["mixture_8_bits"] if eights and "mixture_8_bits" in how else 0.0,
        how.get("sequence", 0.0),
        how.get("routed_value", 0.0),
        how["step"] == "sum",
        used[_SIXTEEN],
    )


def prefill(precision: str) -> tuple[float, float]:
    """Share of dense FLOP/s, and seconds per layer, of a prefill."""
    row = _table()["prefill"]
    return row[precision], row["overhead"]


def link_latency() -> float:
    """Seconds of a small all-reduce."""
    return float(_table()["link"]["latency"])


def decode_spread(device: Accelerator, engine: str, ways: int) -> Estimates:
    """Ratio of measured to predicted time of a decode step, of rows like it.

    Parameters
    ----------
    device : Accelerator
    engine : str
    ways : int
        Tensor parallelism.
    """
    memory = (device.memory_type, _by_vendor(device))
    for row in _table()["spread"]["decode"]:
        if (
            engine in row.get("engines", (engine,))
            and not set(memory).isdisjoint(row.get("memory", memory))
            and ways <= row.get("ways", ways)
        ):
            low, high = row["ratio"]
            return Estimates(low, 1.0, high)
    raise AssertionError("the last entry holds for any step")


def prefill_spread() -> Estimates:
    """Ratio of measured to predicted time to first token."""
    low, high = _table()["spread"]["prefill"]
    return Estimates(low, 1.0, high)
