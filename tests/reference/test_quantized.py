"""Bytes of quantised weights against the libraries that quantise: modules replaced on the meta
device, and packed tensors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import serving_weights
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.quantization import packings
from tests.support.library.counting import library_model

pytestmark = pytest.mark.reference

SIZES: dict[str, Any] = {
    "hidden_size": 320, "intermediate_size": 512, "num_hidden_layers": 3, "vocab_size": 700,
    "num_attention_heads": 5, "num_key_value_heads": 5, "pad_token_id": None,
}  # fmt: skip
LLAMA = SIZES | {"model_type": "llama"}
EXPERTS = {"moe_intermediate_size": 256, "num_experts_per_tok": 2}
LATENT = {"q_lora_rank": 130, "kv_lora_rank": 70, "qk_rope_head_dim": 16, "qk_nope_head_dim": 40,
          "v_head_dim": 40}  # fmt: skip
CONFIGS = (
    LLAMA,
    LLAMA | {"tie_word_embeddings": True},
    LLAMA | {"attention_bias": True, "mlp_bias": True},
    SIZES | {"model_type": "qwen3", "head_dim": 64, "num_key_value_heads": 1},
    SIZES | {"model_type": "phi3"},
    SIZES | {"model_type": "glm4", "head_dim": 64, "num_key_value_heads": 1},
    SIZES | EXPERTS | {"model_type": "qwen3_moe", "num_experts": 4, "head_dim": 64},
    SIZES | {"model_type": "mixtral", "num_local_experts": 4},
    SIZES | EXPERTS | LATENT
    | {"model_type": "deepseek_v3", "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
       "first_k_dense_replace": 1},
)  # fmt: skip
FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}
QUANTISED = (
    FP8,
    FP8 | {"modules_to_not_convert": ["lm_head", "model.layers.1", "o_proj"]},
    FP8 | {"modules_to_not_convert": [r"model.layers.\d+.self_attn", "lm_head"]},
)


def counted(config: dict[str, Any]) -> int:
    a = read_config(config)
    assert a.stored is not None
    kinds, counts = a.kinds, a.counts
    return int(serving_weights(a.trunk, kinds, a.stored).at(counts))


def held(model: Any, *, half: tuple[str, ...] = ()) -> int:
    """Bytes of the tensors of a model, tied ones once; of some names as if of two bytes."""
    sizes = {
        id(p): p.numel() * (2 if name.endswith(half) else p.element_size())
        for name, p in (*model.named_parameters(), *model.named_buffers())
        if "inv_freq" not in name and "e_score_correction_bias" not in name
    }
    return sum(sizes.values())


def built(config: dict[str, Any], device: str = "meta") -> Any:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    bare = {k: v for k, v in config.items() if k != "quantization_config"}
    model = library_model(bare, device).to(torch.bfloat16)
    model.tie_weights()
    return model


def library_fp8(config: dict[str, Any], quantisation: dict[str, Any]) -> Any:
    """The library's model with its modules replaced."""
    from transformers.integrations.finegrained_fp8 import replace_with_fp8_linear
    from transformers.quantizers.base import HfQuantizer
    from transformers.utils.quantization_config import FineGrainedFP8Config

    model = built(config)
    asked = FineGrainedFP8Config(**{k: v for k, v in quantisation.items() if k != "quant_method"})
    skipped = HfQuantizer.get_modules_to_not_convert(
        model, asked.modules_to_not_convert, model._keep_in_fp32_modules
    )
    return replace_with_fp8_linear(model, skipped, asked, pre_quantized=True)


@pytest.mark.parametrize("quantisation", QUANTISED, ids=("all", "names", "expressions"))
@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c["model_type"])
def test_fp8(config: dict[str, Any], quantisation: dict[str, Any]) -> None:
    pytest.importorskip("transformers")
    # The library makes routers and the biases of its modules in fp32; files hold two bytes.
    want = held(library_fp8(config, quantisation), half=("gate.weight", ".bias"))
    assert counted(config | {"quantization_config": quantisation}) == want


def types_without_experts() -> dict[str, dict[str, Any]]:
    """A configuration of every type whose linear layers are those that the library replaces."""
    text = (Path(__file__).parent / "counted_components.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    own_linear = {"falcon", "gpt2"}  # classes of their own, which the library leaves
    further = {"gemma3n_text", "gemma4_text", "zamba", "zamba2"}  # weights counted as a sum
    return {
        kind: row["config"]
        for row in rows
        if "experts" not in row["parameters"]
        and (kind := row["config"]["model_type"]) not in own_linear | further
    }


@pytest.mark.parametrize("kind", sorted(types_without_experts()))
def test_fp8_of_every_type(kind: str) -> None:
    pytest.importorskip("transformers")
    config = types_without_experts()[kind]
    asked = FP8 | {"weight_block_size": [32, 32], "modules_to_not_convert": ["lm_head"]}
    sizes = {
        id(p): p.numel() * (1 if p.element_size() == 1 else 4 if "scale_inv" in name else 2)
        for name, p in library_fp8(config, asked).named_parameters()
    }
    assert counted(config | {"quantization_config": asked}) == sum(sizes.values())


def test_mxfp4() -> None:
    transformers = pytest.importorskip("transformers")
    from transformers.integrations.mxfp4 import Mxfp4GptOssExperts

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_local_experts": 4}
    experts = Mxfp4GptOssExperts(transformers.GptOssConfig(**sizes))
    packed = sum(p.numel() for name, p in experts.named_parameters() if "bias" not in name)
    scales = 4 * (2 * 96 * 64 + 64 * 96) // 32  # held beside the packed values
    of_matrix = packings.mxfp4()
    assert 4 * (of_matrix(2 * 96, 64) + of_matrix(64, 96)) == packed + scales


def weights(**values: Any) -> dict[str, Any]:
    return {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 64,
            "symmetric": True} | values  # fmt: skip


def inputs(**values: Any) -> dict[str, Any]:
    return {"num_bits": 8, "type": "float", "strategy": "tensor", "symmetric": True,
            "dynamic": False} | values  # fmt: skip


FLOAT4 = weights(type="float", strategy="tensor_group", group_size=16)
INT8 = {"num_bits": 8, "type": "int", "strategy": "channel"}
COMPRESSED: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None]] = {
    "group": ("pack-quantized", weights(), None),
    "zero points": ("pack-quantized", weights(symmetric=False), None),
    "channel": ("pack-quantized", weights(strategy="channel", group_size=None), None),
    "eight bits": ("pack-quantized", weights(num_bits=8), None),
    "three bits": ("pack-quantized", weights(num_bits=3), None),
    "fp8 static": ("float-quantized", inputs(), inputs()),
    "fp8 dynamic": (
        "float-quantized",
        inputs(strategy="channel"),
        inputs(strategy="token", dynamic=True),
    ),
    "fp8 blocks": ("float-quantized", inputs(strategy="block", block_structure=[128, 64]), None),
    "int8": ("int-quantized", INT8 | {"symmetric": True}, None),
    "int8 zero points": ("int-quantized", INT8 | {"symmetric": False}, None),
    "nvfp4": ("nvfp4-pack-quantized", FLOAT4, FLOAT4 | {"dynamic": "local"}),
    "nvfp4 weights": ("nvfp4-pack-quantized", FLOAT4, None),
    "mxfp4": (
        "mxfp4-pack-quantized",
        weights(type="float", group_size=32, scale_dtype="torch.uint8"),
        None,
    ),
}
IGNORED = (["lm_head"], [], ["re:.*self_attn.*", "lm_head", "model.layers.1.mlp.up_proj"])


@pytest.mark.parametrize("ignored", IGNORED, ids=("head", "nothing", "some"))
@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_tensors(name: str, ignored: list[str]) -> None:
    pytest.importorskip("compressed_tensors")
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import apply_quantization_config
    from transformers.utils.quantization_config import CompressedTensorsConfig

    form, of_weights, of_inputs = COMPRESSED[name]
    group = {"targets": ["Linear"], "weights": of_weights, "input_activations": of_inputs,
             "format": form}  # fmt: skip
    asked = {"quant_method": "compressed-tensors", "format": form, "ignore": ignored,
             "quantization_status": "compressed", "config_groups": {"group_0": group}}  # fmt: skip
    model = built(LLAMA, "cpu")
    compressor = ModelCompressor.from_compression_config(CompressedTensorsConfig(**asked))
    apply_quantization_config(model, copy.deepcopy(compressor.quantization_config))
    compressor.compress_model(model)
    assert counted(LLAMA | {"quantization_config": asked}) == held(model)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("shape", [(128, 192), (100, 130), (7, 33)])
def test_bitsandbytes(shape: tuple[int, int], double: bool) -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes.functional")
    matrix = torch.randn(*shape, dtype=torch.bfloat16)
    packed, state = functional.quantize_4bit(matrix, quant_type="nf4", compress_statistics=double)
    tensors = state.as_dict(packed=True).items()
    held = [t for name, t in tensors if "bitsandbytes" not in name]  # without the text
    size = sum(t.numel() * t.element_size() for t in [packed, *held])
    assert packings.bitsandbytes4(double=double)(*shape) == size
