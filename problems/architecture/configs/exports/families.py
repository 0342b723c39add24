"""What the types of models are besides their sizes, as far as exported files must say it.

Of transformers 5.24: the defaults of ``configuration_*.py`` and the forward passes of
``modeling_*.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_ACTIVATIONS = MappingProxyType(
    {
        **dict.fromkeys(
            ("arcee", "jais2", "nemotron", "nemotron_h", "nanochat", "persimmon"), "relu2"
        ),
        **dict.fromkeys(("gemma", "gemma2", "gemma3_text", "vaultgemma"), "gelu"),
        **dict.fromkeys(("gpt2", "gpt_bigcode", "gpt_neox", "gptj", "codegen"), "gelu"),
        **dict.fromkeys(("starcoder2", "phi", "falcon", "bloom"), "gelu"),
        "opt": "relu",
        "apertus": "xielu",
        "gpt_oss": "clamped swish",
    }
)
"""Kind of activation of each type; that of all others is silu."""

_KINDS = MappingProxyType(
    {
        **dict.fromkeys(("silu", "swish"), "silu"),
        **dict.fromkeys(("gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"), "gelu"),
    }
)
"""Kind of each activation that is not called by it."""

_ROTARY = MappingProxyType(
    {
        **dict.fromkeys(("gpt_neox", "stablelm"), 0.25),
        **dict.fromkeys(("qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"), 0.25),
        **dict.fromkeys(("bamba", "glm", "glm4", "glm4_moe", "nemotron", "persimmon", "phi"), 0.5),
    }
)
"""Share of a head that rotary positions turn; all of it in all other types."""

AFTER = "normalisations after attention and feed-forward"
ALIBI = "ALiBi positions"
CAPS = "soft caps of logits"
NO_ROTATION = "layers without rotary positions"
MULTIPLIERS = "multipliers of embeddings, residuals or logits"
PARALLEL = "attention and feed-forward in parallel"
PLAIN_LAYERNORM = "LayerNorm without bias"
QK_AFTER_ROTATION = "norms of queries and keys after their rotation"
SCALED_EMBEDDINGS = "embeddings scaled by the root of d_model"

SCALED_QUERIES = "queries scaled by their position"

_COHERE2 = (PARALLEL, PLAIN_LAYERNORM, MULTIPLIERS, NO_ROTATION)
_TRAITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "axk1": (AFTER,),
        "bloom": (ALIBI,),
        "codegen": (PARALLEL,),
        "cohere": (PARALLEL, PLAIN_LAYERNORM, MULTIPLIERS),
        "cohere2": _COHERE2,
        "cohere2_moe": _COHERE2,
        "dbrx": (PLAIN_LAYERNORM, "bounds on queries, keys and values"),
        "ernie4_5_moe": ("softmax routers with a bias for balance",),
        "exaone4": (AFTER, NO_ROTATION),
        "exaone_moe": (NO_ROTATION,),
        "flex_olmo": (AFTER,),
        "gemma": (SCALED_EMBEDDINGS,),
        "gemma2": (SCALED_EMBEDDINGS, AFTER, CAPS),
        "gemma3_text": (SCALED_EMBEDDINGS, AFTER),
        "glm4": (AFTER,),
        "glm4v_text": (AFTER,),
        "gptj": (PARALLEL,),
        "granite": (MULTIPLIERS,),
        "granitemoe": (MULTIPLIERS,),
        "granitemoeshared": (MULTIPLIERS,),
        "granitemoehybrid": (MULTIPLIERS,),
        "hunyuan_v1_dense": (QK_AFTER_ROTATION,),
        "hunyuan_v1_moe": (QK_AFTER_ROTATION,),
        "hyperclovax": (MULTIPLIERS,),
        "llama4_text": (NO_ROTATION, "attention within chunks", "experts of weighed inputs"),
        "minicpm3": (MULTIPLIERS,),
        "ministral3": (SCALED_QUERIES,),
        "mistral4": (SCALED_QUERIES,),
        "nanochat": (SCALED_EMBEDDINGS, CAPS, QK_AFTER_ROTATION),
        "olmo2": (AFTER,),
        "olmo3": (AFTER,),
        "olmo_hybrid": (AFTER,),
        "opt": ("positions that begin at 2",),
        "phi": (PARALLEL,),
        "phimoe": ("sparse mixers as routers",),
        "smollm3": (NO_ROTATION,),
        "vaultgemma": (SCALED_EMBEDDINGS, CAPS),
    }
)
"""What a type has besides llama's structure, and no size of its layers shows."""


def activation(family: str, config: Mapping[str, Any]) -> str:
    """Kind of activation of a configuration: its own, or its type's."""
    for name in ("mlp_hidden_act", "hidden_act", "hidden_activation", "activation_function"):
        value = config.get(name)
        if isinstance(value, str) and family != "gpt_oss":
            return _KINDS.get(value, value)
    return _ACTIVATIONS.get(family, "silu")


def rotary_fraction(family: str, config: Mapping[str, Any]) -> float:
    """Share of a head that rotary positions turn."""
    rope = config.get("rope_parameters")
    found = [config.get("partial_rotary_factor"), config.get("rotary_pct")]
    found += [rope.get("partial_rotary_factor")] if isinstance(rope, Mapping) else []
    for value in found:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return _ROTARY.get(family, 1.0)


_NEUTRAL = MappingProxyType(
    {"embedding_multiplier": 1.0, "residual_multiplier": 1.0, "logits_scaling": 1.0}
)


def neutral(family: str, head_dim: int = 1) -> dict[str, Any]:
    """Fields with which a type scales scores by the root of a head's width, and nothing else.

    Parameters
    ----------
    family : str
    head_dim : int
        Gemma's scores are divided by the root of a field of its own, and those of Granite
        multiplied by a field.
    """
    if family in ("gemma2", "gemma3_text"):
        return {"query_pre_attn_scalar": head_dim}
    if family != "granitemoehybrid":
        return {}
    own = {"attention_multiplier": head_dim**-0.5, "position_embedding_type": "rope"}
    return {**_NEUTRAL, **own}


def traits(family: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """What a configuration has besides llama's structure, and no size of its layers shows."""
    found = _TRAITS.get(family, ())
    plain = neutral(family, config.get("head_dim") or 1)
    if MULTIPLIERS in found and plain and plain.items() <= config.items():
        found = tuple(trait for trait in found if trait != MULTIPLIERS)
    if family == "falcon":
        found += (PARALLEL,) if config.get("parallel_attn", True) else ()
        found += (ALIBI,) if config.get("alibi", False) else ()
    if family == "stablelm" and config.get("use_parallel_residual", False):
        found += (PARALLEL,)
    return found


def unrotated(family: str, config: Mapping[str, Any], layers: int) -> list[bool]:
    """Whether each layer is without rotary positions: `no_rope_layers` has 1 for those with."""
    if family != "smollm3":
        return [False] * layers
    listed = config.get("no_rope_layers")
    if isinstance(listed, list) and listed:
        return [not rotary for rotary in listed[:layers]]
    every = int(config.get("no_rope_layer_interval") or 4)
    return [(i + 1) % every == 0 for i in range(layers)]
