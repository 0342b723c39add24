"""Warnings of designs whose figures rest on more than was measured."""

from __future__ import annotations

import pytest

from modelsizer import Problem, solve

TABLES = {
    "space": {"layers": 16, "d_model": 2048, "head_dim": 128, "kv_heads": 16, "heads": 16,
              "ffn_ratio": 4, "ffn_multiple": 256, "vocab_size": 65536},
    "training": {"accelerator": "H100-SXM", "accelerators": 64, "tensor_parallel": 8},
    "serving": {"accelerator": "H100-SXM", "tensor_parallel": 8},
    "budgets": {"training_flops": 1e20},
}  # fmt: skip


@pytest.mark.parametrize("table", ["serving", "training"])
def test_ways_beyond_a_server_are_warned_of(table: str) -> None:
    """Menus far too wide end in ways over which neither link nor MFU holds."""
    problem, key = Problem.from_tables(TABLES), f"{table}.tensor_parallel"
    assert not [each for each in solve(problem).warnings if each.key == key]
    for wide in (16, [16]):
        found = solve(problem.with_settings({key: wide})).warnings
        assert any(each.text.startswith(f"{key} = 16 is taken") for each in found)
