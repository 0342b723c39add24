"""Memory of a model under single settings: what it is of, and the same as describe's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app

TRAINING = {
    "accelerators": 1, "accelerator": "H100-SXM", "sequence_length": 2048, "zero_stage": 3,
    "microbatch_size": 2, "recompute": "full", "weight_bytes": 4, "gradient_bytes": 4,
    "optimizer_bytes": 8, "activation_bytes": 1, "logit_bytes": 0, "flash_attention": "false",
    "dropout": "true", "fused_kernels": "false", "sequence_parallel": "false", "interleave": 1,
    "data_parallel": 2, "tensor_parallel": 2, "pipeline_parallel": 2, "precision": "fp8",
    "mfu": 0.4, "price_per_hour": 2.5, "watts": 700, "pue": 1.1,
}  # fmt: skip


def run(*args: str) -> Any:
    answer = CliRunner().invoke(app, [*args], env={"COLUMNS": "80"})
    assert answer.exit_code == 0, answer.output + answer.stderr
    return json.loads(answer.stdout) if "--json" in args else answer.stdout


@pytest.mark.parametrize("key", TRAINING)
def test_any_setting_of_training_shows_its_memory(key: str) -> None:
    args = ("llama-7b", "--set", f"training.{key}={TRAINING[key]}")
    found = run("memory", *args, "--json", "-")
    described = run("describe", *args, "--json", "-")
    total = found["training_memory"]["total"]
    assert total == described["design"]["quantities"]["training_memory"]
    assert found["assumptions"] == described["assumptions"]
    assert "Training memory of one" in run("memory", *args)
    assert f"{total:,}" in run("describe", *args)


@pytest.mark.parametrize("setting", ["training.tokens=1T", "serving.batch_size=2", ""])
def test_training_memory_is_not_shown_unasked(setting: str) -> None:
    args = ("llama-7b", *(("--set", setting) if setting else ()))
    assert run("memory", *args, "--json", "-")["training_memory"] is None
    assert "write training.accelerators = 1" in run("memory", *args)
    assert "training memory" not in run("describe", *args)


def test_memory_of_seven_billion_parameters_by_hand() -> None:
    args = (
        "llama-7b",
        "--set",
        "training.accelerators=1",
        "--set",
        "training.sequence_length=4096",
    )
    found = run("memory", *args, "--json", "-")["training_memory"]
    assert found["total"] == 126_718_377_984
    sizes = {part["name"]: part["bytes"] for part in found["parts"]}
    states = sum(sizes[name] for name in ("weights", "gradients", "optimizer states"))
    assert states == 16 * 6_738_415_616


@pytest.mark.parametrize("command", ["memory", "roofline"])
def test_a_model_under_a_problem_is_titled_by_the_model(command: str) -> None:
    args = [command, "llama-3-8b", "--problem", "h100-cluster-90-days"]
    assert CliRunner().invoke(app, args).stdout.splitlines()[0] == "llama-3-8b"


def test_settings_that_change_no_figure_are_named() -> None:
    args = ("llama-3-8b", "--set", "serving.weight_bits.experts=4")
    said = "serving.weight_bits.experts changes no figure: the model has no weights of experts"
    assert said in " ".join(run("memory", *args).split())
    assert run("memory", *args, "--json", "-")["warnings"] == [said]
    assert "warnings" not in run("memory", "llama-3-8b", "--json", "-")


def test_devices_are_shown_with_what_is_left_of_each() -> None:
    args = ("llama-3-70b", "--set", "serving.weight_bits=8", "--devices", "L4,H200-SXM,M2-Ultra")
    found = run("memory", *args, "--json", "-")["on_devices"]
    small, large = found["devices"]
    assert [small["accelerator"], large["accelerator"]] == ["L4", "H200-SXM"]
    assert small["room"] < 0 < large["room"]
    assert small["requests"] == 0 < large["requests"]
    assert found["unknown"] == ["M2-Ultra"]
    assert sum(large["parts"].values()) + large["room"] == large["usable"]
    text = run("memory", *args)
    assert max(map(len, text.splitlines())) <= 80
    assert "GB over" in text and "M2-Ultra is listed without memory" in text
