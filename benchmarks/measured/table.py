"""All rows, and a summary of measured over predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.measured.decode import decode_rows
from benchmarks.measured.memory import kv_rows, memory_rows
from benchmarks.measured.rows import Row
from benchmarks.measured.training import training_rows


def all_rows(data: Path) -> list[Row]:
    return [*decode_rows(data), *training_rows(data), *memory_rows(data), *kv_rows(data)]


def summary(rows: list[Row]) -> list[tuple[str, str, str, int, float, float, float, float, float]]:
    """Quantity, engine, device, rows, median, 10 % and 90 % of measured / predicted, and shares."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for r in rows:
        groups.setdefault((r.quantity, r.engine, r.device), []).append(r.ratio)
    found = []
    for (quantity, engine, device), ratios in groups.items():
        x = np.array(ratios)
        low, middle, high = np.quantile(x, [0.1, 0.5, 0.9])
        found.append((quantity, engine, device, len(x), middle, low, high, *shares(x)))
    return found


def shares(ratios: np.ndarray) -> tuple[float, float]:
    """Shares of rows within 20 % and within a factor of 2."""
    near = (ratios >= 1 / 1.2) & (ratios <= 1.2)
    twice = (ratios >= 0.5) & (ratios <= 2)
    return float(near.mean()), float(twice.mean())
