"""Layouts that a search looks at: none is left out but for one that is as good for every design."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.tables.searched import _undominated, searched
from modelsizer.problems.quantities.quantity import values_of
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of

MENUS = {
    "training.accelerator": ["H100-SXM", "A100-80GB-SXM"],
    "training.accelerators": [8, 16],
    "training.price_per_hour": 2.5,
    "serving.accelerator": ["H100-SXM", "L40S"],
    "serving.tensor_parallel": [1, 2],
    "budgets.decode_latency": "40 ms",
    "budgets.training_time": "60 days",
    "budgets.training_memory": "60 GB",  # or else less fits one accelerator than the other
}


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_left_out_only_for_others_as_small(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key, terms = rng.integers(0, 4, 120), rng.integers(0, 4, (120, 3))
    found = _undominated(key, terms)
    for i in range(len(key)):
        below = [
            j
            for j in range(len(key))
            if key[j] == key[i]
            and (terms[j] <= terms[i]).all()
            and ((terms[j] < terms[i]).any() or j < i)
        ]
        assert (i in found) == (not below)


def test_setups_of_equal_settings_are_of_one_class() -> None:
    problem = Problem.load("one-h100-1e24").with_settings(MENUS)
    assert len(problem.setups) == 8
    for reads in (*(cost_of(name).reads for name in QUANTITIES if QUANTITIES[name].affine), None):
        values = [values_of(one.settings, reads) for one in problem.setups]
        assert problem.setup_classes(reads) == [
            list(dict.fromkeys(values)).index(each) for each in values
        ]


def test_layouts_are_searched_in_their_order() -> None:
    problem = Problem.load("one-h100-1e24").with_settings(MENUS)
    found = searched(problem)
    assert 0 < len(found) < len(problem.layouts)
    assert list(found) == [layout for layout in problem.layouts if layout in {*found}]
