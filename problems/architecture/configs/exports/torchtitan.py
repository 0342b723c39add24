"""Export an architecture as a module of configuration functions for torchtitan.

Based on torchtitan 0.3.0: ``torchtitan/config/manager.py`` takes ``--module`` as an import path
and ``--config`` as the name of a function in it; the sizes of a model are Python code in
``torchtitan/models/FAMILY/__init__.py``, which no file or flag can set. The exported module
therefore adds one flavour to those of its family, built by the family's own builder (whose name has
an underscore, hence the version), and a function that trains it as the family's usual configuration
does. The builder takes the feed-forward width directly, so the multiple of Llama 3's rule is not
used.
"""

from __future__ import annotations

import ast
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
from modelsizer.problems.architecture.configs.exports.families import rotary_fraction
from modelsizer.problems.architecture.configs.exports.features import Has
from modelsizer.problems.architecture.configs.exports.nearest import type_and_fields
from modelsizer.problems.architecture.configs.exports.routers import router
from modelsizer.problems.architecture.configs.exports.torchtitan_files import BODIES, FILE
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

_FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "llama": "llama3",
        "qwen3": "qwen3",
        **dict.fromkeys(
            ("ernie4_5", "exaone", "helium", "internlm3", "mistral", "phi3", "seed_oss"), "llama3"
        ),
        "qwen3_vl_text": "qwen3",
        **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe"), "qwen3_moe"),
        **dict.fromkeys(
            ("deepseek_v2", "deepseek_v3", "glm4_moe_lite", "kimi_k2", "youtu"), "deepseek_v3"
        ),
        "gpt_oss": "gpt_oss",
    }
)
"""Torchtitan's family of each type."""

_TRUNK: Has = {Trunk: {"tied_embeddings"}, Layer: {"norms"}}
_DENSE: Has = {**_TRUNK, FullAttention: {"qk_norm=head"}, DenseFeedForward: ()}
_HAS: Mapping[str, Has] = MappingProxyType(
    {
        "llama3": _DENSE,
        "qwen3": _DENSE,
        "qwen3_moe": {**_DENSE, MixtureOfExperts: ()},
        "deepseek_v3": {
            **_TRUNK,
            LatentAttention: {"q_lora_rank"},
            DenseFeedForward: (),
            MixtureOfExperts: {"shared_d_ff"},
        },
        "gpt_oss": {
            **_TRUNK,
            FullAttention: {"qkv_bias", "output_bias", "window", "sinks"},
            MixtureOfExperts: {"expert_bias", "router_bias"},
        },
    }
)

_OTHERS: Has = {**_HAS["deepseek_v3"], **_DENSE}
"""What is said to be there of a type that is in no family: gpt_oss is much apart."""

_OSS_HEADS = (64, 8, 64)  # heads, kv heads and head_dim that the family's builder sets
_OSS_WINDOW = 128  # in its layers 0, 2, 4, ...


def to_torchtitan(architecture: Architecture) -> str:
    """Write a Python module for ``torchtitan.train --module MODULE --config design``.

    Raises
    ------
    ConfigError
        If torchtitan has no such model; the message says what prevents it.
    """
    kind = _FAMILIES.get(type_and_fields(architecture)[0], "")
    has = _HAS.get(kind, _OTHERS)
    act = "clamped swish" if kind == "gpt_oss" else "silu"
    check_parts(architecture, "torchtitan", _FAMILIES, has, activations=(act,))
    stack = stack_of(architecture, "torchtitan")
    refuse("torchtitan", _obstacles(stack, kind))
    text = FILE.format(
        block=architecture.block,
        parameters=stack.parameters,
        sizes=_entries(_sizes(stack, kind)),
        more=_router(stack) if kind == "deepseek_v3" else "",
        vocab_size=stack.trunk.vocab_size,
        tied=bool(stack.trunk.tied_embeddings),
        **BODIES[kind],
    )
    check_count("torchtitan", count_torchtitan(text), stack.parameters)
    return text


def _entries(values: Mapping[str, Any]) -> str:
    return "\n".join(f'    "{key}": {value!r},' for key, value in values.items())


def _sizes(stack: Stack, kind: str) -> dict[str, Any]:
    """Arguments of the family's builder."""
    a, moe, found = stack.attention, stack.mixture, {"n_layers": stack.layers}
    if kind == "gpt_oss":
        return found | {
            "dim": stack.trunk.d_model,
            "hidden_dim": stack.d_ff,
            "num_experts": moe.experts if moe else 0,
            "top_k": moe.active if moe else 0,
        }
    if kind == "deepseek_v3":
        return found | _latent_sizes(stack)
    found |= {"dim": stack.trunk.d_model, "n_heads": a.heads, "n_kv_heads": a.kv_heads}
    if kind == "llama3":
        return found | {"hidden_dim": stack.d_ff}
    if moe is None:
        return found | {"hidden_dim": stack.d_ff, "head_dim": a.head_dim}
    return found | {
        "head_dim": a.head_dim,
        "moe_hidden_dim": moe.d_ff,
        "num_experts": moe.experts,
        "top_k": moe.active,
    }


def _latent_sizes(stack: Stack) -> dict[str, Any]:
    a, moe = stack.attention, stack.mixture
    assert moe is not None
    return {
        "n_dense_layers": stack.dense_first,
        "dim": stack.trunk.d_model,
        "n_heads": a.heads,
        "q_lora_rank": a.q_lora_rank or 0,
        "kv_lora_rank": a.kv_lora_rank,
        "qk_nope_head_dim": a.nope_dim,
        "qk_rope_head_dim": a.rope_dim,
        "v_head_dim": a.value_dim,
        "dense_hidden_dim": stack.d_ff,
        "moe_hidden_dim": moe.d_ff,
        "num_experts": moe.experts,
        "num_shared_experts": moe.shared_d_ff // moe.d_ff,
        "router_top_k": moe.active,
    }


def _router(stack: Stack) -> str:
    chosen = router(stack.family, stack.config)
    grouped = chosen.groups > 1
    arguments = {
        "router_score_func": chosen.score,
        "router_num_expert_groups": chosen.groups if grouped else None,
        "router_num_limited_groups": chosen.top_groups if grouped else None,
        "router_route_scale": chosen.scale,
        "router_route_norm": chosen.normed,
    }
    return f"ROUTER = {{\n{_entries(arguments)}\n}}\n"


def _obstacles(stack: Stack, kind: str) -> list[str]:
    found = norm_obstacles(stack, 2)
    if rotary_fraction(stack.family, stack.config) != 1.0:
        found.append("its rotary positions turn whole heads, got a part")
    found += rotary_obstacles(stack)
    if kind in ("deepseek_v3", "gpt_oss") and stack.trunk.tied_embeddings:
        found.append(f"its {kind} ties no embedding to the head, got tied_embeddings = true")
    if kind == "deepseek_v3":
        return found + _latent_obstacles(stack)
    if kind == "gpt_oss":
        return found + _oss_obstacles(stack)
    normed = stack.attention.qk_norm == "head"
    if normed != (kind != "llama3"):
        found.append(f"its {kind} norms {'no' if normed else 'all'} queries and keys")
    if kind == "llama3" and not stack.heads_span_the_model:
        a = stack.attention
        found.append(
            f"its llama3 has heads x head_dim = d_model, got {a.heads} x {a.head_dim} on "
            f"{stack.trunk.d_model}; its qwen3 is free of that"
        )
    if kind == "qwen3_moe":
        if not all(stack.routed):
            found.append("its qwen3 has experts in all layers or none, got some without")
        if not router(stack.family, stack.config).normed:
            found.append(
                "the weights of a token's experts add up to one, got norm_topk_prob = false"
            )
    return found


def _latent_obstacles(stack: Stack) -> list[str]:
    moe = stack.mixture
    if moe is None:
        return ["its deepseek_v3 has experts, got none"]
    found = []
    if stack.dense_first is None:
        found.append("its layers without experts are the first ones, got some after those")
    if not moe.shared_d_ff or moe.shared_d_ff % moe.d_ff:
        found.append(
            f"its deepseek_v3 has shared experts as wide as routed ones, got {moe.shared_d_ff} for "
            f"{moe.d_ff}"
        )
    return found


def _oss_obstacles(stack: Stack) -> list[str]:
    a, moe, found = stack.attention, stack.mixture, []
    if (a.heads, a.kv_heads, a.head_dim) != _OSS_HEADS:
        heads, kv_heads, width = _OSS_HEADS
        found.append(
            f"its gpt_oss has {heads} heads, {kv_heads} kv heads and head_dim = {width}, got "
            f"{a.heads}, {a.kv_heads} and {a.head_dim}"
        )
    if stack.windows != tuple(0 if i % 2 else _OSS_WINDOW for i in range(stack.layers)):
        found.append(f"its gpt_oss has windows of {_OSS_WINDOW} in layers 0, 2, 4 and so on")
    biased = a.qkv_bias and a.output_bias and a.sinks
    if not (biased and moe is not None and moe.expert_bias and moe.router_bias):
        found.append("its gpt_oss has sinks and biases everywhere")
    return found


def count_torchtitan(text: str) -> int:
    """Number of parameters that torchtitan creates from a file of `to_torchtitan`."""
    values: dict[str, Any] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            values[statement.targets[0].id] = ast.literal_eval(statement.value)
    s = values["SIZES"]
    d, layers = s["dim"], s["n_layers"]
    matrices = 1 if values["TIED"] else 2
    total = matrices * values["VOCAB_SIZE"] * d + d + layers * (_count_attention(s) + 2 * d)
    experts = s.get("num_experts", 0)
    if "n_heads" not in s:  # gpt_oss, with biases of experts and of the router
        width = s["hidden_dim"]
        each = 3 * d * width + 2 * width + d
        return int(total + layers * (experts * each + experts * d + experts))
    width = s.get("moe_hidden_dim", 0)
    shared = s.get("num_shared_experts", 0) * width
    dense = s.get("n_dense_layers", 0) if experts else layers
    mixture = (layers - dense) * (experts * d + 3 * d * (experts * width + shared))
    return int(total + dense * 3 * d * s.get("hidden_dim", s.get("dense_hidden_dim", 0)) + mixture)


def _count_attention(s: Mapping[str, Any]) -> int:
    d = s["dim"]
    if "n_heads" not in s:
        heads, kv_heads, head = _OSS_HEADS
        wide = (heads + 2 * kv_heads) * head
        return int(d * wide + wide + heads * head * d + d + heads)
    heads = s["n_heads"]
    if "kv_lora_rank" in s:
        rank, latent, value = s["q_lora_rank"], s["kv_lora_rank"], s["v_head_dim"]
        rope, nope = s["qk_rope_head_dim"], s["qk_nope_head_dim"]
        queries = heads * (nope + rope)
        total = rank * (d + queries) + rank if rank else d * queries
        total += d * (latent + rope) + latent + latent * heads * (nope + value)
        return int(total + heads * value * d)
    head = s.get("head_dim", d // heads)
    attention = d * (heads + 2 * s["n_kv_heads"]) * head + heads * head * d
    if "head_dim" in s:  # qwen3, whose builders add norms of queries and keys
        attention += 2 * head
    return int(attention)
