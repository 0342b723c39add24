"""Changes of single settings, where others offer several values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modelsizer import Problem
from modelsizer.optimizer.explain.setting_repairs import can_help
from modelsizer.optimizer.explain.setting_steps import SETTINGS, steps
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
    assert able and key not in able
    assert all(isinstance(steps(problem, each), list) for each in able)
