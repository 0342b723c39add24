"""Bytes of checkpoints: published ones, every method by hand, and what each method converts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.architecture.accounting import (
    count_parameters,
    layer_parameters,
    serving_weights,
    weights_by_part,
)
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read, read_config
from modelsizer.problems.architecture.matrices import layer_matrices
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.state_space import GatedRecurrence
from modelsizer.problems.architecture.weight_formats import PARTS, WeightFormat
from modelsizer.problems.designs.description import describe
from tests.support.checkpoints import AWQ, CHECKPOINTS, FP8, MXFP4, Checkpoint
from tests.support.shared import case

SMALL: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1000,
}  # fmt: skip
HEAD = 1000 * 256
LAYERS, MATRICES = 3, {"q": (256, 256), "k": (128, 256), "v": (128, 256), "o": (256, 256),
                       "gate": (512, 256), "up": (512, 256), "down": (256, 512)}  # fmt: skip
WEIGHTS = sum(rows * columns for rows, columns in MATRICES.values())
OUTSIDE = 2 * (2 * HEAD + 7 * 256)  # embedding, head and norms


def weight_bytes(config: dict[str, Any]) -> int:
    found = describe(read_config(config)).weight_bytes
    assert isinstance(found, int)  # whole, however the parts are averaged
    return found


def small(method: str, **values: Any) -> dict[str, Any]:
    return SMALL | {"quantization_config": {"quant_method": method} | values}


# Published checkpoints


@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda c: c.name)
def test_published_checkpoints(checkpoint: Checkpoint) -> None:
    found = describe(read_config(checkpoint.config))
    beside = sum(checkpoint.beside.values())
    counted = found.weight_bytes + beside
    assert checkpoint.source
    assert 0 <= checkpoint.bytes - counted <= checkpoint.headers
    quantised = "quantization_config" in checkpoint.config
    assert found.checkpoint_bytes == (counted if quantised else None)
    assert found.architecture.beside == beside


def test_multi_token_prediction_of_deepseek_v3_is_one_layer_more() -> None:
    config = next(c for c in CHECKPOINTS if c.name == "DeepSeek-V3")
    longer = config.config | {"num_hidden_layers": 62, "num_nextn_predict_layers": 0}
    layer = weight_bytes(longer) - weight_bytes(config.config)
    assert layer == config.beside["the layer of multi-token prediction"]


def test_values_of_deepseek_v32() -> None:
    """The hub counts 685,396,921,376 values of V3.2-Exp, scales and biases among them."""
    a = read_config(case("gap_deepseek_v32.json"))
    trunk, stack = a.trunk, a.stack()
    assert stack is not None
    stack += stack[-1:]  # the layer of multi-token prediction
    around = 2 * trunk.embedding_size() + 3 * trunk.d_model + 2 * trunk.d_model**2
    values = count_parameters(a).total + layer_parameters(stack[-1], trunk) + around
    matrices = [m for layer in stack for m in layer_matrices(layer, trunk, a.block)]
    scales = sum(-(-m.rows // 128) * -(-m.columns // 128) * m.count for m in matrices)
    assert values + scales + 59 * 256 == 685_396_921_376


@pytest.mark.parametrize("name", ["gpt_oss_120b.json", "gpt_oss_20b.json"])
def test_the_files_given(name: str) -> None:
    want = {c.name.replace("-", "_") + ".json": c.bytes for c in CHECKPOINTS}
    assert weight_bytes(case(name)) == want[name]


# Formats by hand


def of_each(size: Any) -> int:
    return LAYERS * sum(size(rows, columns) for rows, columns in MATRICES.values()) + OUTSIDE


def test_gptq() -> None:
    four = small("gptq", bits=4, group_size=128, desc_act=False, sym=True)
    want = of_each(lambda n, m: n * m // 2 + (m // 128) * (n // 2 + 2 * n) + 4 * m)
    assert weight_bytes(four) == want
    eight = small("gptq", bits=8, group_size=-1)
    assert weight_bytes(eight) == of_each(lambda n, m: n * m + n + 2 * n + 4 * m)


def test_gptq_by_modules_and_by_patterns() -> None:
    mlp = small("gptq", bits=4, modules_in_block_to_quantize=[["mlp.gate_proj", "mlp.up_proj"]])
    each = 512 * 128 + 2 * (256 + 1024) + 4 * 256
    assert weight_bytes(mlp) == 2 * LAYERS * (WEIGHTS - 2 * 512 * 256) + OUTSIDE + 6 * each
    rules = {"-:.*self_attn.*": {}, r"+:model\.layers\.1\..*down_proj": {"bits": 8}}
    mixed = weight_bytes(small("gptq", bits=4, dynamic=rules))
    rest = weight_bytes(small("gptq", bits=4, dynamic={"-:.*self_attn.*": {}}))
    assert mixed - rest == 256 * 512 // 2 + (512 // 128) * 256 // 2  # weights and zero points
    head = weight_bytes(small("gptq", bits=4, lm_head=True))
    packed = HEAD // 2 + 2 * (500 + 2000) + 4 * 256
    assert weight_bytes(small("gptq", bits=4)) - head == 2 * HEAD - packed


def test_awq() -> None:
    want = of_each(lambda n, m: n * m // 2 + (m // 64) * (n // 2 + 2 * n))
    assert weight_bytes(small("awq", bits=4, group_size=64)) == want
    kept = small("awq", bits=4, group_size=64, modules_to_not_convert=["self_attn", "gate"])
    attention = sum(
        2 * n * m - n * m // 2 - (m // 64) * (n // 2 + 2 * n)
        for name, (n, m) in MATRICES.items()
        if len(name) == 1  # "gate" is a router, not gate_proj
    )
    assert weight_bytes(kept) == want + LAYERS * attention


def test_fp8() -> None:
    blocks = small("fp8", weight_block_size=[128, 128])
    want = of_each(lambda n, m: n * m + 4 * (n // 128) * (m // 128))
    assert weight_bytes(blocks) == want
    # A list replaces the default, which leaves the head.
    listed = small("fp8", weight_block_size=[128, 128], modules_to_not_convert=["model.layers.0"])
    first = WEIGHTS - sum(4 * (n // 128) * (m // 128) for n, m in MATRICES.values())
    assert weight_bytes(listed) == want + first - HEAD + 4 * 8 * 2
    tensor = small("fp8", weight_block_size=None, activation_scheme="static")
    assert weight_bytes(tensor) == of_each(lambda n, m: n * m + 8)
    assert weight_bytes(small("fbgemm_fp8")) == of_each(lambda n, m: n * m + 4 * n)


def test_bitsandbytes() -> None:
    single = small("bitsandbytes", load_in_4bit=True)
    assert weight_bytes(single) == of_each(lambda n, m: n * m // 2 + n * m // 64 * 4 + 64)
    double = small("bitsandbytes", load_in_4bit=True, bnb_4bit_use_double_quant=True)
    nested = 4 * 256 + 64
    want = of_each(lambda n, m: n * m // 2 + n * m // 64 + -(-n * m // 64 // 256) * 4 + nested)
    assert weight_bytes(double) == want
    eight = small("bitsandbytes", load_in_8bit=True)
    assert weight_bytes(eight) == of_each(lambda n, m: n * m + 4 * n + 1)
    unnamed = SMALL | {"quantization_config": {"load_in_8bit": True}}
    assert weight_bytes(unnamed) == weight_bytes(eight)


def compressed(form: str, weights: dict[str, Any], **values: Any) -> dict[str, Any]:
    group = {"targets": ["Linear"], "weights": weights} | values.pop("group", {})
    values = {"format": form, "ignore": ["lm_head"]} | values
    return small("compressed-tensors", config_groups={"group_0": group}, **values)


def test_compressed_tensors() -> None:
    weights = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32}
    want = of_each(lambda n, m: n * m // 2 + n * (m // 32) * 2 + 16)
    assert weight_bytes(compressed("pack-quantized", weights)) == want
    zeros = compressed("pack-quantized", weights | {"symmetric": False})
    assert weight_bytes(zeros) == want + of_each(lambda n, m: n // 2 * (m // 32)) - OUTSIDE
    float4 = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}
    found = compressed("nvfp4-pack-quantized", float4, group={"input_activations": float4})
    assert weight_bytes(found) == of_each(lambda n, m: n * m // 2 + n * m // 16 + 8)
    float8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
    assert weight_bytes(compressed("float-quantized", float8)) == of_each(
        lambda n, m: n * m + 2 * n
    )
    ignored = compressed("float-quantized", float8, ignore=["re:.*mlp.*", "lm_head"])
    mlp = sum(n * m - 2 * n for name, (n, m) in MATRICES.items() if len(name) > 1)
    assert weight_bytes(ignored) == of_each(lambda n, m: n * m + 2 * n) + LAYERS * mlp
    old = dict(compressed("float-quantized", float8))
    old["compression_config"] = old.pop("quantization_config")
    assert weight_bytes(old) == of_each(lambda n, m: n * m + 2 * n)


def test_compressed_tensors_of_two_formats() -> None:
    four = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
    eight = {"num_bits": 8, "type": "float", "strategy": "channel"}
    groups = {
        "group_0": {"targets": ["re:.*down_proj$"], "weights": eight, "format": "float-quantized"},
        "group_1": {"targets": ["Linear"], "weights": four, "format": "pack-quantized"},
    }
    found = weight_bytes(small("compressed-tensors", config_groups=groups, ignore=["lm_head"]))
    down = MATRICES["down"]
    want = of_each(lambda n, m: n * m // 2 + n * (m // 128) * 2 + 16)
    packed = down[0] * down[1] // 2 + down[0] * (down[1] // 128) * 2 + 16
    assert found == want + LAYERS * (down[0] * down[1] + 2 * down[0] - packed)


def test_modelopt() -> None:
    fp4 = small("modelopt", quant_algo="NVFP4", ignore=["lm_head"])
    assert weight_bytes(fp4) == of_each(lambda n, m: n * m // 2 + n * m // 16 + 8)
    fp8 = {"quant_algo": "FP8", "exclude_modules": ["lm_head", "model.layers.2*"]}
    found = weight_bytes(small("modelopt", quantization=fp8))
    last = sum(n * m - 8 for n, m in MATRICES.values())
    assert found == of_each(lambda n, m: n * m + 8) + last


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"quant_method": "eetq", "weights": "int8"}, lambda n, m: n * m + 2 * n),
        ({"quant_method": "quanto", "weights": "int8"}, lambda n, m: n * m + 2 * n),
        ({"quant_method": "quanto", "weights": "int4"}, lambda n, m: n * m // 2 + n * m // 128 * 4),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4,
          "group_size": 64}}}, lambda n, m: n * m // 2 + n * m // 64 * 4),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only"},
         lambda n, m: n * m // 2 + n * m // 128 * 4),
        ({"quant_method": "torchao", "quant_type": "int8_weight_only"},
         lambda n, m: n * m + 2 * n),
        ({"quant_method": "bitnet"}, lambda n, m: n * m // 4 + 2),
    ],
    ids=lambda v: v["quant_method"] if isinstance(v, dict) else "",
)  # fmt: skip
def test_others(values: dict[str, Any], size: Any) -> None:
    assert weight_bytes(SMALL | {"quantization_config": values}) == of_each(size)


def test_mxfp4_converts_experts_alone() -> None:
    config = next(c.config for c in CHECKPOINTS if c.name == "gpt-oss-20b")
    formats = read_config(config).stored
    assert formats is not None
    assert formats.experts == Fraction(17, 32)
    assert {formats.attention, formats.embedding, formats.head, formats.other} == {2}
    left = MXFP4 | {"modules_to_not_convert": ["model.layers.0.mlp"]}
    fewer = read_config(config | {"quantization_config": left}).stored
    assert fewer is not None
    assert fewer.experts == (Fraction(17, 32) * 23 + 2) / 24


def test_the_rest_has_the_type_of_the_configuration() -> None:
    half = small("awq", bits=4)
    full = half | {"torch_dtype": "float32"}
    assert weight_bytes(full) - weight_bytes(half) == OUTSIDE
    assert weight_bytes(half | {"dtype": "bfloat16"}) == weight_bytes(half)


def test_a_wrapper_is_read_too() -> None:
    names = ["lm_head", "model.language_model.layers.0.self_attn"]
    quantised = {"quantization_config": FP8 | {"modules_to_not_convert": names}}
    text = {"model_type": "qwen3_vl_text"} | {k: v for k, v in SMALL.items() if k != "model_type"}
    found = weight_bytes({"model_type": "qwen3_vl", "text_config": text} | quantised)
    bare = weight_bytes(text | {"quantization_config": FP8})
    assert found > bare


# What is converted


def test_matrices_are_all_of_the_matrices() -> None:
    rows = Path(__file__).parents[4] / "reference" / "counted_components.jsonl"
    configs = [json.loads(line)["config"] for line in rows.read_text().splitlines()]
    seen = [m.architecture for m in models().values()] + [read_config(c) for c in configs]
    for architecture in seen:
        check_matrices(architecture)


def check_matrices(a: Architecture) -> None:
    counted = weights_by_part(a.trunk, a.kinds)
    held = {part: int(counted[part].at(a.counts)) for part in PARTS}
    assert sum(held.values()) == count_parameters(a).total, a.block
    listed = dict.fromkeys(PARTS, 0)
    stack = a.stack()
    assert stack is not None
    for layer in stack:
        for matrix in layer_matrices(layer, a.trunk, a.block):
            assert len(set(matrix.names)) == len(matrix.names)
            listed[matrix.part] += matrix.weights
    left = sum(_unconverted(layer, a.trunk.d_model) for layer in stack)
    assert listed["attention"] + left == held["attention"], a.block
    assert (listed["ffn"], listed["experts"]) == (held["ffn"], held["experts"]), a.block


def _unconverted(layer: Any, d_model: int) -> int:
    """Weights that no method converts: of an indexer's heads, and blocks of a recurrence."""
    mixer = layer.attention
    if isinstance(mixer, GatedRecurrence):
        return 2 * mixer.inner**2 // mixer.blocks
    indexer = getattr(mixer, "indexer", None)
    return 0 if indexer is None or indexer.shared else indexer.heads * d_model


# Reading


def test_no_quantisation_changes_nothing() -> None:
    for nothing in ({}, {"quantization_config": None}, {"quantization_config": {}}):
        found = read(SMALL | nothing)
        assert found.architecture.stored is None
        assert not found.notes
        assert weight_bytes(SMALL | nothing) == 2 * count_parameters(found.architecture).total


def test_a_method_that_is_not_counted_is_told() -> None:
    found = read(small("aqlm"))
    assert found.architecture.stored is None
    assert any("'aqlm'" in note and "not quantised" in note for note in found.notes)
    assert any("did you mean gptq" in note for note in read(small("gtpq")).notes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"quant_method": "gptq", "bits": "4"}, "bits = '4' is not a whole number"),
        ({"quant_method": "fp8", "modules_to_not_convert": "lm_head"}, "must be a list of names"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "cannot be read"),
        ({"quant_method": "fp8", "modules_to_not_convert": ["(("]}, "cannot be read"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": ["a"]}, "cannot be read"),
        ({"quant_method": "modelopt", "quant_algo": "INT3"}, "'INT3' is not counted"),
        ({"quant_method": "quanto", "weights": "int3"}, "'int3' is not counted"),
    ],
)
def test_what_is_not_understood_is_told(values: Any, words: str) -> None:
    found = read(SMALL | {"quantization_config": values})
    assert found.architecture.stored is None
    (note,) = found.notes
    assert words in note
    assert note.startswith("quantization_config")
    assert note.endswith("weights are taken as if not quantised")


def test_what_is_no_table_is_an_error() -> None:
    with pytest.raises(ConfigError, match="quantization_config = 'fp8' is not a table"):
        read_config(SMALL | {"quantization_config": "fp8"})


def test_an_architecture_is_the_same_with_and_without() -> None:
    assert read_config(small("awq", bits=4)) == read_config(SMALL)


# Figures


def run(*args: str) -> str:
    answer = CliRunner().invoke(app, list(args), env={"COLUMNS": "100"})
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL | {"quantization_config": AWQ}))
    return str(path)


def test_describe_and_memory_hold_the_weights_as_stored(file: str) -> None:
    stored = weight_bytes(SMALL | {"quantization_config": AWQ})
    told = json.loads(run("describe", file, "--json", "-"))
    assert told["weight_bytes"] == stored
    assert told["serving_memory"] == stored + told["kv_cache"]
    assert "as the checkpoint stores them" in " ".join(run("describe", file).split())
    memory = json.loads(run("memory", file, "--json", "-"))["serving_memory"]
    parts = {part["name"]: part["bytes"] for part in memory["parts"]}
    assert memory["total"] - parts["KV cache"] == pytest.approx(stored, rel=1e-12)
    assert "as the checkpoint stores them" in " ".join(run("memory", file).split())


def test_a_setting_wins(file: str) -> None:
    total = count_parameters(read_config(SMALL)).total
    told = json.loads(run("describe", file, "--weight-bytes", "2", "--json", "-"))
    assert told["weight_bytes"] == 2 * total
    settings = ["--set", "serving.weight_bytes=1", "--json", "-"]
    design = json.loads(run("describe", file, *settings))["design"]["quantities"]
    assert design["serving_memory"] - design["kv_cache"] == total
    assert "as the checkpoint" not in run("memory", file, "--set", "serving.weight_bits=8")


def test_a_part_that_is_set_wins_over_that_part(file: str) -> None:
    stored = read_config(SMALL | {"quantization_config": AWQ}).stored
    assert stored is not None
    settings = ["--set", "serving.weight_bits.embedding=8", "--json", "-"]
    design = json.loads(run("describe", file, *settings))["design"]["quantities"]
    parts = stored.to_dict() | {"embedding": Fraction(1), "head": Fraction(1)}
    a = read_config(SMALL)
    held = serving_weights(a.trunk, a.kinds, WeightFormat(**parts))
    assert design["serving_memory"] - design["kv_cache"] == held.at(a.counts)


def test_mlx_converts_the_embedding_too() -> None:
    # Groups of 64 have a scale and a shift of 2 bytes; norms stay.
    mlx = {"group_size": 64, "bits": 4}
    whole = Fraction(LAYERS * WEIGHTS + 2 * HEAD) * (Fraction(1, 2) + Fraction(4, 64)) + 2 * 7 * 256
    for key in ("quantization", "quantization_config"):
        assert weight_bytes(SMALL | {key: mlx}) == whole
    assert weight_bytes(SMALL | {"quantization": mlx, "quantization_config": mlx}) == whole
    by_module = {"model.layers.0.mlp.down_proj": {"group_size": 64, "bits": 8}, "lm_head": False}
    more = 256 * 512 // 2 + 2 * HEAD - HEAD * Fraction(9, 16)
    assert weight_bytes(SMALL | {"quantization": mlx | by_module}) == whole + more
    blocks = Fraction(LAYERS * WEIGHTS + 2 * HEAD) * (Fraction(1, 2) + Fraction(1, 32))
    mxfp4 = {"group_size": 32, "bits": 4, "mode": "mxfp4"}
    assert weight_bytes(SMALL | {"quantization": mxfp4}) == blocks + 2 * 7 * 256


@pytest.mark.parametrize(
    "values",
    [{"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}, {"quant_algo": "FP8"}],
)  # fmt: skip
def test_a_method_that_is_not_named_is_told_by_its_keys(values: dict[str, Any]) -> None:
    found = weight_bytes(SMALL | {"quantization_config": values})
    assert found == weight_bytes(small("modelopt", quant_algo="FP8"))


def test_a_null_quantisation_of_the_text_part_is_that_of_the_whole() -> None:
    text = SMALL | {"quantization_config": None}
    whole = {"model_type": "llava", "text_config": text, "vision_config": {}}
    awq = {"quant_method": "awq", "bits": 4}
    found = weight_bytes(whole | {"quantization_config": awq})
    assert found == weight_bytes(small("awq", bits=4))
