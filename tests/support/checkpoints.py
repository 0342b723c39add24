"""Published checkpoints with their bytes, and small configurations of every method.

Bytes are those of all tensors, without the headers of the files, where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modelsizer.problems.architecture.models import models


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A published checkpoint.

    Parameters
    ----------
    name : str
    config : mapping
    bytes : int
        As published.
    source : str
        Where the bytes stand.
    beside : mapping of str to int
        What the checkpoint holds and the model's class does not count, in bytes.
    headers : int
        Most bytes of the files' headers, if the published number includes them.
    """

    name: str
    config: dict[str, Any]
    bytes: int
    source: str
    beside: dict[str, int] = field(default_factory=dict)
    headers: int = 0


def _of(name: str, quantisation: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The configuration of a model of the catalogue, quantised."""
    config = dict(models()[name].config) | fields
    return config if quantisation is None else config | {"quantization_config": quantisation}


AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True,
       "version": "gemm", "modules_to_not_convert": None}  # fmt: skip
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3",
       "weight_block_size": [128, 128]}  # fmt: skip
MXFP4 = {
    "quant_method": "mxfp4",
    "modules_to_not_convert": [
        "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head",
    ],
}  # fmt: skip
FP8_STATIC = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "ignore": ["lm_head"],
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {"num_bits": 8, "type": "float", "strategy": "tensor", "symmetric": True},
            "input_activations": {"num_bits": 8, "dynamic": False, "strategy": "tensor"},
        }
    },
}
_M2 = 62
_EMBEDDING, _WIDTH = 129_280 * 7168 * 2, 7168
_GPT_OSS = {"model_type": "gpt_oss", "hidden_size": 2880, "num_attention_heads": 64,
            "num_key_value_heads": 8, "head_dim": 64, "num_experts_per_tok": 4,
            "vocab_size": 201_088, "quantization_config": MXFP4}  # fmt: skip
_INDEX = "total_size of its model.safetensors.index.json, quoted in "
_HUB = "the hub's count of its parameters by type, quoted in "

CHECKPOINTS = (
    Checkpoint(
        "gpt-oss-120b",
        _GPT_OSS | {"num_hidden_layers": 36, "intermediate_size": 2880, "num_local_experts": 128},
        65_248_815_744,
        "hf-mem issue 60; revision b5c939de: 2,167,371,072 of BF16 and 114,661,785,600 of MXFP4",
    ),
    Checkpoint(
        "gpt-oss-20b",
        _GPT_OSS | {"num_hidden_layers": 24, "intermediate_size": 2880, "num_local_experts": 32},
        13_761_264_768,
        _INDEX + "several repositories",
    ),
    Checkpoint(
        "HyperNova-60B",
        _GPT_OSS | {"num_hidden_layers": 32, "intermediate_size": 2560, "num_local_experts": 80},
        34_152_921_664,
        "sum of its 7 files, in a table of model cards; 2,035,914,048 of BF16, 56,623,104,000 of U8",
        headers=70_000,
    ),
    Checkpoint(
        "Qwen3-32B-AWQ",
        _of("qwen3-32b", AWQ),
        19_325_298_688,
        "tensors of its files, checked header by header in a public repository, whose index says "
        "19,338,405,888",
    ),
    Checkpoint(
        "Llama-3.1-70B-AWQ",
        _of("llama-3.1-70b", AWQ),
        39_767_785_472,
        _INDEX + "a test of kubeai's reader of such files",
    ),
    Checkpoint(
        "DeepSeek-V3",
        _of("deepseek-v3", FP8, num_nextn_predict_layers=1),
        680_571_043_840 + 2 * 3_918_786_560 + 4 * 41_555_600,
        _HUB + "public repositories: F8_E4M3, BF16 and F32",
        {
            "correction biases of 59 routers, F32": 59 * 256 * 4,
            "the layer of multi-token prediction": 11_511_946_464,
            "its norms and the projection of two embeddings": (3 * _WIDTH + 2 * _WIDTH**2) * 2,
            "its copies of embedding and head": 2 * _EMBEDDING,
        },
    ),
    Checkpoint(
        "MiniMax-M2",
        {
            "model_type": "minimax_m2", "hidden_size": 3072, "intermediate_size": 1536,
            "num_attention_heads": 48, "num_key_value_heads": 8, "head_dim": 128,
            "num_hidden_layers": _M2, "num_local_experts": 256, "num_experts_per_tok": 8,
            "vocab_size": 200_064, "tie_word_embeddings": False, "use_qk_norm": True,
            "quantization_config": FP8
            | {"modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"]},
        },
        230_121_630_720,
        "README.md of alvarobartt/hf-mem, which adds up the tensors of the files",
        {
            "routers in F32, not BF16": _M2 * 256 * 3072 * 2,
            "correction biases, F32": _M2 * 256 * 4,
        },
    ),
    Checkpoint(
        "Llama-3.1-8B-FP8",
        _of("llama-3.1-8b", FP8_STATIC),
        9_081_280_648,
        "sum of its 2 files, in the scripts of a public benchmark",
        headers=90_000,
    ),
    Checkpoint(
        "Llama-3.1-8B", _of("llama-3.1-8b"), 16_060_522_496, _INDEX + "the docs of transformers"
    ),
    Checkpoint(
        "Qwen2.5-72B", _of("qwen2.5-72b"), 145_412_407_296, _INDEX + "public repositories"
    ),
    Checkpoint("Qwen3-32B", _of("qwen3-32b"), 65_524_246_528, _INDEX + "a public tutorial"),
    Checkpoint(
        "Qwen3-30B-A3B", _of("qwen3-30b-a3b"), 61_064_245_248, _INDEX + "public repositories"
    ),
    Checkpoint(
        "Mixtral-8x7B",
        _of("mixtral-8x7b"),
        93_405_713_504,
        "sum of its files at a pinned revision, in a public collection of facts",
        headers=140_000,
    ),
)  # fmt: skip
