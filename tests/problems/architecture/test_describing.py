"""The architecture of an answer: what it has, and that it reads back to the same design."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelsizer.problems.architecture.answers import from_answer
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.describing import architecture_dict, design_architecture
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.structures import (
    Structure,
    counts_of,
    is_full,
    order_of,
    structure_of,
)
from modelsizer.problems.designs.costs import architecture_at
from modelsizer.problems.problem import Problem
from tests.support.drawn_designs import built, design

KEYS = ("attention", "full_layers", "between", "window", "routed_experts", "active_experts",
        "expert_d_ff", "shared_experts", "dense_layers", "kv_lora_rank", "q_lora_rank", "rope_dim",
        "nope_dim", "value_dim")  # fmt: skip


def answer(architecture: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(design_architecture(architecture)))
    return found


@pytest.mark.parametrize("seed", range(60))
def test_designs_read_back(seed: int) -> None:
    drawn = design(seed)
    again = from_answer({"architecture": answer(drawn)})
    assert again == drawn and again.stack() == drawn.stack() is not None


def test_order_of_layers() -> None:
    found = built(Structure("llama", between="window", experts=True), 9, 3, 4)
    stack = found.stack() or []
    assert [i for i, x in enumerate(stack, 1) if x.attention.window is None] == [3, 6, 9]
    assert [i for i, x in enumerate(stack, 1) if x.ffn.d_ff == 256] == [1, 2, 3, 4]
    assert [g["count"] for g in answer(found)["groups"]] == [1, 2, 3, 3]


def full(architecture: Architecture) -> list[int]:
    """Positions of full layers, counted from 1."""
    return [i for i, layer in enumerate(architecture.stack() or [], 1) if is_full(layer)]


def test_the_period_that_was_asked_for_remains() -> None:
    asked = built(Structure("llama", between="window"), 11, 5)
    assert full(asked) == full(from_answer({"architecture": answer(asked)})) == [5, 10]
    counts = counts_of(structure_of(asked), asked)
    order = order_of(structure_of(asked), counts, ())
    spread = replace(asked, order=order)
    assert full(spread) == full(from_answer({"architecture": answer(spread)})) == [6, 11]
    assert answer(spread)["full_every"] is None
    old = {key: value for key, value in answer(asked).items() if key != "full_every"}
    assert full(from_answer({"architecture": old})) == [4, 8]


def test_the_order_of_solved_designs_is_that_of_the_space() -> None:
    space = {"layers": 14, "d_model": 256, "head_dim": 64, "kv_heads": 1, "vocab_size": 1000,
             "window": 512}  # fmt: skip
    for more, places in (
        ({"full_every": 6}, [6, 12]),
        ({"full_every": 7}, [7, 14]),
        ({"full_layers": 4}, [4, 7, 11, 14]),
    ):
        tables = {"space": space | more, "budgets": {"training_flops": 1e18}}
        found = Problem.from_tables(tables)
        for _, options in found.options():
            assert full(architecture_at(found, options, 0, [0] * len(options.depths.count[0]))) == (
                places
            )


def test_an_order_that_no_space_gives_is_not_known() -> None:
    structure = Structure("llama", between="window", experts=True)
    assert order_of(structure, (2, 0, 0, 2)) == ()


def test_what_a_design_has_not_is_null() -> None:
    plain = answer(built(Structure("llama")))
    assert {key: plain[key] for key in KEYS} == dict.fromkeys(KEYS) | {
        "attention": "grouped", "full_layers": 3,
    }  # fmt: skip
    mixed = answer(built(Structure("llama", "latent", "gated-deltanet", False, True), 4, 2))
    assert (mixed["kv_heads"], mixed["head_dim"], mixed["d_ff"], mixed["window"]) == (None,) * 4
    assert (mixed["shared_experts"], mixed["dense_layers"], mixed["full_layers"]) == (0, 0, 2)
    direct = answer(built(Structure("llama", "latent"), q_lora_rank=0))
    assert direct["q_lora_rank"] == 0
    assert answer(built(Structure("qwen3", between="mamba2")))["between"] == "mamba2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"full_layers": 3}, "full_layers = 3 contradicts the rest, which has 2"),
        ({"window": 16}, "no layer of this block"),
        ({"attention": "latent"}, "kv_lora_rank is null"),
        ({"attention": "wide"}, "attention must be one of grouped, latent"),
        ({"between": "mamba"}, "between must be null or one of window"),
        ({"dense_layers": 0}, "dense_layers = 0 contradicts the rest"),
        ({"layers": 7}, "groups hold 6 of 7 layers"),
        ({"d_ff": None}, "is no layer of this block"),
        ({"kv_lora_rank": 512}, "kv_lora_rank = 512 contradicts the rest, which has None"),
    ],
)
def test_an_answer_that_contradicts_itself(change: dict[str, Any], words: str) -> None:
    found = answer(built(Structure("llama", between="window", experts=True), 6, 3))
    with pytest.raises(ConfigError, match=words):
        from_answer({"architecture": found | change})


def test_answers_of_earlier_versions() -> None:
    whole = answer(built(Structure("gpt2")))
    old = {key: value for key, value in whole.items() if key not in {*KEYS, "groups"}}
    assert from_answer({"architecture": old}) == built(Structure("gpt2"))


def test_keys_of_published_models() -> None:
    v3 = architecture_dict(models()["deepseek-v3"].architecture)
    assert {key: v3[key] for key in KEYS} == {
        "attention": "latent", "full_layers": 61, "between": None, "window": None,
        "routed_experts": 256, "active_experts": 8, "expert_d_ff": 2048, "shared_experts": 1,
        "dense_layers": 3, "kv_lora_rank": 512, "q_lora_rank": 1536, "rope_dim": 64,
        "nope_dim": 128, "value_dim": 128,
    }  # fmt: skip
    assert (v3["kv_heads"], v3["head_dim"], v3["d_ff"]) == (None, None, 18432)
    gemma = architecture_dict(models()["gemma-3-27b"].architecture)
    assert (gemma["full_layers"], gemma["between"], gemma["window"]) == (10, "window", 1024)
    hybrid = architecture_dict(models()["qwen3-next-80b-a3b"].architecture)
    assert (hybrid["between"], hybrid["full_layers"], hybrid["d_ff"]) == (
        "gated-deltanet",
        12,
        None,
    )
    mamba = architecture_dict(read_config({"model_type": "mamba"}))
    assert (mamba["attention"], mamba["between"], mamba["full_layers"]) == (None, "mamba", 0)


@pytest.mark.parametrize(("width", "shared"), [(0, 0), (2816, 2), (704, 0.5)])
def test_shared_experts_of_another_width_are_a_ratio(width: int, shared: float) -> None:
    found = read_config({"model_type": "qwen2_moe", "shared_expert_intermediate_size": width})
    assert architecture_dict(found)["shared_experts"] == shared
