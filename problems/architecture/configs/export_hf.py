"""Export an architecture as a ``config.json`` of Hugging Face transformers."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.feedforward import DenseFeedForward

_TYPES = MappingProxyType(
    {
        "llama": ("llama", "LlamaForCausalLM"),
        "qwen2": ("qwen2", "Qwen2ForCausalLM"),
        "qwen3": ("qwen3", "Qwen3ForCausalLM"),
        "gemma2": ("gemma2", "Gemma2ForCausalLM"),
        "gemma3": ("gemma3_text", "Gemma3ForCausalLM"),
        "olmo2": ("olmo2", "Olmo2ForCausalLM"),
        "gpt2": ("gpt2", "GPT2LMHeadModel"),
        "gpt-neox": ("gpt_neox", "GPTNeoXForCausalLM"),
    }
)


def to_huggingface(architecture: Architecture) -> dict[str, Any]:
    """Convert an architecture to a ``config.json`` of Hugging Face transformers.

    Parameters
    ----------
    architecture : Architecture
        One group of layers, in a block of `modelsizer.problems.architecture.blocks`.

    Raises
    ------
    ConfigError
        If transformers has no such model; the message says what prevents it.
    """
    if architecture.block not in _TYPES:
        known = ", ".join(_TYPES)
        raise ConfigError(f"block {architecture.block!r} cannot be exported to hf; known: {known}")
    if len(architecture.groups) != 1:
        raise ConfigError("only stacks of one kind of layer are exported so far")
    trunk, layer = architecture.trunk, architecture.groups[0].layer
    model_type, name = _TYPES[architecture.block]
    config: dict[str, Any] = {"architectures": [name], "model_type": model_type}
    if model_type in ("gpt2", "gpt_neox"):
        config |= _multi_head(architecture, trunk, layer, model_type)
    else:
        config |= {
            "hidden_size": trunk.d_model,
            "intermediate_size": layer.ffn.d_ff,
            "num_hidden_layers": architecture.layers,
            "num_attention_heads": layer.attention.heads,
            "num_key_value_heads": layer.attention.kv_heads,
            "head_dim": layer.attention.head_dim,
        }
    if model_type in ("gemma2", "gemma3_text"):
        config["layer_types"] = ["full_attention"] * architecture.layers
    config |= {"vocab_size": trunk.vocab_size, "tie_word_embeddings": bool(trunk.tied_embeddings)}
    _check(config, architecture)
    return config


def huggingface_text(architecture: Architecture) -> str:
    """Contents of the file that `to_huggingface` describes."""
    return json.dumps(to_huggingface(architecture), indent=2) + "\n"


def _multi_head(
    architecture: Architecture, trunk: Trunk, layer: Layer, model_type: str
) -> dict[str, Any]:
    attention = layer.attention
    if attention.kv_heads != attention.heads:
        raise ConfigError(
            f"{model_type} has a kv head for each head: kv_heads = {attention.kv_heads} of "
            f"{attention.heads} heads cannot be exported"
        )
    if attention.heads * attention.head_dim != trunk.d_model:
        raise ConfigError(
            f"{model_type} has heads x head_dim = d_model: {attention.heads} x "
            f"{attention.head_dim} on {trunk.d_model} cannot be exported"
        )
    assert isinstance(layer.ffn, DenseFeedForward)
    if model_type == "gpt_neox":
        return {
            "hidden_size": trunk.d_model,
            "intermediate_size": layer.ffn.d_ff,
            "num_hidden_layers": architecture.layers,
            "num_attention_heads": attention.heads,
        }
    return {
        "n_embd": trunk.d_model,
        "n_inner": layer.ffn.d_ff,
        "n_layer": architecture.layers,
        "n_head": attention.heads,
        "n_positions": trunk.positions,
    }


def _check(config: dict[str, Any], architecture: Architecture) -> None:
    """Check that the configuration reads back as the architecture."""
    again = read_config(config)
    if (again.trunk, again.groups) != (architecture.trunk, architecture.groups):
        raise ConfigError(f"{config['model_type']} has no model of this shape")
