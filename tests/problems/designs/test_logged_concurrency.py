"""Requests at once against the "Maximum concurrency" that vLLM logged when it started."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import evaluate, load_architecture
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.standalone import standalone_problem
from tests.support.shared import reference_json

GIB = 2**30
SERVED: dict[str, tuple[str, dict[str, Any]]] = {
    "vllm-project/vllm issue 12330": ("llama-3-8b", {"accelerator": "A100-40GB-SXM"}),
    "vllm-project/vllm issue 10517 (comment 2024-12-02)": (
        "llama-3.1-8b",
        {"accelerator": "RTX-3090"},
    ),
    "vllm-project/vllm PR 12569": (  # which names no device; of 80 GB, from its weights
        "llama-3.1-70b",
        {"accelerator": "H100-SXM", "weight_bits": 8},
    ),
    "Anyscale/Ray docs page, stored public page": (
        "deepseek-r1",
        {"accelerator": "H100-SXM", "accelerators": 16, "tensor_parallel": 8, "weight_bits": 8},
    ),
}
WEIGHTS = 14.96  # GiB, of Llama 3 8B in 16 bits, where a log gives them with the activations


def logged() -> list[dict[str, Any]]:
    rows = reference_json("kv_measured.json")["kv"]
    return [row for row in rows if "max_concurrency" in row and row["source"] in SERVED]


def requests(row: dict[str, Any], **settings: Any) -> float:
    """What the cache holds in requests of the logged length, as vLLM counts them."""
    name, served = SERVED[row["source"]]
    served = served | {"context_length": row["max_model_len"]} | settings
    served["memory_utilization"] = row.get("gpu_mem_util", 0.9)
    problem = standalone_problem(
        load_architecture(name), {f"serving.{key}": value for key, value in served.items()}
    )
    design = evaluate(problem, load_architecture(name))
    room = serving_room(problem, design)
    assert room is not None and room.kv_tokens is not None
    found = room.kv_tokens / row["max_model_len"]
    assert int(found) == design.exact["concurrency"] == room.requests
    return found


def test_with_the_reserve_that_the_log_states_it_is_the_logged_number() -> None:
    seen = 0
    for row in logged():
        taken = row.get("activation_peak_GiB") or row.get("peak_torch_GiB", 0.0) - WEIGHTS
        if taken > 0:
            reserve = (taken + row["non_torch_GiB"]) * GIB
            assert requests(row, memory_reserve=reserve) == pytest.approx(
                row["max_concurrency"], rel=0.02
            )
            seen += 1
    assert seen == 2


def test_with_the_default_reserve_the_ratios_are_those_of_the_documents() -> None:
    ratios = sorted(round(requests(row) / row["max_concurrency"], 2) for row in logged())
    assert ratios == [0.89, 1.26, 1.64, 1.72]  # docs/explanation/predictions.md
