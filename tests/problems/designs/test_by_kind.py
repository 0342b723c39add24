"""Costs by kind of layer add up to the quantities, exactly."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.by_kind import GROWS, by_kind
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem

NAMES = (
    "gpt2", "llama-3-8b", "gemma-3-27b", "gpt-oss-120b", "deepseek-v3", "deepseek-v3.2",
    "qwen3-next-80b-a3b", "nemotron-3-nano-30b-a3b", "falcon-h1-0.5b", "gemma-4-26b-a4b",
    "zamba2-1.2b", "minimax-text-01-456b", "lfm2-8b-a1b", "llama-4-scout-17b-16e", "jamba-v0.1",
)  # fmt: skip
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {
        "serving.batch_size": 3,
        "serving.context_length": 50_000,
        "serving.kv_policy": "full",
        "serving.weight_bits.experts": 4,
        "serving.kv_bits": 8,
        "training.flops": "causal",
        "training.sequence_length": 8192,
        "training.recompute": "full",
    },
)


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "set"])
@pytest.mark.parametrize("name", NAMES)
def test_parts_add_up_to_the_quantities(name: str, settings: dict[str, Any]) -> None:
    architecture = models()[name].architecture
    problem = standalone_problem(architecture, settings)
    whole = evaluate(problem, architecture)
    (found,) = by_kind(problem, {name: architecture}).models
    assert sum(found.memory.values()) == whole.exact["serving_memory"]
    assert sum(found.flops.values()) == whole.training_flops_per_token
    assert all(part > 0 for part in (*found.memory.values(), *found.flops.values()))


def test_a_cache_is_that_of_the_layers_that_hold_it() -> None:
    architecture = models()["gemma-3-27b"].architecture
    problem = standalone_problem(architecture, {"serving.context_length": 131072})
    (found,) = by_kind(problem, {"gemma": architecture}).models
    values = 2 * 16 * 128 * 2  # keys and values of 16 heads of 128, two bytes
    assert found.memory[f"full {GROWS}"] == 10 * values * 131072
    assert found.memory[f"window {GROWS}"] == 52 * values * 1024
    assert found.flops["full"] * 52 == found.flops["window"] * 10


def test_tensor_parallelism_divides_weights_and_repeats_few_heads() -> None:
    architecture = models()["deepseek-v3"].architecture
    plain, split = (
        by_kind(standalone_problem(architecture, settings), {"": architecture}).models[0].memory
        for settings in ({}, {"serving.tensor_parallel": 8})
    )
    assert split["experts"] * 8 == plain["experts"]
    assert split[f"latent {GROWS}"] == plain[f"latent {GROWS}"]  # each rank holds the latent
