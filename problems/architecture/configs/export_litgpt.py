"""Export an architecture as a configuration of ``litgpt pretrain``.

Based on LitGPT 0.5.13 (``litgpt/config.py``, ``litgpt/model.py``, ``litgpt/pretrain.py``). The
file is for ``--config`` rather than a ``model_config.yaml``, because tying the head to the
embedding is an option of training in LitGPT (``train.tie_embeddings``), not of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.export_common import (
    check_count,
    refuse,
    rotary_obstacles,
    sizes_of,
)

_RMS: Mapping[str, Any] = MappingProxyType(
    {
        "norm_class_name": "RMSNorm",
        "bias": False,
        "parallel_residual": False,
        "rotary_percentage": 1.0,
        "mlp_class_name": "LLaMAMLP",
    }
)
_SANDWICH: Mapping[str, Any] = MappingProxyType(
    {
        **_RMS,
        "mlp_class_name": "GemmaMLP",
        "gelu_approximate": "tanh",
        "scale_embeddings": True,
        "post_attention_norm": True,
        "post_mlp_norm": True,
    }
)

_BLOCKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "llama": _RMS,
        "qwen2": {**_RMS, "attn_bias": True},
        "qwen3": {**_RMS, "norm_qk": True},
        "gemma2": {
            **_SANDWICH,
            "attention_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        },
        "gemma3": {**_SANDWICH, "norm_qk": True},
        "olmo2": {
            **_RMS,
            "norm_1": False,
            "norm_2": False,
            "post_attention_norm": True,
            "post_mlp_norm": True,
            "norm_qk": True,
            "norm_qk_type": "olmo2",
        },
        "gpt-neox": {
            "norm_class_name": "LayerNorm",
            "bias": True,
            "parallel_residual": True,
            "rotary_percentage": 0.25,
            "mlp_class_name": "GptNeoxMLP",
        },
    }
)
"""Settings of each block besides its sizes, as in LitGPT's own configurations of its family."""

_WHY_NOT = MappingProxyType(
    {"gpt2": "LitGPT has rotary positions, and none that are learned; gpt-neox is gpt2 with those"}
)

# LitGPT adds one to the scales of RMSNorm if the name contains this word.
_NAMES = MappingProxyType({"gemma2": "Gemma-2-modelsizer", "gemma3": "Gemma-3-modelsizer"})

_HEAD = """\
# {block} of {parameters:,} parameters, written by modelsizer for LitGPT 0.5.13:
#   litgpt pretrain --config FILE --data DATA --tokenizer_dir DIRECTORY
# block_size, the longest sequence, is LitGPT's own 4096; it changes no parameter.
"""


def to_litgpt(architecture: Architecture) -> str:
    """Write a YAML file for ``litgpt pretrain --config FILE``.

    Raises
    ------
    ConfigError
        If LitGPT has no such model; the message says what prevents it.
    """
    sizes = sizes_of(architecture, "litgpt", _BLOCKS, _WHY_NOT)
    block = _BLOCKS[sizes.block]
    refuse("litgpt", rotary_obstacles(sizes, block["rotary_percentage"]))
    name = _NAMES.get(sizes.block, f"modelsizer-{sizes.block}")
    model = {
        "name": name,
        "n_layer": sizes.layers,
        "n_embd": sizes.d_model,
        "n_head": sizes.heads,
        "n_query_groups": sizes.kv_heads,
        "head_size": sizes.head_dim,
        "intermediate_size": sizes.d_ff,
        "vocab_size": sizes.vocab_size,
        "padded_vocab_size": sizes.vocab_size,  # otherwise padded to a multiple of 512
        **block,
    }
    # The name is required, but model_config takes precedence.
    content = {
        "model_name": name,
        "model_config": model,
        "train": {"tie_embeddings": sizes.tied},
    }
    head = _HEAD.format(block=sizes.block, parameters=sizes.parameters)
    text = head + "".join(f"{line}\n" for line in _lines(content))
    check_count("litgpt", count_litgpt(text), sizes)
    return text


def _lines(content: Mapping[str, Any], indent: str = "") -> list[str]:
    """Format nested mappings of plain words, numbers and booleans as YAML."""
    lines = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            word = str(value).lower() if isinstance(value, bool) else value
            lines.append(f"{indent}{key}: {word}")
    return lines


def count_litgpt(text: str) -> int:
    """Number of parameters that ``litgpt/model.py`` creates from a file of `to_litgpt`."""
    values = dict(
        line.strip().split(": ", 1)
        for line in text.splitlines()
        if not line.startswith("#") and not line.endswith(":")
    )

    def on(key: str, default: bool) -> bool:
        return values.get(key, str(default).lower()) == "true"

    d, heads, head = int(values["n_embd"]), int(values["n_head"]), int(values["head_size"])
    groups, ff = int(values["n_query_groups"]), int(values["intermediate_size"])
    bias = on("bias", True)
    scales = 1 if values.get("norm_class_name", "LayerNorm") == "RMSNorm" else 2

    def linear(inputs: int, outputs: int, biased: bool) -> int:
        return inputs * outputs + (outputs if biased else 0)

    attention = linear(d, (heads + 2 * groups) * head, bias or on("attn_bias", False))
    attention += linear(heads * head, d, bias)
    if on("norm_qk", False):
        whole = values.get("norm_qk_type", "default") == "olmo2"
        attention += scales * ((heads + groups) * head if whole else 2 * head)
    ways_in = 1 if values.get("mlp_class_name", "GptNeoxMLP") == "GptNeoxMLP" else 2
    mlp = ways_in * linear(d, ff, bias) + linear(ff, d, bias)
    norms = on("norm_1", True) + on("norm_2", True)
    norms += on("post_attention_norm", False) + on("post_mlp_norm", False)
    matrices = 1 if on("tie_embeddings", False) else 2
    embeddings = matrices * int(values["padded_vocab_size"]) * d
    layers = int(values["n_layer"])
    return embeddings + layers * (attention + mlp + norms * scales * d) + scales * d
