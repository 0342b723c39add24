"""Experts and requests over groups of accelerators, against published figures."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.latency import decode_step, prefill_step
from modelsizer.problems.costs.roofline import Step
from modelsizer.problems.costs.sharding import Sharding
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.tables.serving import Serving

GIB = 2**30
V3 = models()["deepseek-v3"].architecture
FP8 = {"accelerator": "H200-SXM", "weight_bits": 8, "compute": "fp8"}


def steps(architecture: Architecture, **given: Any) -> tuple[Step, Step, list[int]]:
    """A decode step at a context of 4,096, a prefill of 512 tokens, and the layers."""
    serving = Serving.model_validate(FP8 | {"prompt_length": 512} | given)
    layers = architecture.kinds
    counts = architecture.counts
    model = serving, 4096, architecture.trunk, layers
    return decode_step(*model), prefill_step(*model), counts


def figures(architecture: Architecture, **given: Any) -> dict[str, float]:
    decode, prefill, counts = steps(architecture, **given)
    return {
        f"{name} {part}": float(getattr(step, part).at(counts))
        for name, step in (("decode", decode), ("prefill", prefill))
        for part in ("memory", "compute", "overhead", "sequences", "communication")
    }


@pytest.mark.parametrize(("ways", "microseconds"), [(32, 155 + 273), (64, 173 + 314)])
def test_all_to_all_takes_what_kernels_take(ways: int, microseconds: float) -> None:
    """DeepEP (docs/legacy.md): 128 tokens of 7,168, 8 experts, 50 GB/s, there in fp8 and back."""
    found = figures(V3, expert_parallel=ways, batch_size=128 * ways, expert_link="50 GB/s")
    each = found["decode communication"] / 58 / 1e6
    assert each == pytest.approx(microseconds, rel=0.15)


def test_memory_of_sharded_weights_that_an_engine_logged() -> None:
    """SGLang (issue 6017): DeepSeek-R1 on 8 accelerators with attention of their own.

    It logged 105.59 GiB of weights with 32 redundant experts beside 256, and 10.57 GiB of cache for
    161,488 tokens of one group.
    """
    problem = standalone_problem(V3, {f"serving.{k}": v for k, v in FP8.items()} | {
        "serving.expert_parallel": 8,
    })  # fmt: skip
    room = serving_room(problem, evaluate(problem, V3))
    assert room is not None and room.kv_tokens is not None
    redundant = count_parameters(V3).experts * 32 / 256 / 8
    assert (room.weights + redundant) / GIB == pytest.approx(105.59, rel=0.03)
    of_a_group = room.kv_pool / (room.kv_tokens / 8)  # bytes a token: nothing is held twice
    assert of_a_group == pytest.approx(10.57 * GIB / 161_488, rel=2e-3)


def test_cache_is_held_once_a_request() -> None:
    """8 groups of 1 held 7.7 times the tokens of 8 ways (vllm-project/recipes issue 762).

    There the pools of the groups are a little smaller; a pool of the same size holds 8 times.
    """
    pools = []
    for ways in ({"serving.tensor_parallel": 8}, {"serving.attention_data_parallel": 8}):
        problem = standalone_problem(
            V3, {"serving.accelerator": "B200-SXM", "serving.weight_bits": 4} | ways
        )
        room = serving_room(problem, evaluate(problem, V3))
        assert room is not None and room.kv_tokens is not None
        pools.append(room.kv_tokens / room.kv_pool)
    assert pools[1] == pytest.approx(8 * pools[0], rel=1e-6)


def test_experts_of_a_megatron_rank() -> None:
    """Mixtral 8x7B on 16 accelerators, 8 ways of experts (NVIDIA/Megatron-LM issue 756)."""
    mixtral = models()["mixtral-8x7b"].architecture
    assert count_parameters(mixtral).experts == 2_818_572_288 * 16


def test_one_group_of_even_experts_is_tensor_parallelism() -> None:
    same = figures(V3, tensor_parallel=8, batch_size=100)
    assert figures(V3, tensor_parallel=8, batch_size=100, expert_parallel=8) == same
    assert figures(V3, tensor_parallel=8, batch_size=100, expert_parallel=4) == same


def test_groups_divide_requests_and_share_experts() -> None:
    whole = figures(V3, batch_size=4096, expert_parallel=1)
    found = figures(V3, batch_size=4096, expert_parallel=8)
    # All experts are read by either; each of 8 groups reads an eighth of them for an eighth.
    assert found["decode compute"] == pytest.approx(whole["decode compute"] / 8, rel=1e-3)
    assert found["decode memory"] < whole["decode memory"] / 6
    assert found["decode sequences"] == pytest.approx(whole["decode sequences"] / 8, rel=1e-3)
    assert found["decode overhead"] == whole["decode overhead"]
    # One prompt is on one group, whose attention no other helps with.
    assert found["prefill compute"] > whole["prefill compute"] / 8 * 1.2


def test_the_busiest_way() -> None:
    even = figures(V3, tensor_parallel=8, expert_parallel=8)
    busy = figures(V3, tensor_parallel=8, expert_parallel=8, expert_imbalance=2)
    assert even["decode memory"] < busy["decode memory"] < 2 * even["decode memory"]
    assert figures(V3, tensor_parallel=8, expert_imbalance=2) == figures(V3, tensor_parallel=8)
    crowded = {"tensor_parallel": 8, "expert_parallel": 8, "batch_size": 100_000}
    whole = figures(V3, **crowded, expert_imbalance=2)["decode memory"]
    assert whole == pytest.approx(figures(V3, **crowded)["decode memory"], rel=1e-6)  # all is read


def test_copies_of_a_token() -> None:
    layer = V3.groups[1].layer
    assert Sharding(groups=64, ways=64).sent_values(layer, 7168) == 8 * 7168
    assert Sharding(groups=4, ways=4).sent_values(layer, 7168) == 4 * 7168
    assert Sharding(groups=4, ways=1, slices=4).sent_values(layer, 7168) == 4 * 7168
    assert Sharding(groups=4, ways=4).sent_values(V3.groups[0].layer, 7168) == 0
