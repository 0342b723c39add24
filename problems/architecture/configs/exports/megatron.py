"""Export an architecture as arguments of Megatron-LM's ``pretrain_gpt.py``.

The flags, their defaults and their effects follow NVIDIA/Megatron-LM (commit d98e8a64ddf3,
2026-08-22): ``megatron/training/arguments.py``, ``transformer_config.py`` of
``megatron/core/transformer``, whose fields are flags too, and ``gpt_builders.py``; the modules
follow megatron-core 0.16.1. As in Megatron's own examples, the arguments are a shell array; the
file is to be sourced.

Megatron pads the tokenizer's vocabulary to a multiple of ``--make-vocab-size-divisible-by`` times
the tensor-parallel size. With the first set to the vocabulary divided by the second, any tokenizer
that fits is padded to exactly the intended vocabulary.
"""

from __future__ import annotations

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, Indexer, LatentAttention
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
    NO_ROTATION,
    rotary_fraction,
    unrotated,
)
from modelsizer.problems.architecture.configs.exports.features import Has
from modelsizer.problems.architecture.configs.exports.megatron_count import count_megatron
from modelsizer.problems.architecture.configs.exports.megatron_flags import (
    file_of,
    mixture,
    mixture_obstacles,
    pattern,
)
from modelsizer.problems.architecture.configs.exports.megatron_hybrid import (
    HYBRID_HAS,
    HYBRIDS,
    ONE_PLUS,
    ROTARY,
    is_hybrid,
    positions_of,
    to_hybrid,
)
from modelsizer.problems.architecture.configs.exports.routers import router
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

_LEARNED = ("gpt2", "gpt_bigcode")
"""Types whose positions are learned; they are the only ones that used dropout."""

_FAMILIES = (
    *("llama", "qwen2", "qwen3", "gpt2", "gpt_neox"),
    *("arcee", "cwm", "ernie4_5", "exaone", "falcon", "glm", "gpt_bigcode", "helium", "internlm3"),
    *("jais2", "ministral", "mistral", "nemotron", "persimmon", "phi3", "qwen2_5_vl_text"),
    *("qwen2_vl_text", "qwen3_vl_text", "seed_oss", "smollm3", "stablelm", "starcoder2"),
    *("mixtral", "qwen2_moe", "qwen3_moe", "dots1", "glm4_moe", "solar_open", "gpt_oss"),
    *("deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa", "kimi_k2"),
    "youtu",
)

_HAS: Has = {
    Trunk: {"tied_embeddings", "norm_bias", "positions"},
    Layer: {"norms"},
    FullAttention: {
        *("qkv_bias", "output_bias", "window", "sinks", "gate"),
        *("qk_norm=head", "qk_norm=head_with_bias"),
    },
    LatentAttention: {"q_lora_rank", "indexer"},
    DenseFeedForward: {"gated", "bias"},
    MixtureOfExperts: {
        *("gated", "shared_d_ff", "shared_gate", "expert_bias", "router_bias", "latent")
    },
}

_ACTIVATIONS = {
    ("silu", True): ("--swiglu",),
    ("gelu", False): (),
    ("relu2", False): ("--squared-relu",),
    ("clamped swish", True): (
        *("--quick-geglu", "--glu-linear-offset", "1.0", "--activation-func-clamp-value", "7.0"),
    ),
}
"""Flags of each kind of activation, by whether it has a gate."""

# Megatron's default dropout is 0.1.
_NO_DROPOUT = ("--attention-dropout", "0.0", "--hidden-dropout", "0.0")


def to_megatron(architecture: Architecture) -> str:
    """Write a shell file that sets ``MODEL_ARGS``.

    Raises
    ------
    ConfigError
        If Megatron-LM has no such model; the message says what prevents it.
    """
    kinds = {kind for kind, _ in _ACTIVATIONS}
    families = (*_FAMILIES, *(name for name in HYBRIDS if name not in _FAMILIES))
    if is_hybrid(architecture):
        check_parts(architecture, "megatron", families, HYBRID_HAS, activations=kinds)
        return to_hybrid(architecture)
    check_parts(architecture, "megatron", families, _HAS, (NO_ROTATION,), kinds)
    stack = stack_of(architecture, "megatron")
    refuse("megatron", _obstacles(stack))
    text = file_of(
        "pretrain_gpt.py", architecture.block, stack.trunk, stack.parameters, _flags(stack)
    )
    check_count("megatron", count_megatron(text), stack.parameters)
    return text


def _biases(stack: Stack) -> set[bool]:
    """Whether the projections other than those of queries, keys and values have biases."""
    found = {bool(getattr(stack.attention, "output_bias", False))}
    if stack.dense is not None:
        found.add(bool(stack.dense.bias))
    if stack.mixture is not None:
        found |= {bool(stack.mixture.expert_bias), bool(stack.mixture.router_bias)}
    return found


def _gated(stack: Stack) -> set[bool]:
    return {bool(ffn.gated) for ffn in (stack.dense, stack.mixture) if ffn is not None}


def _obstacles(stack: Stack) -> list[str]:
    found = norm_obstacles(stack, 2)
    biases, gated, attention = _biases(stack), _gated(stack), stack.attention
    if len(biases) > 1 or (biases == {True} and not getattr(attention, "qkv_bias", False)):
        found.append(
            "all its projections have biases, or none, or those of queries, keys and values alone"
        )
    elif biases == {True} and stack.mixture is not None and stack.mixture.shared_d_ff:
        found.append("its shared experts have no biases")
    if len(gated) > 1 or (stack.activation, max(gated)) not in _ACTIVATIONS:
        words = "with" if max(gated) else "without"
        found.append(f"it has no activation {stack.activation!r} {words} a gate")
    if stack.mixture is not None:
        found += mixture_obstacles(stack.mixture, router(stack.family, stack.config))
    layer_norm = bool(stack.trunk.norm_bias)
    if getattr(attention, "qk_norm", "none") == ("head" if layer_norm else "head_with_bias"):
        found.append("its norms of queries and keys have biases with LayerNorm, and only then")
    if layer_norm and isinstance(attention, LatentAttention):
        found.append("the norms of latents are RMSNorm, got LayerNorm for the others")
    if getattr(attention, "indexer", None) is not None:
        found += _indexer_obstacles(attention)
    if stack.family in _LEARNED:
        learned = f"{stack.family}'s positions are learned, got none"
        return found if stack.trunk.positions else [*found, learned]
    if stack.trunk.positions:
        return [*found, f"the positions of {stack.family} are rotary, got learned ones"]
    return found + rotary_obstacles(stack, rotary_fraction(stack.family, stack.config))


def _indexer_obstacles(attention: LatentAttention) -> list[str]:
    found = []
    if attention.q_lora_rank is None:
        found.append("its indexer reads the latent of queries, got q_lora_rank = null")
    if attention.indexer is not None and attention.indexer.shared:
        found.append("its layers have indexers of their own here, got shared ones")
    return found


def _flags(stack: Stack) -> list[str]:
    trunk = stack.trunk
    flags = [
        *("--num-layers", str(stack.layers)),
        *("--hidden-size", str(trunk.d_model)),
        *("--ffn-hidden-size", str(stack.d_ff)),
        *_attention(stack),
    ]
    if trunk.positions:
        flags += ["--max-position-embeddings", str(trunk.positions)]
    if not trunk.tied_embeddings:
        flags.append("--untie-embeddings-and-output-weights")
    return [*flags, *_mixture(stack), *_structure(stack)]


def _attention(stack: Stack) -> list[str]:
    a = stack.attention
    flags = ["--num-attention-heads", str(a.heads)]
    if isinstance(a, LatentAttention):
        flags += ["--kv-channels", str(a.value_dim), "--multi-latent-attention"]
        if a.q_lora_rank is not None:
            flags += ["--q-lora-rank", str(a.q_lora_rank)]
        flags += [
            *("--kv-lora-rank", str(a.kv_lora_rank)),
            *("--qk-head-dim", str(a.nope_dim)),
            *("--qk-pos-emb-head-dim", str(a.rope_dim)),
            *("--v-head-dim", str(a.value_dim)),
        ]
        return flags if a.indexer is None else [*flags, *_indexer(a.indexer)]
    flags += ["--kv-channels", str(a.head_dim)]
    if a.kv_heads != a.heads:
        flags += ["--group-query-attention", "--num-query-groups", str(a.kv_heads)]
    if stack.window:
        # Tokens before itself that a token sees, and after it.
        flags += ["--window-size", f"{stack.window - 1},0"]
        if not all(stack.windows):
            flags += ["--window-attn-skip-freq", pattern([w > 0 for w in stack.windows])]
    if a.sinks:
        flags += ["--softmax-type", "learnable"]
    if a.gate:
        flags.append("--attention-output-gate")
    return flags


def _indexer(indexer: Indexer) -> list[str]:
    return [
        *("--experimental-attention-variant", "dsa"),
        *("--dsa-indexer-n-heads", str(indexer.heads)),
        *("--dsa-indexer-head-dim", str(indexer.head_dim)),
        *("--dsa-indexer-topk", str(indexer.top_k)),
    ]


def _mixture(stack: Stack) -> list[str]:
    if stack.mixture is None:
        return []
    flags = mixture(stack.mixture, router(stack.family, stack.config))
    some = [] if all(stack.routed) else ["--moe-layer-freq", pattern(stack.routed)]
    return [*flags, *some]


def _structure(stack: Stack) -> list[str]:
    """What has no size: positions, norms, activations and biases."""
    fraction = rotary_fraction(stack.family, stack.config)
    positions = "learned_absolute" if stack.trunk.positions else positions_of(stack.family)
    flags = ["--position-embedding-type", positions]
    if positions == ROTARY and fraction != 1.0:
        flags += ["--rotary-percent", str(fraction)]
    without = unrotated(stack.family, stack.config, stack.layers)
    if any(without):
        flags += ["--no-rope-freq", pattern(without)]
    if not stack.trunk.norm_bias:
        flags += ["--normalization", "RMSNorm"]
    if stack.family in (*ONE_PLUS, "nemotron"):
        flags.append("--apply-layernorm-1p")
    flags += _ACTIVATIONS[stack.activation, max(_gated(stack))]
    if True not in _biases(stack):
        flags.append("--disable-bias-linear")
        if getattr(stack.attention, "qkv_bias", False):
            flags.append("--add-qkv-bias")
    latents = isinstance(stack.attention, LatentAttention)
    if latents or stack.attention.qk_norm != "none":
        flags.append("--qk-layernorm")
    return flags if stack.family in _LEARNED else [*flags, *_NO_DROPOUT]
