"""describe, export and models from the command line, and answers recomputed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.problems.architecture.answers import from_answer
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.exports.export import to_huggingface
from modelsizer.problems.architecture.configs.exports.writing import separate
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.reading import library
from tests.support.architectures import uniform


def run(*args: str, code: int = 0, stdin: str | None = None) -> Any:
    answer = CliRunner().invoke(app, list(args), input=stdin)
    assert answer.exit_code == code, answer.output + answer.stderr
    assert "Traceback" not in answer.stderr
    return answer


@pytest.mark.parametrize("name", sorted(library()))
def test_an_exported_answer_is_described_as_it_was_solved(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    solved = json.loads(run("solve", name, "--export", f"hf:{path}", "--json", "-").stdout)
    chosen = solved.get("machine", {}).get("serving", {})
    problem = Problem.load(name, {f"serving.{key}": value for key, value in chosen.items()})
    serving = problem.serving
    args = ["--batch", str(serving.batch_size), "--sequence", str(problem.context_length)]
    for value in ("weight", "kv"):
        bits, held = getattr(serving, f"{value}_bits"), getattr(serving, f"{value}_bytes")
        key = f"serving.{value}_bits={bits}"
        args += ["--set", key] if bits is not None else [f"--{value}-bytes", str(held)]
    found = json.loads(run("describe", str(path), *args, "--json", "-").stdout)
    assert found["parameters"] == solved["parameters"]
    for key in ("layers", "d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size"):
        assert found["architecture"][key] == solved["architecture"][key]
    assert found["kv_bytes_per_token"] == solved["quantities"]["kv_bytes_per_token"]
    assert found["kv_cache"] == solved["quantities"]["kv_cache"]
    assert found["flops_per_token"]["forward"] == solved["quantities"]["inference_flops_per_token"]
    whole = found["serving_memory"]
    if serving.devices == 1:
        assert whole == solved["quantities"]["serving_memory"]
    at_training = ("--sequence", str(problem.training.sequence_length))
    trained = json.loads(run("describe", str(path), *at_training, "--json", "-").stdout)
    assert trained["flops_per_token"]["training"] == solved["training_flops_per_token"]


def test_an_answer_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    run("solve", "one-h100-1e24", "--json", str(path))
    by_path = json.loads(run("describe", str(path), "--json", "-").stdout)
    by_input = json.loads(run("describe", "-", "--json", "-", stdin=path.read_text()).stdout)
    assert by_path == by_input
    assert by_path["parameters"]["total"] == json.loads(path.read_text())["parameters"]["total"]
    exported = json.loads(run("export", str(path)).stdout)
    assert exported["model_type"] == "llama"


@pytest.mark.parametrize("block", sorted(BLOCKS))
@pytest.mark.parametrize("kv_heads", [8, 2])
def test_blocks_export_to_what_reads_back(block: str, kv_heads: int) -> None:
    problem = Problem.load("one-h100-1e24")
    architecture = uniform(
        problem, block=block, d_model=1024, heads=8, kv_heads=kv_heads, head_dim=128, d_ff=4096,
        vocab_size=32000, tied_embeddings=block != "nemotron-h", layers=3,
    )  # fmt: skip
    if block == "gpt-oss":
        with pytest.raises(ConfigError, match="gpt_oss has no dense feed-forwards"):
            to_huggingface(architecture)
        return
    if kv_heads == 2 and block in ("gpt2", "gpt-neox"):
        with pytest.raises(ConfigError, match="kv head"):
            to_huggingface(architecture)
        return
    again = read_config(to_huggingface(architecture))
    assert again.trunk == architecture.trunk
    stacks = [separate(found.stack() or []) for found in (again, architecture)]
    assert stacks[0] == stacks[1]


def test_describe_for_people() -> None:
    text = run("describe", "-", stdin='{"model_type": "deepseek_v3"}').stdout
    for word in ("671,026,404,352", "58 x latent", "3 x latent", "experts 256", "serving memory"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("args", "stdin", "word"),
    [
        (("describe", "no-such-model"), None, "no such file"),
        (("describe", "llama-3-8"), None, "did you mean"),
        (("describe", "-"), "{", "not valid JSON"),
        (("describe", "-"), "[]", "not a JSON object"),
        (("describe", "-"), "{}", "model_type is missing"),
        (("describe", "-"), '{"architecture": null}', "no architecture"),
        (("describe", "-"), '{"architecture": {"block": "x"}}', "is unknown"),
        (("describe", "-"), '{"architecture": {"block": "llama"}}', "is missing"),
        (
            ("describe", "-", "--batch", "0"),
            '{"model_type": "llama"}',
            "--batch: must be a whole number",
        ),
        (("export", "-", "--to", "hff"), '{"model_type": "llama"}', "did you mean hf"),
        (
            ("export", "-", "--to", "torchtitan"),
            '{"model_type": "mixtral"}',
            "cannot be exported",
        ),
        (("solve", "one-h100-1e24", "--export", "hf"), None, "FRAMEWORK:PATH"),
        (
            ("solve", "one-h100-1e24", "--export", "jax:x"),
            None,
            "--export: unknown framework 'jax'; known: hf",
        ),
        (("models", "--sort", "beauty"), None, "is not name, parameters, tokens or year"),
    ],
)
def test_bad_sources_exit_with_2(args: tuple[str, ...], stdin: str | None, word: str) -> None:
    assert word in run(*args, code=2, stdin=stdin).stderr


def test_models() -> None:
    rows = json.loads(run("models", "--json", "-").stdout)["models"]
    assert len(rows) >= 40
    assert [r["parameters"] for r in rows] == sorted((r["parameters"] for r in rows), reverse=True)
    few = json.loads(run("models", "--match", "llama-3", "--sort", "name", "--json", "-").stdout)
    names = [r["name"] for r in few["models"]]
    assert names == sorted(names) and all("llama-3" in name for name in names)
    text = run("models").stdout
    assert all(row["name"] in text for row in rows)
    assert max(map(len, text.splitlines())) <= 80
    assert len(run("models", "--csv").stdout.splitlines()) == len(rows) + 1


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llama", "attention_bias": True, "mlp_bias": True, "num_hidden_layers": 2},
        {"model_type": "gemma3_text", "num_hidden_layers": 7},
        {"model_type": "mixtral", "num_hidden_layers": 2},
        {"model_type": "nemotron_h"},
        {"model_type": "deepseek_v3", "q_lora_rank": None},
    ],
)
@pytest.mark.parametrize("command", ["describe", "allocate"])
def test_a_description_is_described_and_exported_again(
    command: str, config: dict[str, Any], tmp_path: Path
) -> None:
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    run(command, "-", "--json", str(path), stdin=json.dumps(config))
    assert from_answer(json.loads(path.read_text())) == read_config(config)
    run("export", str(path), "--to", "hf", "-o", str(again))
    assert read_config(json.loads(again.read_text())) == read_config(config)


def test_groups_of_an_answer_that_are_not_of_its_block_are_refused() -> None:
    layer = {"attention": {"kind": "full", "heads": 2, "kv_heads": 2, "head_dim": 8, "qkv_bias": True},
             "ffn": {"kind": "dense", "d_ff": 64}, "norms": 2}  # fmt: skip
    answer = {"block": "llama", "layers": 3, "d_model": 16, "heads": 2, "kv_heads": 2, "head_dim": 8,
              "d_ff": 64, "vocab_size": 100, "tied_embeddings": True}  # fmt: skip
    from_answer({"architecture": answer})
    with pytest.raises(ConfigError, match="is no layer of this block"):
        from_answer({"architecture": answer | {"groups": [{"count": 3} | layer]}})
