"""What is not known of an accelerator is said, by every command that names it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.designs.unknown_figures import unknown_figures
from modelsizer.problems.hardware.accelerators import accelerators
from modelsizer.problems.problem import Problem

PLAIN = "exercise-1e24"


def said(settings: dict[str, Any]) -> tuple[str, ...]:
    problem = Problem.load(PLAIN, settings)
    return unknown_figures(problem, problem.layouts)


def test_nothing_is_said_without_an_accelerator_or_where_all_is_known() -> None:
    assert said({}) == ()
    assert said({"serving.accelerator": "H100-SXM", "training.accelerator": "B200-SXM"}) == ()


@pytest.mark.parametrize("name", ["H100-SXM", "M2-Ultra", "M4-Max", "MI300A", "A10", "TPU-v7"])
def test_each_unknown_figure_has_a_sentence(name: str) -> None:
    found, device = said({"serving.accelerator": name}), accelerators()[name]
    memory = any("nothing limits serving_memory to" in each for each in found)
    peak = any("counts what it moves and not what it computes" in each for each in found)
    assert memory is (device.memory is None)
    assert peak is (device.bf16_flops is None)
    found = said({"training.accelerator": name})
    assert any("nothing limits training_memory to" in each for each in found) is (
        device.memory is None
    )
    assert any("no time, cost or energy" in e for e in found) is (device.bf16_flops is None)
    energy = device.bf16_flops is not None and device.watts is None
    assert any("training has no energy" in each for each in found) is energy


def test_several_accelerators_without_a_link_are_told() -> None:
    two = {"serving.accelerator": "M4-Max", "serving.accelerators": 2, "serving.tensor_parallel": 2}
    assert any("one-way link bandwidth of M4-Max is not known" in each for each in said(two))


@pytest.mark.parametrize(
    "command",
    [("describe", "llama-3-8b"), ("memory", "llama-3-8b"), ("solve", PLAIN), ("rank", PLAIN)],
)
def test_commands_say_it(command: tuple[str, ...]) -> None:
    args = [*command, "--set", "serving.accelerator=M2-Ultra"]
    text = CliRunner().invoke(app, args, env={"COLUMNS": "80"}).stdout
    flat = " ".join(text.split())
    assert "nothing limits serving_memory to what fits M2-Ultra, whose memory is not known" in flat
    answer = CliRunner().invoke(app, [*args, "--json", "-"]).stdout
    assert "nothing limits serving_memory to what fits M2-Ultra" in answer
    if command[0] == "describe":
        found = json.loads(answer)
        assert found["assumptions"]["memory_alone"] is True
        assert found["design"]["latency"]["prefill_latency"] is None
        assert "ms, memory alone" in text


def test_a_roofline_needs_the_peak() -> None:
    args = ["roofline", "llama-3-8b", "--set", "serving.accelerator=M4-Max"]
    answer = CliRunner().invoke(app, args)
    assert answer.exit_code == 2
    assert "the dense bf16 FLOP/s of M4-Max is not known" in answer.stderr
