"""Ways of serving: which go together, and what they leave to each accelerator."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.typed_keys import TableError


@pytest.mark.parametrize(
    ("given", "groups", "devices", "slices"),
    [
        ({}, 1, 1, 1),
        ({"tensor_parallel": 8, "expert_parallel": 8}, 1, 8, 1),
        ({"tensor_parallel": 8, "expert_parallel": 2}, 1, 8, 4),
        ({"tensor_parallel": 2, "expert_parallel": 16}, 8, 16, 1),
        ({"tensor_parallel": 2, "expert_parallel": 4, "accelerators": 8}, 2, 8, 1),
        ({"tensor_parallel": 2, "attention_data_parallel": 4}, 4, 8, 8),
        ({"attention_data_parallel": 8, "expert_parallel": 4, "tensor_parallel": 2}, 8, 16, 4),
    ],
)
def test_groups(given: dict[str, Any], groups: int, devices: int, slices: int) -> None:
    serving = Serving.model_validate(given)
    assert (serving.groups, serving.devices, serving.expert_slices) == (groups, devices, slices)


def test_the_largest_group_holds_the_sequences_that_are_over() -> None:
    assert Serving(batch_size=9, attention_data_parallel=4).group_batch == 3


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        ({"tensor_parallel": 8, "expert_parallel": 12}, "expert_parallel", "12 neither divides"),
        (
            {"attention_data_parallel": 4, "expert_parallel": 8},
            "expert_parallel",
            "8 does not divide tensor_parallel = 1 x attention_data_parallel = 4",
        ),
        (
            {"expert_parallel": 8, "accelerators": 12},
            "",
            "12 is not a multiple of expert_parallel = 8",
        ),
        ({"expert_imbalance": 0.5}, "expert_imbalance", "0.5 is not an imbalance"),
    ],
)
def test_ways_that_do_not_go_together(given: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        Serving.model_validate(given)
    assert [name for name, _ in caught.value.faults] == [key]
    assert words in caught.value.faults[0][1]
