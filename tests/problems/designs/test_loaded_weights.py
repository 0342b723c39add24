"""Weights that engines logged after loading a model, on each accelerator, against those counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.tables.serving import Serving
from tests.support.shared import reference

GIB = 2**30
CATALOGUE = {name: model.architecture for name, model in models().items()}
INT8 = {"quant_method": "compressed-tensors", "format": "int-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"],
                                      "weights": {"num_bits": 8, "type": "int",
                                                  "strategy": "channel"}}},
        "ignore": ["lm_head"]}  # fmt: skip
LLAMA_70B = {"model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672,
             "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
             "vocab_size": 128256, "quantization_config": INT8}  # fmt: skip


def llama_405b(kv_heads: int) -> dict[str, Any]:
    """Of feed-forwards but the first and the last in fp8 (arXiv 2407.21783, section 6.2)."""
    kept = ["lm_head", "model.layers.0.mlp", "model.layers.125.mlp"]
    kept += [f"model.layers.{n}.self_attn" for n in range(126)]
    return {"model_type": "llama", "hidden_size": 16384, "intermediate_size": 53248,
            "num_hidden_layers": 126, "num_attention_heads": 128, "num_key_value_heads": kv_heads,
            "vocab_size": 128256,
            "quantization_config": {"quant_method": "fbgemm_fp8",
                                    "modules_to_not_convert": kept}}  # fmt: skip


def held(architecture: Architecture, ways: int = 1, **settings: Any) -> float:
    """GiB of weights on each accelerator."""
    named = {f"serving.{key}": value for key, value in settings.items()}
    asked = {"serving.accelerator": "H200-SXM", "serving.tensor_parallel": ways} | named
    if (stored := architecture.stored) is not None:
        asked |= {f"serving.weight_bytes.{part}": float(n) for part, n in stored.to_dict().items()}
    problem = standalone_problem(architecture, asked)
    room = serving_room(problem, evaluate(problem, architecture))
    assert room is not None
    return room.weights / GIB


LOGGED = {
    "vllm-project/vllm PR 10511": (CATALOGUE["llama-3-8b"], 1, 14.96, 0.001),
    "vllm-project/vllm PR 10511, two ways": (CATALOGUE["llama-3-8b"], 2, 7.48, 0.001),
    "vllm-project/vllm issue 17327": (CATALOGUE["qwen3-30b-a3b"], 4, 14.2474, 0.005),
    "vllm-project/vllm PR 12569": (read_config(LLAMA_70B), 1, 67.7229, 0.002),
    # The checkpoint of July 2024 had each kv head twice.
    "vllm-project/vllm issue 6746": (read_config(llama_405b(16)), 8, 57.7520, 0.002),
}


@pytest.mark.parametrize("source", LOGGED)
def test_weights_are_those_that_engines_hold(source: str) -> None:
    architecture, ways, logged, error = LOGGED[source]
    assert held(architecture, ways) == pytest.approx(logged, rel=error)


def test_kv_heads_held_once_are_what_the_first_checkpoint_of_405b_had_more() -> None:
    assert held(read_config(llama_405b(8)), 8) == pytest.approx(56.72, abs=0.01)


def test_logs_of_the_reference_data_give_the_weights_that_are_counted() -> None:
    names = {"Llama-3-8B": "llama-3-8b", "Qwen2.5-Math-1.5B": "qwen2.5-1.5b"}
    seen = 0
    for row in json.loads(reference("kv_measured.json").read_text())["kv"]:
        if "weights_GiB" in row and row["model"] in names:
            name = names[row["model"]]
            assert held(CATALOGUE[name], row["tp"]) == pytest.approx(row["weights_GiB"], rel=0.003)
            seen += 1
    assert seen >= 3


def test_what_gpt_oss_takes_in_an_engine_is_its_checkpoint_with_experts_padded() -> None:
    counted = held(CATALOGUE["gpt-oss-120b"])
    assert counted == pytest.approx(60.77, abs=0.01)
    experts = 36 * 128 * 3 * 2880 * 2880 * 17 / 32 / GIB
    padded = counted + experts * (2944 * 3072 / 2880**2 - 1)
    assert padded == pytest.approx(65.9651, abs=0.1)  # vllm-project/vllm issue 23278
    rows = json.loads(reference("fresh_measurements.json").read_text())["kv"]
    (row,) = (row for row in rows if "weights_GiB" in row)
    assert counted < row["weights_GiB"] < padded


def test_the_reserve_grows_with_the_ways_unless_it_is_set() -> None:
    def reserve(**settings: Any) -> int:
        serving = Serving.model_validate({"accelerator": "H100-SXM"} | settings)
        return int(serving.reserve)

    found = [reserve(tensor_parallel=ways) for ways in (1, 2, 3, 4, 8, 16)]
    assert found == [3 * GIB // 2 + n * GIB for n in (0, 1, 2, 2, 3, 4)]
    assert reserve(tensor_parallel=8, memory_reserve="2 GB") == 2 * 10**9
    rooms = []
    for ways in (1, 8):
        asked = {"serving.accelerator": "H100-SXM", "serving.tensor_parallel": ways}
        problem = standalone_problem(CATALOGUE["llama-3-8b"], asked)
        room = serving_room(problem, evaluate(problem, CATALOGUE["llama-3-8b"]))
        assert room is not None
        rooms.append(room.usable_memory)
    assert rooms[0] - rooms[1] == 3 * GIB
