"""An architecture and its parameters as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

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
from modelsizer.problems.architecture.mixers import NoAttention, Several, WithoutScores
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2
from modelsizer.problems.architecture.structures import period_of


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


def kind_of(part: Any) -> dict[str, str]:
    """Name of the kind of a mixer or feed-forward; nothing for what is only a part of one."""
    if isinstance(part, FullAttention) and part.window is not None:
        return {"kind": "sliding"}
    return {"kind": _KIND_NAMES[type(part)]} if type(part) in _KIND_NAMES else {}


def plain_field(value: Any) -> Any:
    """A field as plain values; parts of a mixer or feed-forward as mappings."""
    if isinstance(value, tuple):
        return [plain_field(each) for each in value]
    return part_dict(value) if is_dataclass(value) else value


def part_dict(part: Any) -> dict[str, Any]:
    """A mixer or feed-forward: its kind, and the fields that differ from their default."""
    return kind_of(part) | {
        f.name: plain_field(getattr(part, f.name))
        for f in fields(part)
        if getattr(part, f.name) != f.default
    }


ALWAYS_SHOWN = ("layers", "d_model", "vocab_size", "tied_embeddings", "full_layers", "block")
"""Choices that every architecture has."""
ZERO_WITH: Mapping[str, str] = MappingProxyType(
    {
        "q_lora_rank": "kv_lora_rank",
        "shared_experts": "routed_experts",
        "dense_layers": "routed_experts",
    }
)
"""Choices that may be 0 where an architecture has another: queries without a latent, no shared
experts, and no dense layers beside those with experts."""


def architecture_dict(architecture: Architecture) -> dict[str, Any]:
    """An architecture as a mapping; widths are those of its first layers that have them.

    What an architecture has not is None: kv_heads and head_dim of latent attention, d_ff where no
    layer is dense, between and window where all layers are full. `shared_experts` is the number of
    shared experts as wide as routed ones; if their widths differ, the ratio of the widths.
    """
    sizes = {name: BY_NAME[name].of(architecture) for name in SHOWN}
    found = {name: _shown(name, sizes) for name in SHOWN}
    found["tied_embeddings"] = bool(found["tied_embeddings"])
    if not sizes["full_layers"]:
        found["attention"] = None
    if found["between"] is None and sizes["full_layers"] < sizes["layers"]:
        found["between"] = between_of(architecture)
    if sizes["routed_experts"]:
        found["shared_experts"] = shared_experts(architecture)
    if architecture.trunk.positions:
        found["positions"] = architecture.trunk.positions
    return found


def telling_choices(architecture: Architecture) -> dict[str, Any]:
    """`architecture_dict` without what the architecture has not, and what goes without saying.

    That is grouped attention, and full layers if no others are there.
    """
    found = architecture_dict(architecture)
    if found["attention"] == "grouped":
        del found["attention"]
    if found["full_layers"] == found["layers"]:
        del found["full_layers"]
    return {name: value for name, value in found.items() if value is not None}


def choices_beside(*architectures: Architecture | None) -> list[dict[str, Any]]:
    """`telling_choices` of several, each with what any other tells too; empty for None.

    Grouped attention goes without saying, but not beside latent attention.
    """
    known = [each for each in architectures if each is not None]
    told = {name for each in known for name in telling_choices(each)}
    return [
        {}
        if each is None
        else {k: v for k, v in architecture_dict(each).items() if k in told and v is not None}
        for each in architectures
    ]


def _shown(name: str, sizes: Mapping[str, Any]) -> Any:
    """One choice; None if the architecture has it not."""
    value, words = sizes[name], BY_NAME[name].words
    if words:
        return words[value] or None
    if value or name in ALWAYS_SHOWN or sizes.get(ZERO_WITH.get(name, "")):
        return value
    return None


def between_of(architecture: Architecture) -> str | None:
    """Kind of the first mixer that is none of a design's."""
    mixers = (group.layer.attention for group in architecture.groups)
    kinds = (_KIND_NAMES.get(type(m)) for m in mixers if isinstance(m, WithoutScores))
    return next((kind for kind in kinds if kind != _KIND_NAMES[NoAttention]), None)


def shared_experts(architecture: Architecture) -> Any:
    """Shared experts as wide as routed ones, or the ratio of the widths; an array of arrays."""
    ffns = (group.layer.ffn for group in architecture.groups)
    moe = next(ffn for ffn in ffns if isinstance(ffn, MixtureOfExperts))
    whole, rest = divmod(moe.shared_d_ff, moe.d_ff)
    ratio = moe.shared_d_ff / moe.d_ff
    if isinstance(rest, np.ndarray):
        return np.where(rest, ratio, whole.astype(object))
    return ratio if rest else int(whole)


def design_architecture(architecture: Architecture) -> dict[str, Any]:
    """`architecture_dict`, with its groups and the period of its full layers.

    `full_every` is None if full layers are not at n, 2n, ... or their order is not known.
    """
    stack = architecture.stack()
    return architecture_dict(architecture) | {
        "full_every": None if stack is None else period_of(stack),
        "groups": groups_list(architecture),
    }


def whole_architecture(architecture: Architecture) -> dict[str, Any]:
    """`design_architecture`, with the configuration that it was read from."""
    found = design_architecture(architecture)
    return found if architecture.config is None else found | {"config": dict(architecture.config)}


def groups_list(architecture: Architecture) -> list[dict[str, Any]]:
    """Every group of layers, with the fields that differ from their default."""
    return [{"count": group.count} | layer_dict(group.layer) for group in architecture.groups]


OF_FEW = ("shared", "extra_weights", "extra_parameters", "extra_flops")
"""Fields of a layer that are shown only where they are not 0."""


def layer_dict(layer: Layer) -> dict[str, Any]:
    """One kind of layer, with the fields that differ from their default."""
    return {
        "attention": part_dict(layer.attention),
        "ffn": part_dict(layer.ffn),
        "norms": layer.norms,
        **{name: value for name in OF_FEW if (value := getattr(layer, name))},
    }
