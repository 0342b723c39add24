"""The block that builds a published model's layers, or comes nearest, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.blocks import BLOCKS, Block
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Mixer, NoAttention, Several
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.architecture.structures import is_full, structure_of

_NAMES: Mapping[str, str] = {"qwen3_moe": "qwen3-moe", "deepseek_v3": "deepseek"}
"""Blocks of model types whose layers two blocks build."""
_MIXERS = (FullAttention, LatentAttention, GatedDeltaNet, Mamba2, NoAttention)


def block_of(architecture: Architecture) -> str:
    """The block whose layers have the parts of a model's, or else the most of them.

    Of equals it is that of the model's own name or type, then the first of `BLOCKS`.
    """
    own, names = _traits(architecture), (architecture.block, _NAMES.get(architecture.block))

    def apart(block: Block) -> tuple[int, bool]:
        wrong = sum(getattr(block, name) != value for name, value in own.items())
        return wrong, block.name not in names

    return min(BLOCKS.values(), key=apart).name


def _traits(architecture: Architecture) -> dict[str, object]:
    """Fields of a `Block` that a model's layers decide."""
    trunk, layers = architecture.trunk, architecture.kinds
    found: dict[str, object] = {
        "norms": max(layer.norms * (2 if layer.inputs == 1 else 1) for layer in layers),
        "norm_bias": trunk.norm_bias,
        "learned_positions": bool(trunk.positions),
    }
    attention = _first([layer.attention for layer in layers], FullAttention)
    if attention is not None:
        for name in ("qkv_bias", "output_bias", "sinks", "gate"):
            found[name] = getattr(attention, name)
        found["qk_norm"] = attention.qk_norm.partition("_")[0]
    ffns = [layer.ffn for layer in layers]
    dense, mixture = _first(ffns, DenseFeedForward), _first(ffns, MixtureOfExperts)
    if dense is not None:
        found |= {"gated": dense.gated, "ffn_bias": dense.bias}
    if mixture is not None:
        found |= {"gated": mixture.gated, "ffn_bias": mixture.expert_bias}
        found |= {name: getattr(mixture, name) for name in ("router_bias", "shared_gate")}
    return found


def _first(parts: list[Any], kind: type) -> Any:
    return next((part for part in parts if isinstance(part, kind)), None)


def why_unsearchable(architecture: Architecture) -> str | None:
    """Why no space holds designs of a model's kinds of layer; None if one does."""
    for layer in (group.layer for group in architecture.groups):
        name = type(layer.attention).__name__
        if not isinstance(layer.attention, _MIXERS):
            within = "several mixers at once" if isinstance(layer.attention, Several) else name
            return f"no space offers its mixers ({within})"
        if isinstance(layer.ffn, SeveralFeedForwards):
            return "no space offers layers of several feed-forwards"
    attentive = (FullAttention, LatentAttention)
    if not any(isinstance(group.layer.attention, attentive) for group in architecture.groups):
        return "no space offers models without attention"
    return None


def left_out(architecture: Architecture, block: str) -> tuple[str, ...]:
    """Fields of a model's trunk and layers that no design of a block has as the model has them.

    Parameters
    ----------
    architecture : Architecture
    block : str

    Returns
    -------
    tuple of str
        Such as ``"attention.sinks"``; empty if the block builds the model's very layers. Layers
        that are only a mixer or only a feed-forward are ``"layer.halves"``, more kinds of layer
        than a design may have ``"layer.kinds"``, and windows alone ``"layer.full"``.
    """
    structure = structure_of(architecture)
    widths = {name: BY_NAME[name].of(architecture) for name in structure.widths}
    layers = {group.layer for group in architecture.groups}
    found: dict[str, None] = {}
    if any(layer.inputs == 1 for layer in layers):
        return ("layer.halves",)
    built = BLOCKS[block]
    trunk = built.trunk(widths["d_model"], widths["vocab_size"], widths["tied_embeddings"], 1)
    for name in _different(trunk, architecture.trunk):
        if name != "positions" or bool(trunk.positions) != bool(architecture.trunk.positions):
            found[f"trunk.{name}"] = None
    for layer in layers:
        for name in _of_layer(built, widths, layer):
            found[name] = None
    if len(layers) > structure.kinds_of_layer:
        found["layer.kinds"] = None
    if not any(is_full(layer) for layer in layers):
        found["layer.full"] = None
    return tuple(found)


def _of_layer(block: Block, widths: Mapping[str, Any], layer: Layer) -> Iterator[str]:
    """Fields in which a layer differs from the block's of its kinds of mixer and feed-forward."""
    mixer = _mixer(block, widths, layer.attention)
    mixture = isinstance(layer.ffn, MixtureOfExperts)
    ffn = block.experts(widths) if mixture else block.dense(widths)
    for name in _different(block.layer(mixer, ffn), layer):
        if name not in ("attention", "ffn"):
            yield f"layer.{name}"
    for part, ours, theirs in (("attention", mixer, layer.attention), ("ffn", ffn, layer.ffn)):
        for name in _different(ours, theirs):
            yield f"{part}.{name}"


def _mixer(block: Block, widths: Mapping[str, Any], own: Mixer) -> Mixer:
    if isinstance(own, LatentAttention):
        return block.latent(widths)
    if isinstance(own, GatedDeltaNet | Mamba2):
        kind = "gated-deltanet" if isinstance(own, GatedDeltaNet) else "mamba2"
        return block.between(kind, widths)
    windowed = isinstance(own, FullAttention) and own.window is not None
    return block.between("window", widths) if windowed else block.grouped(widths)


def _different(one: Any, other: Any) -> list[str]:
    """Names of the fields in which two parts of one class differ."""
    assert is_dataclass(one) and type(one) is type(other)
    return [f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name)]
