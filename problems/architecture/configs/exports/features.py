"""What an architecture has besides the plain parts of a layer, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    NoFeedForward,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import NoAttention
from modelsizer.problems.architecture.state_space import Mamba2

Has = Mapping[type, Collection[str]]
"""What a framework has: classes of parts of a layer, and their optional fields that it can set."""

_PARTS = MappingProxyType(
    {
        "FullAttention": "attention of heads",
        "LatentAttention": "latent attention",
        "Mamba": "Mamba layers",
        "Mamba2": "Mamba-2 layers",
        "GatedDeltaNet": "gated delta networks",
        "GatedRecurrence": "gated linear recurrences",
        "LightningAttention": "lightning attention",
        "ShortConvolution": "short convolutions",
        "DenseFeedForward": "dense feed-forwards",
        "NoAttention": "layers without attention",
        "NoFeedForward": "layers without feed-forward",
        "Several": "layers with several token mixers",
        "SharedKeyAttention": "attention whose key is its value",
        "SeveralFeedForwards": "layers with several feed-forwards",
        "MixtureOfExperts": "mixtures of experts",
    }
)
_FIELDS = MappingProxyType(
    {
        "window": "sliding windows",
        "sinks": "attention sinks",
        "gate": "gates of the attention's output",
        "qkv_bias": "biases of queries, keys and values",
        "output_bias": "bias of the attention's output",
        "indexer": "sparse attention by an indexer",
        "bias": "biases of feed-forwards and latents",
        "gated": "feed-forwards without a gate",
        "shared_d_ff": "shared experts",
        "shared_gate": "gate of the shared experts",
        "router_bias": "bias of the router",
        "expert_bias": "biases of experts",
        "positions": "learned positions",
        "head": "model without a language head",
        "head_bias": "bias of the output head",
        "norm_bias": "LayerNorm",
        "norm_scale": "normalisations without a scale",
        "embedding_width": "embedding narrower than the model",
        "tied_embeddings": "tied embeddings",
        "latent": "experts that work in a latent",
        "value_dim": "values of another width than keys",
        "shares_cache": "layers that share a cache",
        "extra_weights": "weights besides attention and feed-forward",
        "extra_parameters": "parameters besides attention and feed-forward",
        "extra_embedding": "further embeddings",
        "shared_bias": "biases of shared experts",
        "shared": "layers that share their weights",
        "activation": "activations with learned parameters",
        "qk_norm_dim": "norms of queries and keys of another width than a head",
        "gate_bias": "gates of the attention's output without a bias",
        "channel_decay": "decays of each channel",
        "decay_rank": "decays through a bottleneck",
        "gate_rank": "gates through a bottleneck",
        "extra_flops": "computation besides attention and feed-forward",
        "head_gate": "gates of heads",
        "value_is_key": "values that are the keys",
        "input_dim": "attention of an input wider than the model",
        "latent_bias": "biases of the projections of a latent",
        "Mamba2.conv": "convolutions of another number of taps than 4",
        "Mamba2.bias": "biases of Mamba-2 projections",
        "conv_bias": "convolutions without a bias",
        "Trunk.norms": "normalisation of the embedding, and always one at the end",
        "Layer.norms": "layers with another number of normalisations than 2",
    }
)
_QK_NORMS = MappingProxyType(
    {
        "head": "norms of each query and key head",
        "head_with_bias": "norms of each query and key head with a bias",
        "full": "norms of queries and keys over all heads",
    }
)


def absent(architecture: Architecture, has: Has) -> list[str]:
    """Parts and fields of an architecture that a framework lacks, in words, each once.

    Parameters
    ----------
    architecture : Architecture
    has : mapping
        Parts of layers that it has, each with its optional fields that it can set; Layer and Trunk
        among them.
    """
    found: dict[str, None] = {}
    parts: list[Any] = [architecture.trunk]
    for group in architecture.groups:
        parts += [group.layer.attention, group.layer.ffn, group.layer]
    for part in parts:
        name = type(part).__name__
        if type(part) not in has:
            found[_PARTS.get(name, name)] = None
            continue
        for field in dataclasses.fields(part):
            value, usual = getattr(part, field.name), field.default
            chosen = usual is not dataclasses.MISSING and value != usual
            if field.name == "qk_norm_dim":
                chosen = part.qk_norm != "none" and value not in (None, part.head_dim)
            if chosen and not {field.name, f"{field.name}={value}"} & set(has[type(part)]):
                found[_words(name, field.name, value)] = None
    return list(found)


_PLAIN: Has = MappingProxyType({Trunk: (), Layer: (), FullAttention: ()})
_KNOWN: Has = MappingProxyType(
    {
        **_PLAIN,
        DenseFeedForward: (),
        LatentAttention: {"q_lora_rank"},
        GatedDeltaNet: {"conv"},
        Mamba2: {"groups", "conv"},
        **dict.fromkeys((MixtureOfExperts, NoAttention, NoFeedForward), ()),
    }
)


def features(architecture: Architecture) -> list[str]:
    """All that an architecture has besides plain attention, in words."""
    layers = architecture.kinds
    found = dict.fromkeys((*absent(architecture, _PLAIN), *absent(architecture, _KNOWN)))
    whole = [x.attention.window is None for x in layers if isinstance(x.attention, FullAttention)]
    if len(set(whole)) > 1:
        found["full layers beside windowed ones"] = None
    if {DenseFeedForward, MixtureOfExperts} <= {type(layer.ffn) for layer in layers}:
        found["layers without experts beside those with them"] = None
    return list(found)


_OF_EXPERTS = ("layers without experts beside those with them", "shared experts",
               "gate of the shared experts", "bias of the router", "biases of experts")  # fmt: skip
_PART_OF = MappingProxyType(
    {
        "full layers beside windowed ones": "sliding windows",
        **dict.fromkeys(_OF_EXPERTS, "mixtures of experts"),
        "biases of feed-forwards and latents": "dense feed-forwards",
    }
)
"""Features that are nothing without another."""


def missing(wanted: Architecture, found: Architecture) -> list[str]:
    """Features of one architecture that another lacks, without those that follow."""
    has = features(found)
    lost = [each for each in features(wanted) if each not in has]
    return [each for each in lost if _PART_OF.get(each) not in lost]


def _words(part: str, field: str, value: Any) -> str:
    if field == "qk_norm":
        return _QK_NORMS[value]
    usual = f"{part}.{field} = {value!r}"
    return _FIELDS.get(f"{part}.{field}", _FIELDS.get(field, usual))


def first_difference(wanted: Architecture, found: Architecture) -> str:
    """The first field of trunk or layers in which two architectures differ."""
    if found.trunk != wanted.trunk:
        return difference("trunk", found.trunk, wanted.trunk)
    for there, here in zip(found.groups, wanted.groups, strict=False):
        for place in ("attention", "ffn"):
            parts = getattr(there.layer, place), getattr(here.layer, place)
            if parts[0] != parts[1]:
                return difference(place, *parts)
        if there != here:
            return difference("layer", there.layer, here.layer)
    return "it has other layers"


def difference(place: str, found: Any, wanted: Any) -> str:
    """The first field in which two parts of one kind differ, or that their kinds do."""
    if type(found) is not type(wanted):
        return f"{place} is of kind {type(found).__name__} and {type(wanted).__name__}"
    for field in dataclasses.fields(found):
        value, usual = getattr(found, field.name), getattr(wanted, field.name)
        if value != usual:
            return f"{place}.{field.name} is {value!r} and {usual!r}"
    return f"numbers of layers with this {place}"
