"""Blocks with sinks, gates, biases of routers and patterns of their own: searches against lists."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.tables import store

SPACE: dict[str, Any] = {
    "layers": [8, 13, 24], "d_model": {"min": 512, "max": 1536, "step": 256}, "head_dim": 64,
    "kv_heads": [2, 4], "vocab_size": 32000,
    "experts": {"routed": [0, 16, 64], "active": [2, 4], "granularity": [2, 4], "shared": [0, 1],
                "dense_layers": [0, 1]},
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "qwen3-next": {"linear": {"key_heads": 8, "value_heads": [8, 16]}},
    "gpt-oss": {},
    "nemotron-h": {"linear": {"heads": [16, 32], "head_dim": 32}},
    "deepseek": {"latent": {"heads": [8, 16], "kv_lora_rank": [256, 512]}},
}


@pytest.mark.parametrize("block", OWN)
def test_blocks_are_searched_exactly(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.from_tables(
        {
            "space": SPACE | OWN[block] | {"block": block},
            "budgets": {"training_flops": 3e20, "serving_memory": "3 GB"},
            "training": {"sequence_length": 8192},
            "serving": {"context_length": 32768},
        }
    )
    listed = solve(problem, solver="exhaustive")
    monkeypatch.setattr(store, "LISTABLE", 0)
    found = solve(problem, solver="bound")
    assert found.status == listed.status == "optimal"
    assert found.best.architecture == listed.best.architecture
    assert found.objective.value == listed.objective.value
    assert found.best.architecture.block == block
