"""Prefill and decode as two pools of accelerators, and the ratio of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from modelsizer import Problem, evaluate, load_architecture, solve
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError

LLAMA = "llama-3-8b"
SPACE = {
    "layers": [16, 24, 32], "d_model": [2048, 4096, 6144], "head_dim": 128, "kv_heads": 8,
    "ffn_ratio": 3.5, "vocab_size": 128256,
}  # fmt: skip
SERVING = {
    "accelerator": "H100-SXM", "batch_size": 32, "context_length": 4000, "prompt_length": 3000,
    "output_length": 400, "prompts": 2,
}  # fmt: skip
TABLES: dict[str, Any] = {
    "space": SPACE,
    "serving": SERVING,
    "budgets": {"training_flops": 3e23},
    "prices": {"H100-SXM": 2.5, "A100-80GB-SXM": 1.2},
}
PREFILL = {"accelerators": 6, "accelerator": "A100-80GB-SXM", "tensor_parallel": 2}
DECODE = {"accelerators": 4}


def problem(budgets: Any = (), **serving: Any) -> Problem:
    tables = {"serving": SERVING | serving, "budgets": TABLES["budgets"] | dict(budgets)}
    return Problem.from_tables(TABLES | tables)


def of_llama(asked: Problem) -> Evaluation:
    return evaluate(asked, load_architecture(LLAMA))


def test_each_pool_is_measured_by_its_own_accelerators() -> None:
    both = of_llama(problem(prefill=PREFILL, decode=DECODE, pool_link="5 GB/s"))
    alone = of_llama(problem())
    prompts = of_llama(problem(accelerator="A100-80GB-SXM", tensor_parallel=2))
    for name in ("decode_latency", "serving_memory", "kv_cache", "concurrency"):
        assert both.exact[name] == alone.exact[name], name
    cache = 2 * 3000 * alone.quantity("kv_bytes_per_token")
    # Replicas of two that prefill send to one that decodes.
    sent = float(both.exact["prefill_latency"] - prompts.exact["prefill_latency"])
    assert sent == pytest.approx(cache / 5e9, rel=1e-9)
    a_prompt = prompts.quantity("prefill_latency") / (2 * 3) + cache / 2 / (4 * 5e9)
    an_answer = alone.quantity("decode_latency") * 400 / (32 * 4)
    assert both.quantity("request_time") == pytest.approx(max(a_prompt, an_answer), rel=1e-9)
    assert both.quantity("requests_per_second") == 1 / both.quantity("request_time")
    hourly = 6 * 1.2 + 4 * 2.5
    paid = hourly / 3600 * both.quantity("request_time") / 400 * 1e6
    assert both.quantity("serving_cost") == pytest.approx(paid, rel=1e-9)
    weights = 8030261248 * 2
    assert both.quantity("prefill_memory") == pytest.approx((weights + cache) / 2)


def test_one_pool_does_both_in_turn() -> None:
    alone = of_llama(problem())
    each = alone.quantity("prefill_latency") / 2 + alone.quantity("decode_latency") * 400 / 32
    assert alone.quantity("request_time") == pytest.approx(each, rel=1e-9)
    paid = 2.5 / 3600 * each / 400 * 1e6
    assert alone.quantity("serving_cost") == pytest.approx(paid, rel=1e-9)
    assert "prefill_memory" not in alone.exact


@pytest.mark.parametrize(
    ("budgets", "sought"),
    [
        ({"requests_per_second": {"min": 12}}, "loss"),
        ({"loss": 2.2, "prefill_latency": "200 ms"}, "serving_cost"),
        ({"loss": 2.2}, "request_time"),
    ],
)
def test_the_ratio_is_that_of_all_ratios(budgets: dict[str, Any], sought: str) -> None:
    most, counts = 4, (1, 3)
    devices = ("H100-SXM", "A100-80GB-SXM")
    asked = problem(
        budgets,
        accelerators=most,
        prefill={"accelerators": list(counts), "accelerator": list(devices)},
        decode={"accelerators": list(counts)},
    ).with_settings({"objective.minimize": sought})
    found = solve(asked)
    assert found.status == "optimal"
    best = []
    for p, d, device in itertools.product(counts, counts, devices):
        prefill = {"accelerators": p, "accelerator": device}
        if p + d > most:
            with pytest.raises(ProblemError, match="are fewer than"):
                problem(accelerators=most, prefill=prefill, decode={"accelerators": d})
            continue
        one = problem(budgets, prefill=prefill, decode={"accelerators": d})
        alone = solve(one.with_settings({"objective.minimize": sought}), solver="exhaustive")
        best += [alone.best.exact[sought]] if alone.best is not None else []
    assert found.best.exact[sought] == min(best)
    chosen = asked.machine(found.best.layout)["serving"]
    one = problem(budgets, prefill=chosen["prefill"], decode=chosen["decode"])
    again = evaluate(one, found.best.architecture)
    assert again.exact[sought] == found.best.exact[sought]


def test_no_pool_holds_more_than_its_device() -> None:
    small = {"accelerators": 2, "accelerator": "L4"}
    asked = problem(prefill=small, decode={"accelerators": 2})
    found = solve(asked)
    assert asked.limits["prefill_memory"].max < 24e9
    assert found.best.quantity("prefill_memory") <= asked.limits["prefill_memory"].max
    lifted = solve(asked.without("budgets.prefill_memory"))
    assert lifted.best.loss < found.best.loss
    assert not asked.with_settings({"budgets.prefill_memory": "none"}).limits.get("prefill_memory")


def test_widths_are_divided_by_the_ways_of_both() -> None:
    asked = problem(prefill={"tensor_parallel": 4}, decode={"tensor_parallel": 2})
    assert asked.splits[0].ways == (2, 4)


def test_pools_are_written_as_they_were_given() -> None:
    asked = problem(prefill=PREFILL, decode={"accelerator": "H200-SXM"}, accelerators=16)
    tables = asked.to_dict()["serving"]
    assert tables == SERVING | {
        "prefill": PREFILL, "decode": {"accelerator": "H200-SXM"}, "accelerators": 16,
    }  # fmt: skip
    assert Problem.parse(asked.to_toml()) == asked
    moved = asked.with_settings({"serving.accelerator": "B200-SXM", "serving.decode": {}})
    assert moved.serving.named.name == "B200-SXM"
    assert moved.serving.prefilling.named.name == "A100-80GB-SXM"


@pytest.mark.parametrize(
    ("serving", "key", "words"),
    [
        ({"prefill": {"accelerators": 3, "tensor_parallel": 2}}, "serving.prefill", "multiple of"),
        ({"decode": {"accelerator": "H10"}}, "serving.decode.accelerator", "unknown accelerator"),
        ({"prefill": {"batch_size": 2}}, "serving.prefill.batch_size", "unknown key"),
        ({"prefill": {"accelerators": []}}, "serving.prefill.accelerators", "menu is empty"),
        ({"prefill": {}, "interference": 0.2}, "serving", "leave it out"),
        ({"pool_link": "5 GB/s"}, "serving", "needs pools"),
        ({"prefill": {"accelerator": "A100-80GB-SXM", "compute": "fp8"}}, "serving.prefill", "fp8"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(serving: Any, key: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words) as error:
        problem(**serving)
    assert str(error.value).startswith(f"{key}: ")


def test_an_unknown_link_is_said() -> None:
    own = {"memory": "80 GB", "bandwidth": "2 TB/s", "bf16_flops": 3e14, "name": "own"}
    asked = problem(prefill={"custom_accelerator": own})
    assert "link" in asked.lacks("prefill_latency")
    assert not asked.with_settings({"serving.pool_link": "9 GB/s"}).lacks("prefill_latency")
    assert of_llama(asked).quantity("decode_latency") > 0
