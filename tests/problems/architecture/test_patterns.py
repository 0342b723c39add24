"""Rows of patterns of layers against every depth listed one by one."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from modelsizer.problems.architecture.patterns import Every


@pytest.mark.parametrize("period", [2, 3, 6])
def test_each_depth_with_a_layer_of_the_first_kind_is_listed_once(period: int) -> None:
    ranges = [
        (start, step, count)
        for start, step, count in itertools.product((1, 2, 5, 12), (1, 2, 3, 6), (1, 2, 5))
    ]
    start, step, count = np.array(ranges, dtype=np.int64).T
    wanted = Counter(
        (run, depth // period, depth - depth // period)
        for run, (low, each, many) in enumerate(ranges)
        for depth in range(low, low + each * many, each)
        if depth >= period
    )
    found: Counter[tuple[int, int, int]] = Counter()
    for runs, depths in Every(period).rows(start, step, count):
        for row, run in enumerate(runs):
            for j in range(int(depths.count[row, 0])):
                first, second = depths.start[row] + depths.step[row, :, 0] * j
                found[int(run), int(first), int(second)] += 1
    assert found == wanted
    assert set(wanted.values()) == {1}
