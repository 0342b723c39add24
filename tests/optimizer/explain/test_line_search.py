"""Ordinals of limits, and the first feasible one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from modelsizer.optimizer.constraints import Constraint
from modelsizer.optimizer.explain.line_search import at_position, edge, position
from modelsizer.problems.units import exact


def test_places_of_values() -> None:
    memory = Constraint("budgets.serving_memory", "serving_memory", "max", 1)
    assert position(memory, Fraction(7, 2), up=True) == 4
    assert position(memory, Fraction(7, 2), up=False) == 3
    latency = Constraint("budgets.decode_latency", "decode_latency", "max", 1)
    for value in (Fraction(1, 3), Fraction(1, 10), Fraction(22, 7)):
        up, down = (at_position(latency, position(latency, value, up=u)) for u in (True, False))
        assert exact(down) <= value <= exact(up)
        assert up in (down, math.nextafter(down, math.inf))


@pytest.mark.parametrize("outward", [1, -1, 4, -4])
def test_edges_are_found_from_any_guess(outward: int) -> None:
    for distance in (1, 2, 3, 17, 1000):
        for guess in (0, 1, 5, 900, 5000):
            asked: dict[int, int] = {}

            def holds(place: int, distance: int = distance, asked: Any = asked) -> bool:
                asked[place] = asked.get(place, 0) + 1
                return abs(place - 50) >= distance * abs(outward)

            found = edge(holds, 50, 50 + guess * outward, outward)
            assert found == 50 + distance * outward
            assert len(asked) < 40
    last = 50 + 1000 * outward
    assert edge(lambda place: place == last, 50, 50, outward, last) == last
