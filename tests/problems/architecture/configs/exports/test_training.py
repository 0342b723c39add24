"""Batch and learning rate in exported files: what the frameworks read there."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, export, load_architecture, solve
from modelsizer.cli import app
from modelsizer.problems.architecture.configs.exports.training import (
    TrainingSettings,
    settings_of_answer,
)

TRAINING = TrainingSettings(4_200_000, 3.14e-4, 8192, "deepseek-2024", within=False)
SEQUENCES = 512  # of 512.7


def exported(model: str, framework: str) -> tuple[str, str]:
    """The file of a model without, and with, batch and learning rate."""
    architecture = load_architecture(model, lambda _: None)
    return export(architecture, framework), export(architecture, framework, TRAINING)


@pytest.mark.parametrize(("model", "positions"), [("llama-3-8b", "8192"), ("gpt2", "1024")])
def test_megatron_has_them_in_an_array_of_their_own(
    tmp_path: Path, model: str, positions: str
) -> None:
    without, text = exported(model, "megatron")
    assert text.startswith(without)
    path = tmp_path / "design.sh"
    path.write_text(text)
    said = subprocess.run(
        ["bash", "-c", f'source {path}; echo "${{MODEL_ARGS[@]}}" "${{TRAINING_ARGS[@]}}"'],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    values = {flag: said[i + 1] for i, flag in enumerate(said[:-1]) if flag.startswith("--")}
    assert values["--global-batch-size"] == str(SEQUENCES)
    assert values["--seq-length"] == "8192"
    assert float(values["--lr"]) == 3.1e-4
    assert said.count("--max-position-embeddings") == 1
    assert values["--max-position-embeddings"] == positions


def test_torchtitan_sets_them_in_its_config() -> None:
    without, text = exported("llama-3-8b", "torchtitan")
    tree = ast.parse(text)
    assert len(tree.body) == len(ast.parse(without).body) + 1
    (function,) = [node for node in tree.body if getattr(node, "name", "") == "design"]
    set_ = {ast.unparse(n.targets[0]): n.value for n in ast.walk(function)
            if isinstance(n, ast.Assign)}  # fmt: skip
    assert ast.literal_eval(set_["config.training.global_batch_size"]) == SEQUENCES
    assert ast.literal_eval(set_["config.training.seq_len"]) == 8192
    assert ast.unparse(set_["config.optimizer"]) == "default_adamw(lr=0.00031)"
    assert "from torchtitan.components.optimizer import default_adamw\n" in text


def test_litgpt_has_them_among_its_settings_of_training() -> None:
    without, text = exported("llama-3-8b", "litgpt")
    assert text.startswith(without)
    added = [line.split("#")[0].rstrip() for line in text[len(without) :].splitlines()]
    assert [line for line in added if line] == [
        "  global_batch_size: 1024",  # of at most 4,096 tokens
        "  max_seq_length: 4096",
        "optimizer:",
        "  class_path: torch.optim.AdamW",
        "  init_args:",
        "    lr: 0.00031",
    ]
    assert without.rstrip().splitlines()[-2] == "train:"


def test_nanogpt_runs_them() -> None:
    _, text = exported("gpt2", "nanogpt")
    found: dict[str, Any] = {}
    exec(text, found)
    tokens = found["batch_size"] * found["gradient_accumulation_steps"] * found["block_size"]
    assert tokens == pytest.approx(TRAINING.batch_tokens, rel=0.02)
    assert found["learning_rate"] == pytest.approx(3.1e-4)
    assert found["min_lr"] == pytest.approx(3.1e-5)


def test_a_config_has_no_place_for_them() -> None:
    assert len(set(exported("llama-3-8b", "hf"))) == 1


@pytest.mark.parametrize(
    ("tokens", "sequences"), [(100, 1), (8192 * 20, 1), (8192 * 40, 64), (8192 * 1000, 1024)]
)
def test_sequences_are_a_multiple_that_ranks_divide(tokens: float, sequences: int) -> None:
    assert TrainingSettings(tokens, 1e-3, 8192, "x", within=True).sequences() == sequences


def test_an_answer_is_exported_with_its_first_law(tmp_path: Path) -> None:
    answer = solve(Problem.load("one-h100-1e24")).to_dict()
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    first, second = answer["hyperparameters"][:2]
    settings = settings_of_answer(answer)
    assert settings is not None
    assert (settings.batch_tokens, settings.learning_rate) == (first["value"], second["value"])
    done = CliRunner().invoke(app, ["export", str(path), "--to", "megatron"])
    assert f"--global-batch-size {settings.sequences()}" in done.stdout
    file = tmp_path / "design.sh"
    CliRunner().invoke(app, ["solve", "one-h100-1e24", "--quick", "--export", f"megatron:{file}"])
    assert file.read_text() == done.stdout
    for broken in ([], None, [3], [{}], [first | {"value": None}, second], [first]):
        assert settings_of_answer(answer | {"hyperparameters": broken}) is None
