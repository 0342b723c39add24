"""An architecture and its parameters as plain values, for JSON."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from modelsizer.problems.architecture.accounting import Parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.choices import BY_NAME, SHOWN
from modelsizer.problems.architecture.compressed_attention import (
    BlockIndexer,
    Compressor,
    SharedKeyAttention,
)
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    NoFeedForward,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import NoAttention, Several
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2


def parameters_dict(parameters: Parameters) -> dict[str, int]:
    """Parameters by component."""
    names = ("total", "active", "non_embedding", "embedding", "lm_head", "attention", "ffn", "norm",
             "experts", "other")  # fmt: skip
    return {name: int(getattr(parameters, name)) for name in names}


_KIND_NAMES = {
    FullAttention: "full",
    LatentAttention: "latent",
    Mamba: "mamba",
    Mamba2: "mamba2",
    GatedRecurrence: "gated-recurrence",
    GatedDeltaNet: "gated-deltanet",
    LightningAttention: "lightning",
    ShortConvolution: "convolution",
    NoAttention: "none",
    Several: "several",
    SharedKeyAttention: "shared-key",
    Compressor: "compressor",
    BlockIndexer: "block-indexer",
    DenseFeedForward: "dense",
    MixtureOfExperts: "experts",
    NoFeedForward: "none",
    SeveralFeedForwards: "several",
}


def _kind(part: Any) -> dict[str, str]:
    """Name of the kind of a mixer or feed-forward; nothing for what is only a part of one."""
    if isinstance(part, FullAttention) and part.window is not None:
        return {"kind": "sliding"}
    return {"kind": _KIND_NAMES[type(part)]} if type(part) in _KIND_NAMES else {}


def _plain(value: Any) -> Any:
    """A field as plain values; parts of a mixer or feed-forward as mappings."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return part_dict(value) if is_dataclass(value) else value


def part_dict(part: Any) -> dict[str, Any]:
    """A mixer or feed-forward: its kind, and the fields that differ from their default."""
    return _kind(part) | {
        f.name: _plain(getattr(part, f.name))
        for f in fields(part)
        if getattr(part, f.name) != f.default
    }


def architecture_dict(architecture: Architecture) -> dict[str, Any]:
    """An architecture as a mapping; widths are those of its first layers."""
    found = {name: BY_NAME[name].of(architecture) for name in SHOWN}
    found["tied_embeddings"] = bool(found["tied_embeddings"])
    if architecture.trunk.positions:
        found["positions"] = architecture.trunk.positions
    return found


def design_architecture(architecture: Architecture) -> dict[str, Any]:
    """`architecture_dict`, with its groups where there are several."""
    found = architecture_dict(architecture)
    return found if len(architecture.groups) == 1 else found | {"groups": groups_list(architecture)}


def whole_architecture(architecture: Architecture) -> dict[str, Any]:
    """`architecture_dict`, with its groups, and the configuration that it was read from."""
    found = architecture_dict(architecture) | {"groups": groups_list(architecture)}
    return found if architecture.config is None else found | {"config": dict(architecture.config)}


def groups_list(architecture: Architecture) -> list[dict[str, Any]]:
    """Every group of layers, with the fields that differ from their default."""
    return [{"count": group.count} | layer_dict(group.layer) for group in architecture.groups]


_OF_FEW = ("shared", "extra_weights", "extra_parameters", "extra_flops")
"""Fields of a layer that are shown only where they are not 0."""


def layer_dict(layer: Layer) -> dict[str, Any]:
    """One kind of layer, with the fields that differ from their default."""
    return {
        "attention": part_dict(layer.attention),
        "ffn": part_dict(layer.ffn),
        "norms": layer.norms,
        **{name: value for name in _OF_FEW if (value := getattr(layer, name))},
    }
