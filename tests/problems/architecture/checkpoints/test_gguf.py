"""GGUF files: headers, configurations by the table, and bytes."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from modelsizer import ModelsizerError, describe, load_architecture
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.checkpoints.gguf_config import rows, table
from modelsizer.problems.architecture.checkpoints.gguf_file import Words, read_header
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.architecture.sources import find_source
from tests.support.gguf_files import F16, F32, LLAMA, Q4_K, Q6_K, WORDS, llama_tensors, written

CONFIG = {
    "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 512,
}  # fmt: skip


def test_a_header(tmp_path: Path) -> None:
    kept = {"a.list": [3, 5], "a.text": "\u00e9", "a.flag": True, "a.number": 0.5}
    path = written(tmp_path / "x.gguf", LLAMA | kept, llama_tensors())
    found = read_header([path])
    assert {key: found.metadata[key] for key in kept} == kept
    assert found.metadata["tokenizer.ggml.tokens"] == Words(len(WORDS))
    assert [(t.name, t.shape, t.type) for t in found.tensors] == [
        (name, *described) for name, described in llama_tensors().items()
    ]
    assert read_header([written(tmp_path / "y.gguf", LLAMA, llama_tensors(), version=2)]).tensors


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("name", ["x.gguf", "blob"])  # the hub's cache has links to blobs
def test_a_file_is_its_configuration(tmp_path: Path, tied: bool, name: str) -> None:
    path = written(tmp_path / name, LLAMA, llama_tensors(tied=tied))
    said: list[str] = []
    found = load_architecture(str(path), said.append)
    assert found == read_config(CONFIG | {"tie_word_embeddings": tied})
    assert said == []


def test_flags_are_of_the_tensors(tmp_path: Path) -> None:
    tensors = llama_tensors() | {
        f"blk.{n}.attn_{part}.bias": ((width,), F32)
        for n in range(2)
        for part, width in {"q": 256, "k": 128, "v": 128, "output": 256}.items()
    }
    said: list[str] = []
    found = load_architecture(str(written(tmp_path / "x.gguf", LLAMA, tensors)), said.append)
    assert found == read_config(CONFIG | {"attention_bias": True})
    assert said == []


def test_bytes_by_part_and_type(tmp_path: Path) -> None:
    path = written(tmp_path / "x.gguf", LLAMA, llama_tensors(Q4_K))
    found = find_source(str(path)).checkpoint
    assert found is not None
    parts = found.by_part()
    assert parts["embedding"].bytes == parts["head"].bytes == 256 * 512 * 210 // 256
    attention, ffn = 2 * (2 * 256 * 256 + 2 * 256 * 128), 2 * 3 * 256 * 512
    assert (parts["attention"].values, parts["ffn"].values) == (attention, ffn)
    assert parts["ffn"].bytes == ffn * 144 // 256
    assert parts["other"].values == 5 * 256 + 32
    assert found.parameters == sum(sum_.values for sum_ in parts.values()) - 32
    assert found.bytes == sum(s.bytes for s in found.by_type().values())
    assert set(found.by_type()) == {"Q4_K", "Q6_K", "F32"}


def test_parameters_that_differ_are_said(tmp_path: Path) -> None:
    tensors = llama_tensors() | {"blk.0.extra.weight": ((7,), F32)}
    said: list[str] = []
    load_architecture(str(written(tmp_path / "x.gguf", LLAMA, tensors)), said.append)
    assert said == [
        f"{tmp_path}/x.gguf: its tensors hold 1,443,079 parameters, and 1,443,072 are counted"
    ]


def test_a_split_model(tmp_path: Path) -> None:
    names = [f"m-0000{n}-of-00002.gguf" for n in (1, 2)]
    both = list(llama_tensors().items())
    written(tmp_path / names[0], LLAMA | {"split.count": 2}, dict(both[:9]))
    with pytest.raises(ModelsizerError, match=r"is a part of 2, and m-00002-of-00002\.gguf is not"):
        load_architecture(str(tmp_path / names[0]))
    written(tmp_path / names[1], {"split.no": 1}, dict(both[9:]))
    said: list[str] = []
    for source in (tmp_path / names[0], tmp_path / names[1], tmp_path):
        found = load_architecture(str(source), said.append)
        assert count_parameters(found).total == 1_443_072
    assert said == []


def latent_tensors() -> dict[str, Any]:
    """Of one layer of DeepSeek-V3, small: 2 heads of 8 + 4, values of 8, 4 experts."""
    return {
        "token_embd.weight": ((32, 50), F16), "output.weight": ((32, 50), F16),
        "output_norm.weight": ((32,), F32), "blk.0.attn_norm.weight": ((32,), F32),
        "blk.0.ffn_norm.weight": ((32,), F32), "blk.0.attn_q_a.weight": ((32, 24), F16),
        "blk.0.attn_q_a_norm.weight": ((24,), F32), "blk.0.attn_q_b.weight": ((24, 24), F16),
        "blk.0.attn_kv_a_mqa.weight": ((32, 20), F16), "blk.0.attn_kv_a_norm.weight": ((16,), F32),
        "blk.0.attn_k_b.weight": ((8, 16, 2), F16), "blk.0.attn_v_b.weight": ((16, 8, 2), F16),
        "blk.0.attn_output.weight": ((16, 32), F16), "blk.0.ffn_gate_inp.weight": ((32, 4), F32),
        "blk.0.exp_probs_b.bias": ((4,), F32), "blk.0.ffn_gate_exps.weight": ((32, 8, 4), F16),
        "blk.0.ffn_up_exps.weight": ((32, 8, 4), F16), "blk.0.ffn_down_exps.weight": ((8, 32, 4), F16),
        "blk.0.ffn_gate_shexp.weight": ((32, 8), F16), "blk.0.ffn_up_shexp.weight": ((32, 8), F16),
        "blk.0.ffn_down_shexp.weight": ((8, 32), F16),
    }  # fmt: skip


LATENT = {
    f"deepseek2.{key}": value
    for key, value in {
        "block_count": 1, "embedding_length": 32, "feed_forward_length": 64,
        "attention.head_count": 2, "attention.head_count_kv": 1, "rope.dimension_count": 4,
        "attention.q_lora_rank": 24, "attention.kv_lora_rank": 16, "attention.key_length": 20,
        "attention.value_length": 16, "attention.key_length_mla": 12,
        "attention.value_length_mla": 8, "leading_dense_block_count": 0, "expert_count": 4,
        "expert_used_count": 2, "expert_shared_count": 1, "expert_feed_forward_length": 8,
    }.items()
}  # fmt: skip


def test_latent_attention_and_experts(tmp_path: Path) -> None:
    metadata = {"general.architecture": "deepseek2"} | LATENT
    said: list[str] = []
    found = find_source(str(written(tmp_path / "x.gguf", metadata, latent_tensors())))
    architecture = found.architecture(said.append)
    assert said == []  # the correction of the router is a buffer
    assert architecture.block == "deepseek_v3"
    assert count_parameters(architecture).experts == 4 * 3 * 32 * 8
    assert found.checkpoint is not None
    assert found.checkpoint.by_part()["experts"].values == 4 * 3 * 32 * 8
    # Files of 2024 have no keys of their own for the widths of latent attention, and one tensor.
    old = {k: v for k, v in metadata.items() if not k.endswith("_mla")} | {
        "deepseek2.attention.key_length": 12, "deepseek2.attention.value_length": 8,
        "deepseek2.attention.head_count_kv": 2,
    }  # fmt: skip
    tensors = latent_tensors() | {"blk.0.attn_kv_b.weight": ((16, 32), F16)}
    assert load_architecture(str(written(tmp_path / "y.gguf", old, tensors)), said.append) == (
        architecture
    )
    assert said == []


@pytest.mark.parametrize(
    ("metadata", "tensors", "words"),
    [
        (
            {"general.architecture": "lama"},
            1,
            "unknown GGUF architecture 'lama' (did you mean llama",
        ),
        ({"general.architecture": "clip", "general.type": "mmproj"}, 1, "general.type is 'mmproj'"),
        ({"general.name": "x"}, 1, "general.architecture is missing"),
        (LLAMA, 0, "a vocabulary only"),
        ({"general.architecture": "llama"}, 1, "llama.block_count is missing"),
        (LLAMA | {"llama.block_count": "two"}, 1, "llama.block_count is 'two', not a whole number"),
        (LLAMA | {"llama.feed_forward_length": [512, 256]}, 1, "differs from layer to layer"),
        (LLAMA | {"llama.embedding_length": 0}, 1, "hidden_size must be at least 1"),
    ],
)
def test_files_that_are_refused(
    tmp_path: Path, metadata: dict[str, Any], tensors: int, words: str
) -> None:
    path = written(tmp_path / "x.gguf", metadata, llama_tensors() if tensors else {})
    with pytest.raises(ModelsizerError) as error:
        load_architecture(str(path))
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value)


def test_damaged_files_end_in_a_sentence(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.gguf", LLAMA, llama_tensors()).read_bytes()
    path = tmp_path / "x.gguf"
    damaged = [whole[:n] for n in (0, 3, 4, 12, 30, 100, 1000, len(whole) - 3)]
    damaged += [whole[:8] + struct.pack("<Q", 2**60) + whole[16:]]
    damaged += [whole[:4] + struct.pack("<I", 99) + whole[8:]]
    damaged += [b"not a model"]
    start = whole.index(b"tokenizer.ggml.tokens") + len(b"tokenizer.ggml.tokens") + 8
    damaged += [whole[:start] + struct.pack("<Q", 2**50) + whole[start + 8 :]]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ModelsizerError, match=re.escape(str(path))):
            load_architecture(str(path))
    path.write_bytes(whole)
    assert load_architecture(str(path)).layers == 2


def test_the_table() -> None:
    assert table()["types"][str(Q6_K)] == ["Q6_K", 256, 210]
    assert {row.type for row in rows()} <= set(model_types())
    by_name = [row.architecture for row in rows()]
    for name in set(by_name):
        last = [row for row in rows() if row.architecture == name][-1]
        assert not last.when or by_name.count(name) == 1, name


@pytest.mark.reference
def test_types_are_those_of_the_package() -> None:
    gguf = pytest.importorskip("gguf")
    known = {int(kind): (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    ours = {int(number): tuple(row) for number, row in table()["types"].items()}
    assert {n: row for n, row in ours.items() if n in known and n != 9} == {
        n: row for n, row in known.items() if n != 9  # Q8_1, which no file holds
    }  # fmt: skip


@pytest.mark.reference
def test_a_file_of_the_package(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    np = pytest.importorskip("numpy")
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_embedding_length(256)
    writer.add_feed_forward_length(512)
    writer.add_head_count(4)
    writer.add_head_count_kv([2, 2])
    writer.add_token_list(WORDS)
    for name, (shape, _) in llama_tensors().items():
        values = np.zeros(shape[::-1], dtype=np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, values)
        else:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    said: list[str] = []
    found = find_source(str(path))
    assert found.architecture(said.append) == read_config(CONFIG)
    assert said == [] and found.checkpoint is not None
    read = gguf.GGUFReader(path)
    assert found.checkpoint.bytes == sum(tensor.n_bytes for tensor in read.tensors)


def hybrid(kinds: str) -> dict[str, Any]:
    """Tensors of Nemotron-H: M is Mamba-2 (2 heads of 16, a state of 8), * attention, - feed-forward."""
    layers = {
        "M": {
            "ssm_in.weight": ((32, 32 + 48 + 2), F16), "ssm_conv1d.weight": ((4, 48), F32),
            "ssm_conv1d.bias": ((48,), F32), "ssm_dt.bias": ((2,), F32), "ssm_a": ((1, 2), F32),
            "ssm_d": ((1, 2), F32), "ssm_norm.weight": ((32, 1), F32), "ssm_out.weight": ((32, 32), F16),
        },
        "*": {
            "attn_q.weight": ((32, 64), F16), "attn_k.weight": ((32, 16), F16),
            "attn_v.weight": ((32, 16), F16), "attn_output.weight": ((64, 32), F16),
        },
        "-": {"ffn_up.weight": ((32, 80), F16), "ffn_down.weight": ((80, 32), F16)},
    }  # fmt: skip
    found: dict[str, Any] = {
        "token_embd.weight": ((32, 50), F16), "output.weight": ((32, 50), F16),
        "output_norm.weight": ((32,), F32),
    }  # fmt: skip
    for n, kind in enumerate(kinds):
        found[f"blk.{n}.attn_norm.weight"] = ((32,), F32)
        found |= {f"blk.{n}.{name}": tensor for name, tensor in layers[kind].items()}
    return found


def test_kinds_of_layers_are_those_of_the_tensors(tmp_path: Path) -> None:
    kinds = "M-M*-"
    metadata = {"general.architecture": "nemotron_h"} | {
        f"nemotron_h.{key}": value
        for key, value in {
            "block_count": 5, "embedding_length": 32, "ssm.conv_kernel": 4, "ssm.state_size": 8,
            "ssm.group_count": 1, "ssm.inner_size": 32, "ssm.time_step_rank": 2,
            "attention.head_count": 4, "attention.head_count_kv": [0, 0, 0, 1, 0],
            "attention.key_length": 16, "feed_forward_length": [0, 80, 0, 0, 80],
        }.items()
    }  # fmt: skip
    said: list[str] = []
    path = written(tmp_path / "x.gguf", metadata, hybrid(kinds))
    found = find_source(str(path))
    assert found.content["layers_block_type"] == [
        {"M": "linear_attention", "*": "full_attention", "-": "mlp"}[kind] for kind in kinds
    ]
    architecture = found.architecture(said.append)
    assert said == [] and architecture.layers == 5
    assert found.checkpoint is not None and architecture.stored is not None
    # The formats of the parts give the bytes of the file, to the unit.
    assert describe(architecture).weight_bytes == found.checkpoint.bytes


@pytest.mark.parametrize("seed", range(2))
def test_any_damage_ends_in_a_sentence(tmp_path: Path, seed: int) -> None:
    r = random.Random(seed)
    latent = {"general.architecture": "deepseek2"} | LATENT
    path = written(tmp_path / "x.gguf", latent, latent_tensors())
    whole = path.read_bytes()
    failed = 0
    for _ in range(50):
        content = bytearray(whole)
        for _ in range(r.choice((1, 3, 20))):
            content[r.randrange(4, len(content))] = r.choice((0, 1, 2, 8, 9, 255, r.randrange(256)))
        path.write_bytes(content)
        try:
            describe(load_architecture(str(path), lambda _: None))
        except ModelsizerError as error:
            failed += 1
            assert str(path) in str(error) and len(str(error)) < 2000
    assert failed > 10
