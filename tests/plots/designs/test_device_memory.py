"""The picture of a design on several accelerators reads at both sizes, however full they are."""

from __future__ import annotations

from fractions import Fraction

import pytest

from modelsizer.plots import device_memory
from modelsizer.problems.designs.filled_devices import FilledDevice, FilledDevices
from modelsizer.problems.hardware.accelerators import accelerators
from tests.support.figure_checks import check

GB = 10**9
PARTS = ("weights", "KV cache", "states", "engine's reserve")


def bar(name: str, memory: int, taken: int) -> FilledDevice:
    parts = tuple((part, Fraction(taken, len(PARTS))) for part in PARTS)
    return FilledDevice(name, memory, parts, Fraction(memory * 9, 10), 1)


@pytest.mark.parametrize(("size", "taken"), [("wide", 5000), ("column", 60)])
def test_bars_of_many_and_of_one_read(size: str, taken: int) -> None:
    known = sorted((a.memory, a.name) for a in accelerators().values() if a.memory is not None)
    rows = tuple(bar(name, int(memory), taken * GB) for memory, name in known[::6])
    check(device_memory(FilledDevices(rows, (), 8), title="a design", size=size))
    check(device_memory(FilledDevices(rows[:1], ("M2-Ultra",), 1), size=size))


def test_nothing_known_is_told() -> None:
    with pytest.raises(ValueError, match="that of M2-Ultra is not known"):
        device_memory(FilledDevices((), ("M2-Ultra",), 1))
