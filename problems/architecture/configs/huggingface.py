"""Convert a Hugging Face ``config.json`` to an architecture, with one reader per family.

Every default is that of transformers 5.23 (``configuration_*.py``); counts were checked against
the parameters that its ``modeling_*.py`` creates on the meta device. Buffers and multi-token
prediction heads are excluded, as in those classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs import classic, deepseek, llama_family
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.errors import did_you_mean, short

Reader = Callable[[Fields], Architecture]

_GPT2_NAMES = {"hidden_size": "n_embd", "max_position_embeddings": "n_positions",
               "num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}  # fmt: skip

READERS: dict[str, tuple[Reader, Mapping[str, str], tuple[str, ...]]] = {
    "bloom": (
        classic.bloom,
        {"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "n_embed": "hidden_size",
         "num_layers": "n_layer"},
        ("n_inner", "attention_softmax_in_fp32"),
    ),
    "cohere": (llama_family.cohere, {}, ()),
    "deepseek_v2": (deepseek.deepseek_v2, {"num_experts": "n_routed_experts"}, ()),
    "deepseek_v3": (deepseek.deepseek_v3, {"num_local_experts": "n_routed_experts"}, ()),
    "falcon": (classic.falcon, {"n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
                         "n_head_kv": "num_kv_heads"}, ("alibi",)),
    "gemma": (llama_family.gemma, {}, ()),
    "gemma2": (llama_family.gemma2, {}, ()),
    "gemma3_text": (llama_family.gemma3_text, {}, ()),
    "glm4": (llama_family.glm4, {}, ()),
    "gpt2": (classic.gpt2, _GPT2_NAMES, ("n_ctx",)),
    "gpt_neox": (classic.gpt_neox, {}, ()),
    "gpt_oss": (llama_family.gpt_oss, {"num_experts": "num_local_experts"}, ()),
    "granite": (llama_family.granite, {}, ()),
    "llama": (llama_family.llama, {}, ()),
    "mistral": (llama_family.mistral, {}, ()),
    "mixtral": (llama_family.mixtral, {"num_experts": "num_local_experts"}, ()),
    "olmo2": (llama_family.olmo2, {}, ()),
    "opt": (classic.opt, {}, ()),
    "phi": (llama_family.phi, {}, ()),
    "phi3": (llama_family.phi3, {}, ()),
    "qwen2": (llama_family.qwen2, {}, ()),
    "qwen2_moe": (llama_family.qwen2_moe, {}, ()),
    "qwen3": (llama_family.qwen3, {}, ()),
    "qwen3_moe": (llama_family.qwen3_moe, {"num_experts": "num_local_experts"}, ()),
    "smollm3": (llama_family.smollm3, {}, ()),
    "stablelm": (llama_family.stablelm, {}, ()),
    "starcoder2": (llama_family.starcoder2, {}, ()),
}  # fmt: skip
"""For each `model_type`: its reader, other names of its fields, and fields without effect."""

_POSITION_FIELDS = (
    "max_position_embeddings",
    "layer_types",
)  # no parameters, except in OPT and GPT-2


def read_config(
    config: Mapping[str, Any], say: Callable[[str], object] | None = None
) -> Architecture:
    """Read the architecture of a Hugging Face configuration.

    Parameters
    ----------
    config : mapping
        Contents of ``config.json``; missing fields have the library's default for the type.
    say : callable, optional
        Told of each field that is null and whose default was taken.

    Raises
    ------
    ConfigError
        If the type is unknown, a field is invalid, or a field that may affect the size is not
        known for the type.
    """
    model_type = config.get("model_type")
    if model_type is None:
        raise ConfigError("model_type is missing: is this a Hugging Face config.json?")
    if not isinstance(model_type, str) or model_type not in READERS:
        hint = did_you_mean(str(model_type), READERS)
        known = ", ".join(READERS)
        raise ConfigError(f"unknown model_type {short(model_type)}{hint}; known: {known}")
    reader, aliases, idle = READERS[str(model_type)]
    fields = Fields(config, aliases)
    try:
        architecture = reader(fields)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    fields.ignore([*_POSITION_FIELDS, *idle])
    fields.check_all_read(str(model_type))
    if say is not None:
        for note in fields.notes:
            say(note)
    return dataclasses.replace(architecture, block=str(model_type))
