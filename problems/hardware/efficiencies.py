"""Shares of an accelerator's peak reached by measured runs: defaults with their spread."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.records import dataclass

_SIXTEEN, _EIGHT, _FOUR = "16", "8", "4"


@dataclass(frozen=True, slots=True)
class Estimates:
    """10th percentile, median and 90th percentile of a figure over measured runs."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class Decode:
    """Efficiency and overhead of a step.

    Parameters
    ----------
    bandwidth : float
        Share of the memory bandwidth reached.
    overhead : float
        Seconds per layer.
    """

    bandwidth: float
    overhead: float


@cache
def _table() -> dict[str, Any]:
    file = Path(__file__).parent / "efficiencies.toml"
    return tomllib.loads(file.read_text("utf-8"))


def engines() -> tuple[str, ...]:
    """Engines with an efficiency of their own."""
    return tuple(_table()["engines"])


def decode(device: Accelerator, weight_bits: float, engine: str | None = None) -> Decode:
    """Bandwidth share and overhead of decoding, by memory type and bits per weight.

    Bits are those of the nearest measured format, so that 8 bits with their scales count as 8.
    """
    row = _table()["decode"][device.memory_type]
    key = _SIXTEEN if weight_bits > 12 else _EIGHT if weight_bits > 6 else _FOUR
    factor = _table()["engines"][engine].get(device.memory_type, 1.0) if engine else 1.0
    return Decode(row[key] * factor, row["overhead"])


def prefill(precision: str) -> Decode:
    """Share of dense FLOP/s and overhead of prefill."""
    row = _table()["prefill"]
    return Decode(row[precision], row["overhead"])


def link_latency() -> float:
    """Seconds of a small all-reduce."""
    return float(_table()["link"]["latency"])


def decode_spread(device: Accelerator) -> Estimates:
    """Ratio of measured to predicted decode time on devices with this memory type."""
    low, high = _table()["spread"][device.memory_type]
    return Estimates(low, 1.0, high)


def prefill_spread() -> Estimates:
    """Ratio of measured to predicted time to first token."""
    low, high = _table()["spread"]["prefill"]
    return Estimates(low, 1.0, high)
