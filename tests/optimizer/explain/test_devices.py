"""Limits of accelerators in conflicts and repairs."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, explain, solve

KEY = "budgets.serving_memory"
TABLES: dict[str, Any] = {
    "space": {"layers": [32, 48], "d_model": [6144, 8192], "head_dim": 128, "kv_heads": 8,
              "ffn_ratio": 3.5, "vocab_size": 32_000},
    "serving": {"accelerator": "H100-SXM", "batch_size": 128, "context_length": 4096},
    "budgets": {"training_flops": 1e23},
}  # fmt: skip


def test_another_accelerator_repairs_what_does_not_fit() -> None:
    problem = Problem.from_tables(TABLES)
    found = explain(problem)
    assert found.feasible is False and found.conflicts == ((KEY,),)
    repairs = {repair.key: repair for repair in found.repairs}
    made = {"serving.accelerator", "serving.accelerators", "serving.batch_size",
            "serving.kv_bytes", "serving.context_length", KEY}  # fmt: skip
    assert made <= repairs.keys()
    for key in made:
        assert solve(problem.with_settings(repairs[key].made)).status == "optimal", key
    of_device = repairs[KEY]
    assert of_device.device == "H100-SXM" and of_device in found.far
    assert of_device.to_dict()["fits"] == "H100-SXM"
    assert solve(problem.without(KEY)).status == "optimal"


@pytest.mark.slow
def test_more_ways_are_added_to_those_offered_by_default() -> None:
    tables = {k: v for k, v in TABLES.items() if k != "serving"}
    cluster = {"accelerator": "H100-SXM", "accelerators": 64, "sequence_length": 65536,
               "microbatch_size": 6}  # fmt: skip
    problem = Problem.from_tables(tables | {"training": cluster})
    found = explain(problem)
    assert found.conflicts == (("budgets.training_memory",),)
    tensor = next(r for r in found.repairs if r.key == "training.tensor_parallel")
    assert tensor.made["training.tensor_parallel"][:4] == [1, 2, 4, 8]
    assert tensor.made["training.pipeline_parallel"] == [1, 2, 4, 8, 16, 32, 64]
    assert solve(problem.with_settings(tensor.made)).status == "optimal"
