"""Changes of single settings, where others offer several values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modelsizer import Problem
from modelsizer.optimizer.explain.setting_repairs import can_help
from modelsizer.optimizer.explain.setting_steps import SETTINGS, steps
from modelsizer.problems.hardware.accelerators import accelerators
from tests.support.machine_menus import MENUS

TABLES = {
    "space": {"layers": 16, "d_model": 2048, "head_dim": 128, "kv_heads": 8,
              "ffn_ratio": 4, "ffn_multiple": 256, "vocab_size": 65536},
    "training": {"accelerator": "H100-SXM", "accelerators": 16, "tokens": 1e12},
    "serving": {"accelerator": "H100-SXM", "weight_bits": 8, "kv_bits": 8},
}  # fmt: skip
SPECULATION = {"kind": "mtp", "length": [0, 2], "acceptance": 0.5}


@pytest.mark.parametrize("key", [*MENUS, "serving.attention_data_parallel", "serving.speculation"])
def test_settings_that_go_with_an_offered_one_have_no_next_value(key: str) -> None:
    menu = SPECULATION if key == "serving.speculation" else MENUS.get(key, [1, 2])
    problem = Problem.from_tables(TABLES).with_settings({key: menu})
    oracle: Any = SimpleNamespace(relaxer=SimpleNamespace(origin=problem, limits=()))
    able = [each for each in SETTINGS if can_help(oracle, each, ())]
    assert able
    assert all(isinstance(steps(problem, each), list) for each in able)


@pytest.mark.parametrize(
    ("key", "offered", "next_ones"),
    [
        ("serving.accelerators", [1, 2], [3, 4, 8]),
        ("serving.weight_bits", [16, 8], [4]),
        ("training.zero_stage", [0, 2], [1, 3]),
        ("serving.tensor_parallel", [1, 2], [4]),
    ],
)
def test_one_more_value_is_offered_beside_those_of_a_menu(
    key: str, offered: list[int], next_ones: list[int]
) -> None:
    problem = Problem.from_tables(TABLES).with_settings({key: offered})
    found = steps(problem, key)
    assert set(next_ones) <= {repair.value for repair in found}
    assert not {repair.value for repair in found} & {*offered}
    for repair in found:
        assert repair.made[key] == [*offered, repair.value]
        assert repair.before in offered and (repair.cost or 0) > 0
    costs = [repair.cost for repair in found]
    assert costs == sorted(costs)


def test_another_accelerator_is_one_that_its_user_may_have() -> None:
    known = accelerators()
    for own, vendors in (("RTX-4090", {"NVIDIA", "AMD"}), ("MI300X", {"AMD", "NVIDIA"})):
        problem = Problem.from_tables(TABLES).with_settings({"serving.accelerator": own})
        found = steps(problem, "serving.accelerator")
        assert found and {known[str(repair.value)].vendor for repair in found} <= vendors
        assert known[str(found[0].value)].vendor == known[own].vendor
    tpu = Problem.from_tables(TABLES).with_settings({"serving.accelerator": "TPU-v4"})
    assert "Google" in {known[str(r.value)].vendor for r in steps(tpu, "serving.accelerator")}
    two = Problem.from_tables(TABLES).with_settings({"serving.accelerator": ["RTX-4090", "L40S"]})
    assert all(
        repair.made["serving.accelerator"] == ["RTX-4090", "L40S", repair.value]
        for repair in steps(two, "serving.accelerator")
    )
