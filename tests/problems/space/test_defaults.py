"""What a space leaves to defaults is said in one line, and is what its designs have."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.space.defaults import defaults_line
from tests.support.enumerated import designs_of

SPACE = {"layers": {"min": 12, "max": 24}, "d_model": 1024, "kv_heads": 4, "vocab_size": 32000,
         "head_dim": 64, "ffn_ratio": 3.5, "block": "llama", "tied_embeddings": False}  # fmt: skip
OPEN = {"layers": 12, "d_model": 1536, "vocab_size": 32000}
EXPERTS = {"routed": 8, "active": 2, "granularity": 2}
LATENT = {"heads": 16, "q_lora_rank": 0}


def problem_of(space: dict[str, Any]) -> Problem:
    return Problem.from_tables({"space": space, "budgets": {"training_flops": 1e20}})


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, ""),
        ({"block": "gemma3"}, "one full layer in 6, between windows of 1,024 of gemma3"),
        ({"block": ["gemma3", "llama"]}, "one full layer in 6, between windows of 1,024 of gemma3"),
        ({"block": "gemma3", "full_every": 1}, ""),
        ({"block": "gemma3", "full_every": [1, 3], "window": 512}, ""),
        ({"block": "gemma3", "full_every": 4}, "windows of 1,024 of gemma3"),
        ({"block": "qwen3-next"}, "one full layer in 4, between gated-deltanet of qwen3-next"),
        ({"block": "gemma3", "between": "mamba2"}, "one full layer in 6 of gemma3"),
        ({"experts": EXPERTS}, "no shared experts, no dense layers beside experts"),
        (
            {"attention": "latent", "latent": LATENT},
            "kv_lora_rank 512, rope_dim 64, nope_dim 128, value_dim 128",
        ),
    ],
)
def test_the_line(space: dict[str, Any], said: str) -> None:
    assert defaults_line(problem_of(SPACE | space).space) == (f"defaults: {said}" if said else "")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            {},
            "block llama, head_dim 128, kv_heads heads/8, heads/4 or heads, ffn_ratio 8/3, "
            "untied embeddings",
        ),
        ({"block": "gpt2", "tied_embeddings": True}, "head_dim 128, kv_heads heads, ffn_ratio 4"),
        (
            {"block": "qwen3", "tied_embeddings": True, "d_ff": 4096, "heads": 12},
            "kv_heads heads/8, heads/4 or heads",
        ),
    ],
)
def test_what_is_left_out(space: dict[str, Any], said: str) -> None:
    assert defaults_line(problem_of(OPEN | space).space) == f"defaults: {said}"


def test_an_answer_says_it_of_its_own_kinds_of_layer() -> None:
    found = solve(problem_of(SPACE | {"block": "gemma3"}))
    (line,) = found.to_dict()["notes"]
    assert line == "defaults: one full layer in 6, between windows of 1,024 of gemma3"
    best = found.best.architecture
    assert {getattr(g.layer.attention, "window", None) for g in best.groups} == {None, 1024}
    dense = solve(problem_of(SPACE | {"block": ["gemma3", "llama"], "full_every": 1}))
    assert dense.notes == []


@pytest.mark.parametrize(
    ("space", "shares"),
    [
        ({}, [3, 12]),  # 12 heads
        ({"heads": 32}, [4, 8, 32]),
        ({"heads": 6}, [6]),
        ({"heads": 32, "block": "gpt2"}, [32]),
        ({"heads": 32, "block": "gpt-neox"}, [32]),
        ({"heads": 32, "block": ["gpt2", "qwen3"]}, [4, 8, 32]),
        ({"heads": 32, "kv_heads": 16}, [16]),
        ({"heads": 32, "kv_group": [2, 16]}, [2, 16]),
    ],
)
def test_kv_heads_left_out_are_the_grouped_ones(space: dict[str, Any], shares: list[int]) -> None:
    found = {d.architecture.groups[0].layer.attention.kv_heads
             for d in designs_of(problem_of(OPEN | space))}  # fmt: skip
    assert sorted(found) == shares


def test_blocks_of_multi_head_families_alone_keep_all_heads() -> None:
    assert {name for name, block in BLOCKS.items() if 1 in block.kv_groups} == set(BLOCKS)
    assert {name for name, block in BLOCKS.items() if block.kv_groups == (1,)} == {
        "gpt2",
        "gpt-neox",
    }


@pytest.mark.parametrize("solver", ["bound", "scipy", "exhaustive"])
def test_solvers_agree_on_kv_heads_left_out(solver: str) -> None:
    tables = {"space": {"layers": {"min": 8, "max": 24}, "d_model": {"min": 512, "max": 2048},
                        "vocab_size": 32000, "block": ["gpt2", "llama"], "head_dim": 64},
              "serving": {"batch_size": 64}, "budgets": {"training_flops": 1e20,
              "kv_cache": "4 GB"}}  # fmt: skip
    problem = Problem.from_tables(tables)
    found = solve(problem, solver=solver)
    best = min((d for d in designs_of(problem) if d.feasible), key=lambda d: d.loss)
    assert found.best.loss == best.loss and found.best.architecture == best.architecture
