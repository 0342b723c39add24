"""Menus of numbers as runs of equal steps."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsizer.problems.tables.menus import Interval, Menu, Steps, arithmetic_runs


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        ((), []),
        ((7,), [(7, 1, 1)]),
        ((7, 9), [(7, 2, 2)]),
        ((1, 2, 3, 5, 7), [(1, 1, 3), (5, 2, 2)]),
        ((1, 2, 4, 6), [(1, 1, 1), (2, 2, 3)]),
        ((1, 2, 4, 8), [(1, 1, 1), (2, 1, 1), (4, 4, 2)]),
    ],
)
def test_a_pair_that_another_step_follows_is_split(
    values: tuple[int, ...], runs: list[tuple[int, int, int]]
) -> None:
    assert [run if run[2] > 1 else (run[0], 1, 1) for run in arithmetic_runs(values)] == runs


@given(st.sets(st.integers(1, 60)))
def test_runs_hold_every_value_once_in_order(drawn: set[int]) -> None:
    values = tuple(sorted(drawn))
    runs = arithmetic_runs(values)
    assert tuple(start + step * n for start, step, count in runs for n in range(count)) == values
    assert all(step > 0 and count > 0 for _, step, count in runs)


@pytest.mark.parametrize("value", [Menu((1, 2)), Steps(1, 9, 2), Interval(1, 2)])
def test_menus_are_frozen(value: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)
