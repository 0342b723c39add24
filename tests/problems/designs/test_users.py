"""Users of a design: requests at once by context, and what they see and cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, evaluate, load_architecture
from modelsizer.cli import app
from modelsizer.problems.designs.users import server

LLAMA = load_architecture("llama-3-8b")
PROBLEM = Problem.load("h100-cluster-90-days")


def test_a_load_is_the_design_at_that_many_requests() -> None:
    found = server(PROBLEM, LLAMA, (8192, 131072), {"serving.accelerators": 8}, "eight")
    assert found.name == "eight" and not found.lack
    for load in found.loads:
        here = PROBLEM.with_settings({"serving.context_length": load.context})
        assert load.requests == evaluate(here, LLAMA).quantity("concurrency")
        assert load.requests
        full = evaluate(here.with_settings({"serving.batch_size": load.requests}), LLAMA)
        limit = PROBLEM.budgets.limits["decode_latency"].max
        assert limit is not None and full.quantity("decode_latency") <= limit
        assert load.latency == full.quantity("decode_latency")
        assert load.cost == full.quantity("serving_cost")
        assert load.throughput == pytest.approx(load.requests * (load.each or 0))
    assert (found.loads[0].requests or 0) > (found.loads[1].requests or 0)


def test_what_fits_no_request_has_no_speed() -> None:
    small = server(PROBLEM.without("budgets.decode_latency"), load_architecture("mixtral-8x7b"),
                   (8192,), {"serving.accelerator": "RTX-4090", "serving.tensor_parallel": 1,
                             "serving.accelerators": 1})  # fmt: skip
    assert [(load.requests, load.latency, load.cost) for load in small.loads] == [(0, None, None)]


def run(*args: str) -> str:
    answer = CliRunner().invoke(app, ["users", *args])
    assert answer.exit_code == 0, answer.stderr
    return answer.stdout


def test_the_command_shows_machines_side_by_side(tmp_path: Path) -> None:
    each = ("--each", "serving.accelerator=L40S,H200-SXM", "--context", "8192,128K")
    text = run("llama-3-8b", *each, "--set", "prices.L40S=0.5", "--csv", str(tmp_path / "u.csv"))
    assert "Dollars a million output tokens" in text and "L40S" in text
    found = json.loads(run("llama-3-8b", *each, "--json", "-"))
    assert found["each"] == "serving.accelerator"
    assert [one["machine"] for one in found["servers"]] == ["L40S", "H200-SXM"]
    requests = [[load["requests"] for load in one["loads"]] for one in found["servers"]]
    assert requests[0][0] < requests[1][0] and requests[0][1] < requests[0][0]
    lines = (tmp_path / "u.csv").read_text().splitlines()
    assert len(lines) == 5 and lines[1].startswith("L40S,8192,")


def test_settings_varied_together_give_all_combinations() -> None:
    each = ("--each", "serving.weight_bits=16,8", "--each", "serving.kv_bits=16,8")
    args = ("llama-3-8b", *each, "--set", "serving.accelerator=H100-SXM", "--context", "8192")
    servers = json.loads(run(*args, "--json", "-"))["servers"]
    assert [one["machine"] for one in servers] == ["16, 16", "16, 8", "8, 16", "8, 8"]
    requests = [one["loads"][0]["requests"] for one in servers]
    assert requests[0] < requests[2] < requests[1] < requests[3]  # the cache is most of it
    text = run(*args)
    assert "by tokens of each, weight_bits and kv_bits" in text
    assert (
        "served by    1 x H100-SXM" in text and "KV cache" not in text
    )  # what differs is a column


def test_a_machine_without_a_peak_is_told_from_the_others() -> None:
    text = " ".join(run("llama-3-8b", "--each", "serving.accelerator=RTX-4090,M4-Max").split())
    assert "M4-Max: a step counts what it moves and not what it computes" in text


def test_bad_input() -> None:
    for args, word in (
        (("llama-3-8b",), "needs an accelerator"),
        (("llama-3-8b", "--each", "serving.accelerator"), "is not key=value"),
        (("llama-3-8b", "--each", "serving.accelerator=H10"), "did you mean"),
        (("llama-3-8b", *("--each", "serving.kv_bits=8") * 2), "is given twice"),
        (("llama-3-8b", "--context", "0"), "whole number of tokens"),
    ):
        answer = CliRunner().invoke(app, ["users", *args])
        assert answer.exit_code == 2 and word in answer.stderr, args
