"""Flags of Megatron-LM's ``pretrain_hybrid.py``, for stacks with state-space and linear layers.

Each mixer and each feed-forward is a layer of its own there, with one normalisation before it, and
a symbol in ``--hybrid-layer-pattern``: ``core/models/hybrid/hybrid_layer_allocation.py`` and
``hybrid_layer_specs.py`` of NVIDIA/Megatron-LM (commit d98e8a64ddf3, 2026-08-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.configs.exports.common import (
    check_count,
    layers_of,
    refuse,
)
from modelsizer.problems.architecture.configs.exports.families import activation, rotary_fraction
from modelsizer.problems.architecture.configs.exports.features import Has
from modelsizer.problems.architecture.configs.exports.megatron_count import count_megatron
from modelsizer.problems.architecture.configs.exports.megatron_flags import (
    file_of,
    mixture,
    mixture_obstacles,
)
from modelsizer.problems.architecture.configs.exports.nearest import type_and_fields
from modelsizer.problems.architecture.configs.exports.routers import router
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    NoFeedForward,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import NoAttention
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.records import dataclass

ROTARY = "rope"
HYBRIDS = MappingProxyType(
    {
        "bamba": ROTARY,
        "mamba2": "none",
        "nemotron_h": "none",
        "qwen3_5_moe_text": ROTARY,
        "qwen3_5_text": ROTARY,
        "qwen3_next": ROTARY,
        **dict.fromkeys(("llama", "qwen2", "qwen3", "granitemoehybrid"), ROTARY),
    }
)
"""Types with such stacks, or whose blocks may have them, and the positions of their attention."""


def positions_of(family: str) -> str:
    """Positions of the attention of a type, where none are learned."""
    return HYBRIDS.get(family, ROTARY)


HYBRID_HAS: Has = {
    Trunk: {"tied_embeddings"},
    Layer: {"norms"},
    FullAttention: {"qkv_bias", "output_bias", "qk_norm=head", "gate"},
    GatedDeltaNet: {"conv"},
    Mamba2: {"groups"},
    NoAttention: (),
    NoFeedForward: (),
    DenseFeedForward: {"gated", "bias"},
    MixtureOfExperts: {"gated", "shared_d_ff", "shared_gate", "latent"},
}

ONE_PLUS = ("qwen3_5_moe_text", "qwen3_5_text", "qwen3_next")
"""Types whose norms add one to their scales."""

_SYMBOLS = MappingProxyType(
    {
        FullAttention: "*",
        GatedDeltaNet: "G",
        Mamba2: "M",
        DenseFeedForward: "-",
        MixtureOfExperts: "E",
    }
)


@dataclass(frozen=True, slots=True)
class Hybrid:
    """A stack as `pretrain_hybrid.py` sees it.

    Parameters
    ----------
    family : str
    trunk : Trunk
    pattern : str
        Symbol of each mixer and each feed-forward.
    parts : mapping of type to object
        The one mixer or feed-forward of each kind.
    activation : str
    config : mapping
    """

    family: str
    trunk: Trunk
    pattern: str
    parts: Mapping[type, Any]
    activation: str
    config: Mapping[str, Any]

    def of(self, kind: type) -> Any:
        """The mixer or feed-forward of a kind, or None."""
        return self.parts.get(kind)


def is_hybrid(architecture: Architecture) -> bool:
    """Whether some layer is not an attention and a feed-forward."""
    whole = (FullAttention, LatentAttention), (DenseFeedForward, MixtureOfExperts)
    return any(
        not isinstance(part, kinds)
        for group in architecture.groups
        for part, kinds in zip((group.layer.attention, group.layer.ffn), whole, strict=True)
    )


def to_hybrid(architecture: Architecture) -> str:
    """Write the shell file of a stack whose parts Megatron-LM has.

    Raises
    ------
    ConfigError
        If it has no such stack; the message says why.
    """
    found = _read(architecture)
    refuse("megatron", _obstacles(found))
    flags = [*_sizes(found), *_structure(found)]
    parameters = int(count_parameters(architecture).total)
    text = file_of("pretrain_hybrid.py", architecture.block, found.trunk, parameters, flags)
    check_count("megatron", count_megatron(text), parameters)
    return text


def _read(architecture: Architecture) -> Hybrid:
    """Read an architecture as a stack of single layers."""
    pattern: list[str] = []
    parts: dict[type, Any] = {}
    found: dict[str, None] = {}
    for layer in layers_of(architecture, "megatron"):
        words = 0
        for part in (layer.attention, layer.ffn):
            kind = type(part)
            if kind in _SYMBOLS:
                words += 1
                pattern.append(_SYMBOLS[kind])
                if parts.setdefault(kind, part) != part:
                    found[f"its layers have one {kind.__name__}, got several"] = None
        if layer.norms != words:
            found[f"it has one normalisation before each part, got {layer.norms} of {words}"] = None
    refuse("megatron", found)
    family, config = type_and_fields(architecture)
    return Hybrid(
        family,
        architecture.trunk,
        "".join(pattern),
        parts,
        activation(family, config),
        config,
    )


def _obstacles(hybrid: Hybrid) -> list[str]:
    found = []
    attention, dense = hybrid.of(FullAttention), hybrid.of(DenseFeedForward)
    moe = hybrid.of(MixtureOfExperts)
    if getattr(attention, "output_bias", False) or getattr(dense, "bias", False):
        found.append("its projections have no biases beside state-space and linear layers")
    for ffn in (dense, moe):
        if ffn is not None and ffn.gated != (hybrid.activation == "silu"):
            words = "with" if ffn.gated else "without"
            found.append(f"it has no activation {hybrid.activation!r} {words} a gate here")
    if moe is not None:
        found += mixture_obstacles(moe, router(hybrid.family, hybrid.config))
    mamba = hybrid.of(Mamba2)
    if mamba is not None and mamba.mamba_heads % mamba.groups:
        found.append(f"groups divide Mamba heads, got {mamba.groups} of {mamba.mamba_heads}")
    return found


def _sizes(hybrid: Hybrid) -> list[str]:
    """The flags of a stack, without those of the vocabulary."""
    attention, dense = hybrid.of(FullAttention), hybrid.of(DenseFeedForward)
    moe, mamba, delta = hybrid.of(MixtureOfExperts), hybrid.of(Mamba2), hybrid.of(GatedDeltaNet)
    width = (
        (dense or moe).d_ff if dense or moe else 4 * hybrid.trunk.d_model
    )  # required, but unused
    flags = [
        *("--spec", "megatron.core.models.hybrid.hybrid_layer_specs hybrid_stack_spec"),
        *("--hybrid-layer-pattern", hybrid.pattern),
        *("--hidden-size", str(hybrid.trunk.d_model)),
        *("--ffn-hidden-size", str(width)),
    ]
    if attention is None:
        flags += ["--num-attention-heads", "1"]  # required, but unused
    else:
        flags += ["--num-attention-heads", str(attention.heads)]
        flags += ["--kv-channels", str(attention.head_dim)]
        if attention.kv_heads != attention.heads:
            flags += ["--group-query-attention", "--num-query-groups", str(attention.kv_heads)]
        if attention.gate:
            flags.append("--attention-output-gate")
    if mamba is not None:
        flags += [
            *("--mamba-num-heads", str(mamba.mamba_heads)),
            *("--mamba-head-dim", str(mamba.mamba_head_dim)),
            *("--mamba-state-dim", str(mamba.state)),
            *("--mamba-num-groups", str(mamba.groups)),
        ]
    if delta is not None:
        flags += [
            *("--linear-num-key-heads", str(delta.key_heads)),
            *("--linear-num-value-heads", str(delta.value_heads)),
            *("--linear-key-head-dim", str(delta.key_dim)),
            *("--linear-value-head-dim", str(delta.value_dim)),
            *("--linear-conv-kernel-dim", str(delta.conv)),
        ]
    if moe is not None:
        flags += mixture(moe, router(hybrid.family, hybrid.config))
    if not hybrid.trunk.tied_embeddings:
        flags.append("--untie-embeddings-and-output-weights")
    return flags


def _structure(hybrid: Hybrid) -> list[str]:
    """What has no size: positions, norms, activations and biases."""
    attention, fraction = hybrid.of(FullAttention), rotary_fraction(hybrid.family, hybrid.config)
    positions = positions_of(hybrid.family)
    flags = ["--position-embedding-type", positions]
    if positions == ROTARY and fraction != 1.0:
        flags += ["--rotary-percent", str(fraction)]
    flags += ["--normalization", "RMSNorm"]
    if hybrid.family in ONE_PLUS:
        flags.append("--apply-layernorm-1p")
    flags += ["--swiglu"] if hybrid.activation == "silu" else ["--squared-relu"]
    flags.append("--disable-bias-linear")
    if attention is not None and attention.qkv_bias:
        flags.append("--add-qkv-bias")
    if attention is not None and attention.qk_norm == "head":
        flags.append("--qk-layernorm")
    return flags
