"""Export an architecture as a ``config.json`` of Hugging Face transformers.

An architecture that was read from a configuration is written as that configuration, complete with
the defaults of its type and without what belongs to a checkpoint; a design, as its block's type.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.exports.common import (
    MODEL_TYPES,
    first_difference,
    refuse,
)
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config

_LIBRARY_TYPES = MappingProxyType({"kimi_k2": "deepseek_v3"})
"""Types that published files name and the library does not, and what they are there."""

_OF_A_CHECKPOINT = frozenset({"_name_or_path", "quantization_config", "transformers_version"})
"""Fields that tell of stored weights."""


@cache
def _classes() -> Mapping[str, str]:
    """Class of each type of the library."""
    found: Mapping[str, str] = tomllib.loads(
        (resources.files(__package__) / "classes.toml").read_text("utf-8")
    )
    return found


def to_huggingface(architecture: Architecture) -> dict[str, Any]:
    """Convert an architecture to a ``config.json`` of Hugging Face transformers.

    Parameters
    ----------
    architecture : Architecture
        Of a block of `modelsizer.problems.architecture.blocks`, or read from a configuration.

    Raises
    ------
    ConfigError
        If transformers has no such model; the message says what prevents it.
    """
    model_type = MODEL_TYPES.get(architecture.block, architecture.block)
    if architecture.config is not None:
        config = _as_read(architecture.config)
    elif architecture.block in BLOCKS and model_type in _classes():
        config = _of_block(architecture, model_type)
    else:
        known = ", ".join(BLOCKS)
        raise ConfigError(f"block {architecture.block!r} cannot be exported to hf; known: {known}")
    again = read_config(config)
    if (again.trunk, again.groups) != (architecture.trunk, architecture.groups):
        raise ConfigError(
            f"{config['model_type']} has no model of this shape: of what it would be and what it "
            f"is, {first_difference(architecture, again)}"
        )
    return config


def huggingface_text(architecture: Architecture) -> str:
    """Contents of the file that `to_huggingface` describes."""
    return json.dumps(to_huggingface(architecture), indent=2) + "\n"


def _as_read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as it was read, without what belongs to a checkpoint; its type first."""
    model_type = _LIBRARY_TYPES.get(fields["model_type"], fields["model_type"])
    usual = [_classes()[model_type]] if model_type in _classes() else None
    named = fields.get("architectures") or usual
    head = {"model_type": model_type} if named is None else {"architectures": named}
    rest = {key: fields[key] for key in fields if key not in _OF_A_CHECKPOINT}
    return head | rest | {"model_type": model_type}


def _of_block(architecture: Architecture, model_type: str) -> dict[str, Any]:
    trunk, layer = architecture.trunk, architecture.groups[0].layer
    config: dict[str, Any] = {
        "architectures": [_classes()[model_type]],
        "model_type": model_type,
    }
    if model_type in ("gpt2", "gpt_neox"):
        config |= _multi_head(architecture, model_type)
    else:
        config |= {
            "hidden_size": trunk.d_model,
            "intermediate_size": layer.ffn.d_ff,
            "num_hidden_layers": architecture.layers,
            "num_attention_heads": layer.attention.heads,
            "num_key_value_heads": layer.attention.kv_heads,
            "head_dim": layer.attention.head_dim,
        }
    stack = architecture.stack()
    if stack is None:
        raise ConfigError("cannot be exported to hf: the order of its kinds of layer is not known")
    windows = [getattr(each.attention, "window", None) for each in stack]
    if any(windows) or model_type in ("gemma2", "gemma3_text"):
        config["layer_types"] = [
            "full_attention" if window is None else "sliding_attention" for window in windows
        ]
    if any(windows):
        config["sliding_window"] = next(window for window in windows if window)
    if any(windows) and model_type.startswith("qwen"):
        config["use_sliding_window"] = True
    return config | {
        "vocab_size": trunk.vocab_size,
        "tie_word_embeddings": bool(trunk.tied_embeddings),
    }


def _multi_head(architecture: Architecture, model_type: str) -> dict[str, Any]:
    trunk, layer = architecture.trunk, architecture.groups[0].layer
    refuse("hf", _obstacles(layer, trunk.d_model, model_type))
    attention = layer.attention
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


def _obstacles(layer: Layer, d_model: int, model_type: str) -> list[str]:
    attention, found = layer.attention, []
    if attention.kv_heads != attention.heads:
        found.append(
            f"{model_type} has a kv head for each head, got kv_heads = {attention.kv_heads} of "
            f"{attention.heads}"
        )
    if attention.heads * attention.head_dim != d_model:
        found.append(
            f"{model_type} has heads x head_dim = d_model, got {attention.heads} x "
            f"{attention.head_dim} on {d_model}"
        )
    return found
