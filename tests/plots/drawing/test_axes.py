"""Ticks of time axes, and labels of ticks."""

from __future__ import annotations

import random

import pytest

from modelsizer.plots.drawing.axes import tick, times
from modelsizer.problems.units import parse_quantity


@pytest.mark.parametrize("log", [False, True])
def test_ticks_of_time_are_whole_numbers_of_their_unit(log: bool) -> None:
    r = random.Random(f"times {log}")
    for _ in range(300):
        low = 10 ** r.uniform(-6, 8)
        high = low * 10 ** r.uniform(0.1, 1.5 if not log else 8)
        found = times(low, high, log=log)
        assert 2 <= len(found) <= 13, (low, high)
        assert found == sorted(set(found))
        assert low * (1 - 1e-8) <= found[0] < found[-1] <= high * (1 + 1e-8)
        for value in found:
            text = tick(value, "training_time", 4)
            assert parse_quantity(text, "seconds") == pytest.approx(value, rel=1e-9), text


@pytest.mark.parametrize(
    ("low", "high", "log", "labels"),
    [
        (4e6, 1.6e7, False, ["60 days", "90 days", "120 days", "150 days", "180 days"]),
        (2e3, 9e4, True, ["1 h", "2 h", "3 h", "6 h", "12 h", "1 day"]),
        (3e3, 9e3, False, ["1 h", "1.5 h", "2 h", "2.5 h"]),
        (5e-3, 8e-2, True, ["5 ms", "10 ms", "20 ms", "50 ms"]),
    ],
)
def test_times_that_are_read_at_a_glance(
    low: float, high: float, log: bool, labels: list[str]
) -> None:
    assert [tick(value, "training_time", 4) for value in times(low, high, log=log)] == labels


def test_counts_and_losses_have_no_padded_exponent() -> None:
    assert tick(1e6, "layers") == "1e6"
    assert tick(2e-5, "loss") == "2e-5"
    assert tick(128256, "vocab_size") == "128256"
