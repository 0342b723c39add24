"""Sources of an architecture: what is found first, folders, and what errors say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import ModelsizerError, describe, load_architecture
from modelsizer.cli import app
from modelsizer.problems.architecture.accounting import count_parameters
from tests.support.gguf_files import LLAMA, llama_tensors, written

CONFIG = {
    "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 512,
}  # fmt: skip


def folder(path: Path, **files: Any) -> Path:
    """A folder with files, of which the names have no dots: `config_json`."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name.replace("_json", ".json")).write_text(json.dumps(content))
    return path


def total(source: str | Path) -> int:
    return describe(load_architecture(str(source))).parameters.total


def test_a_folder_is_read_by_its_config(tmp_path: Path) -> None:
    model = folder(tmp_path / "model", config_json=CONFIG, tokenizer_json={})
    assert total(model) == total(model / "config.json") == 1_443_072
    # The configuration comes before the GGUF file beside it, which may be another model's.
    written(model / "other.gguf", LLAMA | {"llama.block_count": 1}, llama_tensors(layers=1))
    assert total(model) == 1_443_072


def test_the_quantisation_file_of_modelopt_beside_a_configuration(tmp_path: Path) -> None:
    beside = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4"}}
    model = folder(tmp_path / "apart", config_json=CONFIG, hf_quant_config_json=beside)
    inside = folder(tmp_path / "inside", config_json=CONFIG | {"quantization_config": beside})
    plain = folder(tmp_path / "plain", config_json=CONFIG)
    held = [describe(load_architecture(str(m))).weight_bytes for m in (model, inside, plain)]
    assert held[0] == held[1] < held[2] / 2
    fp8 = CONFIG | {"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}
    own = folder(tmp_path / "own", config_json=fp8, hf_quant_config_json=beside)
    assert describe(load_architecture(str(own))).weight_bytes > held[0]
    (model / "hf_quant_config.json").write_text("{")
    with pytest.raises(ModelsizerError, match=r"hf_quant_config\.json beside it: "):
        load_architecture(str(model))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["without config.json or params.json", "it is empty"]),
        ({"tokenizer_json": {}}, ["or a .gguf file", "it holds tokenizer.json"]),
        ({"adapter_config_json": {}}, ["adapter_config.json", "name the model that it adapts"]),
    ],
)
def test_a_folder_without_a_configuration(
    tmp_path: Path, files: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ModelsizerError) as error:
        load_architecture(str(folder(tmp_path / "model", **files)))
    for word in [str(tmp_path / "model"), *words]:
        assert word in str(error.value)


def test_a_folder_of_gguf_files(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    written(model / "a.gguf", LLAMA, llama_tensors())
    assert total(model) == 1_443_072
    written(model / "b.gguf", LLAMA, llama_tensors())
    with pytest.raises(ModelsizerError, match=r"with 2 \.gguf models: name one, such as .*a\.gguf"):
        load_architecture(str(model))


@pytest.mark.parametrize(
    ("params", "like"),
    [
        (  # Llama 3 8B and Llama 3.2 1B, as Meta publishes them
            {"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
             "multiple_of": 1024, "ffn_dim_multiplier": 1.3, "norm_eps": 1e-5, "rope_theta": 5e5},
            "llama-3-8b",
        ),
        (
            {"dim": 2048, "n_layers": 16, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
             "ffn_dim_multiplier": 1.5, "multiple_of": 256, "norm_eps": 1e-5, "rope_theta": 5e5,
             "use_scaled_rope": True},
            "llama-3.2-1b",
        ),
        (
            {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-5,
             "vocab_size": -1},
            "llama-7b",
        ),
        (
            {"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32,
             "n_kv_heads": 8, "norm_eps": 1e-5, "vocab_size": 32000,
             "moe": {"num_experts_per_tok": 2, "num_experts": 8}},
            "mixtral-8x7b",
        ),
    ],
)  # fmt: skip
def test_params_json_of_meta_and_mistral(tmp_path: Path, params: dict[str, Any], like: str) -> None:
    found = load_architecture(str(folder(tmp_path / "model", params_json=params)))
    known = load_architecture(like)
    assert count_parameters(found) == count_parameters(known)
    assert found.groups == known.groups


def test_params_json_that_is_not_understood(tmp_path: Path) -> None:
    params = {"dim": 64, "n_layers": 2, "n_heads": 4, "vocab_size": 100, "vision_encoder": {}}
    with pytest.raises(ModelsizerError, match=r"vision_encoder = \{\} is not a field of params"):
        load_architecture(str(folder(tmp_path / "model", params_json=params)))
    params = {"dim": 64, "n_layers": 2, "n_heads": 4, "moe": 8}
    with pytest.raises(ModelsizerError, match="moe must be an object"):
        load_architecture(str(folder(tmp_path / "model", params_json=params)))
    params = {"dim": "wide", "n_layers": 2, "n_heads": 4}
    with pytest.raises(ModelsizerError, match="dim must be a positive number"):
        load_architecture(str(folder(tmp_path / "model", params_json=params)))


def test_a_path_comes_before_a_name_and_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "llama-3-8b", config_json=CONFIG)
    folder(tmp_path / "org" / "name", config_json=CONFIG)
    assert total("llama-3-8b") == total("org/name") == 1_443_072


@pytest.mark.parametrize(
    "name", ["models/config.json", "./org/name", "a/b/c", "/org/name", "x.gguf"]
)
def test_a_missing_path_is_no_id(name: str) -> None:
    with pytest.raises(ModelsizerError, match="no such file or folder, and no model of that name"):
        load_architecture(name)


@pytest.mark.parametrize("command", ["describe", "memory", "audit", "export", "allocate"])
def test_every_command_reads_a_folder(tmp_path: Path, command: str) -> None:
    more = {
        "memory": ["--set", "serving.context_length=1000"],
        "audit": ["--tokens", "1B"],
    }.get(command, [])
    model = folder(tmp_path / "model", config_json=CONFIG)
    answer = CliRunner().invoke(app, [command, str(model), *more])
    assert answer.exit_code == 0, answer.output
    answer = CliRunner().invoke(app, [command, "org/name", *more])
    assert answer.exit_code == 2
    assert "--download" in answer.stderr and len(answer.stderr.splitlines()) == 1


def test_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    models = [folder(tmp_path / name / "model", config_json=CONFIG) for name in "ab"]
    settings = ["--set", "serving.accelerator=H100-SXM", "--set", "serving.context_length=1000"]
    args = ["roofline", str(models[0]), "--beside", str(models[1]), *settings, "--json", "-"]
    answer = CliRunner().invoke(app, args)
    assert answer.exit_code == 0, answer.output
    assert all(str(model) in answer.stdout for model in models)


@pytest.mark.parametrize("output", ["config.json", "sub/../config.json"])
def test_the_file_of_a_folder_is_not_written_over(tmp_path: Path, output: str) -> None:
    model = folder(tmp_path / "model", config_json=CONFIG)
    (model / "sub").mkdir()
    before = (model / "config.json").read_bytes()
    answer = CliRunner().invoke(app, ["export", str(model), "-o", str(model / output)])
    assert answer.exit_code == 2 and "is the file that SOURCE reads" in answer.stderr
    assert (model / "config.json").read_bytes() == before


def test_a_path_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"model_type": "llama"}')
    assert load_architecture(file).groups == load_architecture(str(file)).groups
    assert load_architecture(tmp_path).layers == 32
