"""Export an architecture as a configuration of ``litgpt pretrain``.

Based on LitGPT 0.5.13 (``litgpt/config.py``, ``litgpt/model.py``, ``litgpt/pretrain.py``). The
file is for ``--config`` rather than a ``model_config.yaml``, because tying the head to the
embedding is an option of training in LitGPT (``train.tie_embeddings``), not of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.configs.exports.common import (
    Stack,
    check_count,
    check_parts,
    norm_obstacles,
    refuse,
    rotary_obstacles,
    stack_of,
)
from modelsizer.problems.architecture.configs.exports.families import (
    AFTER,
    CAPS,
    PARALLEL,
    SCALED_EMBEDDINGS,
    rotary_fraction,
)
from modelsizer.problems.architecture.configs.exports.features import Has
from modelsizer.problems.architecture.configs.exports.routers import Router, router
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

_Settings = Mapping[str, Any]

_RMS: _Settings = MappingProxyType(
    {
        "norm_class_name": "RMSNorm",
        "bias": False,
        "parallel_residual": False,
        "rotary_percentage": 1.0,
        "mlp_class_name": "LLaMAMLP",
    }
)
_GEMMA: _Settings = MappingProxyType(
    {
        **_RMS,
        "mlp_class_name": "GemmaMLP",
        "gelu_approximate": "tanh",
        "scale_embeddings": True,
    }
)
_AFTER: _Settings = MappingProxyType({"post_attention_norm": True, "post_mlp_norm": True})
_ONLY_AFTER: _Settings = MappingProxyType(
    {
        **_RMS,
        "norm_1": False,
        "norm_2": False,
        **_AFTER,
        "norm_qk": True,
        "norm_qk_type": "olmo2",
    }
)
_NEOX: _Settings = MappingProxyType(
    {
        "norm_class_name": "LayerNorm",
        "bias": True,
        "parallel_residual": True,
        "rotary_percentage": 0.25,
        "mlp_class_name": "GptNeoxMLP",
    }
)
_LLAMAS = (
    *("llama", "cwm", "ernie4_5", "exaone", "glm", "helium", "internlm3", "ministral", "mistral"),
    *("phi3", "qwen2_5_vl_text", "qwen2_vl_text", "seed_oss", "youtu"),
)
_MIXTURES = (
    *("mixtral", "glm4_moe", "solar_open"),
    *("deepseek_v2", "deepseek_v3", "glm4_moe_lite", "kimi_k2"),
)

_FAMILIES: Mapping[str, _Settings] = MappingProxyType(
    {
        "llama": _RMS,
        "qwen2": {**_RMS, "attn_bias": True},
        "qwen3": {**_RMS, "norm_qk": True},
        "gemma": _GEMMA,
        "gemma2": {
            **_GEMMA,
            **_AFTER,
            "attention_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        },
        "gemma3_text": {**_GEMMA, **_AFTER, "norm_qk": True},
        "olmo2": _ONLY_AFTER,
        "olmo3": _ONLY_AFTER,
        "gpt_neox": _NEOX,
        "phi": {**_NEOX, "gelu_approximate": "tanh"},
        "falcon": _NEOX,
        "stablelm": {**_NEOX, "mlp_class_name": "LLaMAMLP"},
        "starcoder2": {**_NEOX, "parallel_residual": False, "gelu_approximate": "tanh"},
        "glm4": {**_RMS, **_AFTER},
        **dict.fromkeys(_LLAMAS, _RMS),
        **dict.fromkeys(_MIXTURES, _RMS),
        "qwen3_moe": {**_RMS, "norm_qk": True},
        "qwen3_vl_text": {**_RMS, "norm_qk": True},
        "dots1": {**_RMS, "norm_qk": True},
    }
)
"""Settings of each type besides its sizes, as in LitGPT's own configurations of its family."""

_HAS: Has = {
    Trunk: {"tied_embeddings", "norm_bias", "head_bias"},
    Layer: {"norms"},
    FullAttention: {"qkv_bias", "output_bias", "window", "qk_norm"},
    LatentAttention: {"q_lora_rank"},
    DenseFeedForward: {"gated", "bias"},
    MixtureOfExperts: {"shared_d_ff"},
}
_ABLE = (AFTER, CAPS, PARALLEL, SCALED_EMBEDDINGS)

_CLASSES = MappingProxyType(
    {("silu", True): "LLaMAMLP", ("gelu", True): "GemmaMLP", ("gelu", False): "GptNeoxMLP"}
)
"""Feed-forwards, by their activation and whether they have a gate."""

# LitGPT adds one to the scales of RMSNorm if the name contains this word.
_NAMES = MappingProxyType(
    {
        "gemma": "Gemma-modelsizer",
        "gemma2": "Gemma-2-modelsizer",
        "gemma3_text": "Gemma-3-modelsizer",
    }
)
_SCORES_A_GROUP = 2  # that choose the groups of experts: transformers 5.24, modeling_deepseek_v3.py

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
    check_parts(architecture, "litgpt", _FAMILIES, _HAS, _ABLE, ("silu", "gelu"))
    stack = stack_of(architecture, "litgpt")
    settings = _settings(stack)
    refuse("litgpt", _obstacles(stack, settings))
    name = _NAMES.get(stack.family, f"modelsizer-{architecture.block}")
    model = {
        "name": name,
        "n_layer": stack.layers,
        "n_embd": stack.trunk.d_model,
        **_attention(stack),
        "intermediate_size": stack.d_ff,
        "vocab_size": stack.trunk.vocab_size,
        "padded_vocab_size": stack.trunk.vocab_size,  # otherwise padded to a multiple of 512
        **settings,
        **_windows(stack),
    }
    if stack.mixture is not None:
        model |= _mixture(stack, stack.mixture, router(stack.family, stack.config))
    # The name is required, but model_config takes precedence.
    content = {
        "model_name": name,
        "model_config": model,
        "train": {"tie_embeddings": bool(stack.trunk.tied_embeddings)},
    }
    head = _HEAD.format(block=architecture.block, parameters=stack.parameters)
    text = head + "".join(f"{line}\n" for line in _lines(content))
    check_count("litgpt", count_litgpt(text), stack.parameters)
    return text


def _settings(stack: Stack) -> dict[str, Any]:
    """Settings of a type, with those that a configuration of it may change."""
    found = dict(_FAMILIES[stack.family])
    attention, config = stack.attention, stack.config
    found["rotary_percentage"] = rotary_fraction(stack.family, config)
    found["bias"] = bool(getattr(attention, "output_bias", False))
    if stack.family == "falcon":
        found["parallel_residual"] = bool(config.get("parallel_attn", True))
    if stack.family == "stablelm":
        found["parallel_residual"] = bool(config.get("use_parallel_residual", False))
    if getattr(attention, "qk_norm", "none") == "head" and stack.family == "glm4_moe":
        found["norm_qk"] = True
    if found["parallel_residual"] and stack.norms == 1:
        found["shared_attention_norm"] = True
    biased = bool(getattr(attention, "qkv_bias", False))
    if biased and not found["bias"]:
        found["attn_bias"] = True
    elif "attn_bias" in found:
        del found["attn_bias"]
    if stack.trunk.head_bias:
        found["lm_head_bias"] = True
    if config and stack.family in ("gemma2", "gemma3_text"):  # 256 in transformers 5.24
        found["attention_scores_scalar"] = config.get("query_pre_attn_scalar", 256)
    for field, setting in (
        ("attn_logit_softcapping", "attention_logit_softcapping"),
        ("final_logit_softcapping", "final_logit_softcapping"),
    ):
        if setting in found and field in config:
            found[setting] = config[field]
    return {key: value for key, value in found.items() if value is not None}


def _obstacles(stack: Stack, settings: _Settings) -> list[str]:
    attention, found = stack.attention, []
    norms = settings.get("norm_1", True) + settings.get("norm_2", True)
    norms += settings.get("post_attention_norm", False) + settings.get("post_mlp_norm", False)
    found += norm_obstacles(stack, norms - settings.get("shared_attention_norm", False))
    if (stack.trunk.norm_bias, settings["norm_class_name"]) not in (
        (False, "RMSNorm"),
        (True, "LayerNorm"),
    ):
        found.append(
            f"the norms of {stack.family} are {settings['norm_class_name']}, got the other"
        )
    dense, bias = stack.dense, settings["bias"]
    if (dense is not None and dense.bias != bias) or (stack.mixture is not None and bias):
        found.append(
            "all its projections have biases, or none, or those of queries, keys and values alone"
        )
    elif bias and not attention.qkv_bias:
        found.append("it has no bias of the output without those of queries, keys and values")
    gated = True if dense is None else bool(dense.gated)
    if _CLASSES.get((stack.activation, gated)) != settings["mlp_class_name"]:
        words = "with" if gated else "without"
        found.append(
            f"the feed-forward of {stack.family} is {settings['mlp_class_name']}, got "
            f"{stack.activation!r} {words} a gate"
        )
    qk_norm = getattr(attention, "qk_norm", "none")
    usual = "full" if settings.get("norm_qk_type") == "olmo2" else "head"
    if qk_norm != (usual if settings.get("norm_qk") else "none"):
        found.append(f"{stack.family} has other norms of queries and keys than {qk_norm!r}")
    if isinstance(attention, LatentAttention):
        if attention.q_lora_rank is None:
            found.append("its latent attention has a latent of queries, got q_lora_rank = null")
        if stack.trunk.norm_bias:
            found.append("the norms of latents are RMSNorm")
    if stack.mixture is not None:
        found += _mixture_obstacles(stack, stack.mixture, router(stack.family, stack.config))
    return found + rotary_obstacles(stack, settings["rotary_percentage"])


def _mixture_obstacles(stack: Stack, moe: MixtureOfExperts, chosen: Router) -> list[str]:
    found = []
    if stack.dense_first is None:
        found.append("its layers without experts are the first ones, got some after those")
    if moe.shared_d_ff % moe.d_ff:
        found.append(
            f"its shared experts are as wide as routed ones, got {moe.shared_d_ff} for {moe.d_ff}"
        )
    if chosen.score == "softmax" and not chosen.normed:
        found.append("the weights of a token's experts add up to one, got norm_topk_prob = false")
    if chosen.score == "sigmoid" and (
        chosen.groups < 2
        or moe.experts % chosen.groups
        or moe.experts // chosen.groups < _SCORES_A_GROUP
    ):
        found.append(
            f"its sigmoid router has groups of experts, got {chosen.groups} of {moe.experts}"
        )
    if chosen.score == "softmax" and chosen.groups > 1:
        found.append("its router has groups of experts with a sigmoid alone")
    return found


def _attention(stack: Stack) -> dict[str, Any]:
    a = stack.attention
    if not isinstance(a, LatentAttention):
        return {"n_head": a.heads, "n_query_groups": a.kv_heads, "head_size": a.head_dim}
    return {
        "n_head": a.heads,
        "n_query_groups": a.heads,
        "head_size": a.nope_dim + a.rope_dim,
        "latent_attention": {
            "q_lora_rank": a.q_lora_rank,
            "kv_lora_rank": a.kv_lora_rank,
            "qk_rope_head_dim": a.rope_dim,
            "qk_nope_head_dim": a.nope_dim,
            "v_head_dim": a.value_dim,
        },
    }


def _windows(stack: Stack) -> dict[str, Any]:
    if not stack.window:
        return {}
    slides = [int(window > 0) for window in stack.windows]
    found: dict[str, Any] = {"sliding_window_size": stack.window}
    if not all(slides):
        found["sliding_window_indices"] = slides
    if stack.family == "gemma3_text":  # bases of transformers 5.24, configuration_gemma3.py
        found |= {"rope_base": 1000000, "rope_local_base_freq": 10000, "rope_indices": slides}
    return found


def _mixture(stack: Stack, moe: MixtureOfExperts, chosen: Router) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mlp_class_name": "LLaMAMoE",
        "moe_intermediate_size": moe.d_ff,
        "n_expert": moe.experts,
        "n_expert_per_token": moe.active,
    }
    if moe.shared_d_ff:
        found["n_shared_expert"] = moe.shared_d_ff // moe.d_ff
    if stack.dense_first:
        found["first_k_dense_replace"] = stack.dense_first
    if chosen.score == "sigmoid":
        found |= {
            "n_expert_groups": chosen.groups,
            "n_topk_groups": chosen.top_groups,
            "n_topk_scores_per_group": _SCORES_A_GROUP,
            "norm_topk_prob": chosen.normed,
        }
    if chosen.scale != 1.0:
        found["routed_scaling_factor"] = chosen.scale
    return found


def _lines(content: Mapping[str, Any], indent: str = "") -> list[str]:
    """Format nested mappings of plain words, numbers, booleans and lists of numbers as YAML."""
    lines = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{key}:", *(f"{indent}  - {entry}" for entry in value)]
        else:
            word = str(value).lower() if isinstance(value, bool) else value
            lines.append(f"{indent}{key}: {word}")
    return lines


def count_litgpt(text: str) -> int:
    """Number of parameters that ``litgpt/model.py`` creates from a file of `to_litgpt`."""
    values = dict(
        line.strip().split(": ", 1)
        for line in text.splitlines()
        if not line.startswith("#") and ": " in line
    )

    def on(key: str, default: bool) -> bool:
        return values.get(key, str(default).lower()) == "true"

    def number(key: str, default: int = 0) -> int:
        return int(values.get(key, default))

    def linear(inputs: int, outputs: int, biased: bool) -> int:
        return inputs * outputs + (outputs if biased else 0)

    d, heads, head = number("n_embd"), number("n_head"), number("head_size")
    groups, bias = number("n_query_groups"), on("bias", True)
    biased = bias or on("attn_bias", False)
    scales = 1 if values.get("norm_class_name", "LayerNorm") == "RMSNorm" else 2
    if "kv_lora_rank" in values:
        rank, latent = number("q_lora_rank"), number("kv_lora_rank")
        rope, value = number("qk_rope_head_dim"), number("v_head_dim")
        nope = number("qk_nope_head_dim")
        attention = linear(d, rank + latent + rope, on("attn_bias", False)) + rank + latent
        attention += linear(rank, heads * (nope + rope), bias)
        attention += linear(latent, groups * (nope + value), bias) + linear(heads * value, d, bias)
    else:
        attention = linear(d, (heads + 2 * groups) * head, biased) + linear(heads * head, d, bias)
    if on("norm_qk", False):
        whole = values.get("norm_qk_type", "default") == "olmo2"
        attention += scales * ((heads + groups) * head if whole else 2 * head)
    ways_in = 1 if values.get("mlp_class_name", "GptNeoxMLP") == "GptNeoxMLP" else 2

    def mlp(width: int) -> int:
        return ways_in * linear(d, width, bias) + linear(width, d, bias)

    norms = on("norm_1", True) + on("norm_2", True) - on("shared_attention_norm", False)
    norms += on("post_attention_norm", False) + on("post_mlp_norm", False)
    matrices = 1 if on("tie_embeddings", False) else 2
    rows, layers = number("padded_vocab_size"), number("n_layer")
    total = matrices * rows * d + (rows if on("lm_head_bias", False) else 0) + scales * d
    total += layers * (attention + norms * scales * d)
    mixtures, each = 0, 0
    if values.get("mlp_class_name") == "LLaMAMoE":
        mixtures, width = layers - number("first_k_dense_replace"), number("moe_intermediate_size")
        each = d * number("n_expert") + number("n_expert") * mlp(width)
        each += mlp(number("n_shared_expert") * width) if number("n_shared_expert") else 0
    return total + mixtures * each + (layers - mixtures) * mlp(number("intermediate_size"))
