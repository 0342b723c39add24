"""safetensors files beside a configuration: bytes by part and type, and the count held against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import ModelsizerError
from modelsizer.cli import app
from modelsizer.problems.architecture.sources import find_source

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100,
}  # fmt: skip
_BYTES = {"BF16": 2, "F32": 4, "I32": 4, "F8_E4M3": 1}
Shapes = dict[str, tuple[str, tuple[int, ...]]]


def layer(n: int, kind: str = "BF16") -> Shapes:
    shapes = {
        "self_attn.q_proj": (64, 64), "self_attn.k_proj": (32, 64), "self_attn.v_proj": (32, 64),
        "self_attn.o_proj": (64, 64), "mlp.gate_proj": (128, 64), "mlp.up_proj": (128, 64),
        "mlp.down_proj": (64, 128),
    }  # fmt: skip
    norms = {"input_layernorm": (64,), "post_attention_layernorm": (64,)}
    named = {f"model.layers.{n}.{name}.weight": (kind, shape) for name, shape in shapes.items()}
    return named | {f"model.layers.{n}.{name}.weight": ("F32", s) for name, s in norms.items()}


OUTSIDE: Shapes = {
    "model.embed_tokens.weight": ("BF16", (100, 64)), "lm_head.weight": ("BF16", (100, 64)),
    "model.norm.weight": ("F32", (64,)),
}  # fmt: skip
PARAMETERS = 2 * 6400 + 64 + 2 * (12_288 + 24_576 + 128)


def written(path: Path, tensors: Shapes) -> None:
    """Write a header, without data."""
    rows: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (kind, shape) in tensors.items():
        values = 1
        for width in shape:
            values *= width
        end = at + values * _BYTES[kind]
        rows[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(rows).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def found(model: Path, said: list[str]) -> Any:
    source = find_source(str(model))
    return source.tensors(source.architecture(said.append), said.append)


@pytest.mark.parametrize("split", [False, True])
def test_bytes_and_parameters(model: Path, split: bool) -> None:
    said: list[str] = []
    assert found(model, said) is None
    parts = [OUTSIDE | layer(0), layer(1)]
    if split:
        names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
        index = {name: file for part, file in zip(parts, names, strict=True) for name in part}
        (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
        written(model / names[0], parts[0])
        assert found(model, said) is None  # a part is missing
        written(model / names[1], parts[1])
    else:
        written(model / "model.safetensors", parts[0] | parts[1])
    tensors = found(model, said)
    assert said == []
    assert tensors.parameters == PARAMETERS
    assert tensors.bytes == 2 * PARAMETERS + 2 * 5 * 64
    values = {part: sum_.values for part, sum_ in tensors.by_part().items()}
    assert values == {
        "attention": 2 * 12_288, "ffn": 2 * 24_576, "embedding": 6400, "head": 6400, "other": 320,
    }  # fmt: skip
    shown = CliRunner().invoke(app, ["describe", str(model), "--json", "-"])
    assert json.loads(shown.stdout)["checkpoint"] == tensors.to_dict()
    assert "Tensors of the safetensors files" in CliRunner().invoke(
        app, ["describe", str(next(model.glob("*.safetensors")))]
    ).stdout  # fmt: skip


def test_what_is_not_counted(model: Path) -> None:
    more: Shapes = {
        "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", (8,)),
        "model.layers.0.self_attn.q_proj.weight_scale_inv": ("F32", (1, 1)),
        "model.layers.2.mlp.up_proj.weight": ("BF16", (128, 64)),
        "vision_tower.encoder.layers.0.mlp.fc1.weight": ("BF16", (9, 9)),
    }
    written(model / "model.safetensors", OUTSIDE | layer(0, "F8_E4M3") | layer(1) | more)
    said: list[str] = []
    assert found(model, said).parameters == PARAMETERS
    assert said == []
    written(model / "model.safetensors", OUTSIDE | layer(0, "I32") | layer(1))
    assert found(model, said).parameters is None  # several weights in a value
    assert said == []


def test_a_difference_and_a_damaged_file_are_said(model: Path) -> None:
    written(model / "model.safetensors", OUTSIDE | layer(0))
    said: list[str] = []
    found(model, said)
    counted = f"and {PARAMETERS:,} are counted"
    assert said == [f"{model}: its tensors hold 49,856 parameters, {counted}"]
    for content in (b"", b"\xff" * 20, b"\x10" + b"\0" * 7 + b"{", b"\2" + b"\0" * 7 + b"[]"):
        (model / "model.safetensors").write_bytes(content)
        said.clear()
        assert found(model, said) is None
        assert len(said) == 1 and "model.safetensors" in said[0]


def test_weights_without_a_configuration(tmp_path: Path) -> None:
    written(tmp_path / "model.safetensors", OUTSIDE)
    with pytest.raises(ModelsizerError, match=r"without config\.json beside it"):
        find_source(str(tmp_path / "model.safetensors"))
