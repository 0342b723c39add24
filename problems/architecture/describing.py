"""Describe an architecture by its parameters and costs, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.choices import BY_NAME, SHOWN
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
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.errors import require_count, require_number, require_type
from modelsizer.problems.units import MAX_BYTES_A_VALUE, MAX_COUNT, Number, exact, plain


@dataclass(frozen=True, slots=True)
class Description:
    """Counts of one architecture at a batch size and sequence length.

    Parameters
    ----------
    architecture : Architecture
    batch, sequence : int
    parameters : Parameters
    forward_flops, forward_backward_flops : int
        FLOPs of a whole pass over batch x sequence tokens, with scores over the whole sequence, not
        causally halved, and windows ignored: as counted by `torch.utils.flop_counter`.
    forward_flops_per_token, training_flops_per_token : int
        FLOPs per token at this sequence length; windows cap the scores.
    weight_bytes : int or float
        Bytes of all weights.
    formats : WeightFormat
        Bytes per weight.
    kv_bytes_per_token : int or float
    kv_cache : int or float
        Bytes of the whole cache; windowed layers hold only their window.
    state_bytes : int or float
        Bytes of the states that layers hold per sequence in place of a cache, for the batch.
    serving_memory : int or float
        Bytes of weights, cache and states on one accelerator.
    """

    architecture: Architecture
    batch: int
    sequence: int
    parameters: Parameters
    forward_flops: int
    forward_backward_flops: int
    forward_flops_per_token: int
    training_flops_per_token: int
    weight_bytes: Number
    formats: WeightFormat
    kv_bytes_per_token: Number
    kv_cache: Number
    state_bytes: Number
    serving_memory: Number

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        return {
            "architecture": architecture_dict(self.architecture)
            | {"groups": groups_list(self.architecture)},
            "parameters": parameters_dict(self.parameters),
            "batch": self.batch,
            "sequence": self.sequence,
            "flops": {
                "forward": self.forward_flops,
                "forward_backward": self.forward_backward_flops,
            },
            "flops_per_token": {
                "forward": self.forward_flops_per_token,
                "training": self.training_flops_per_token,
            },
            "weight_bytes": self.weight_bytes,
            "kv_bytes_per_token": self.kv_bytes_per_token,
            "kv_cache": self.kv_cache,
            "state_bytes": self.state_bytes,
            "serving_memory": self.serving_memory,
        }


def describe(
    architecture: Architecture,
    *,
    batch: int = 1,
    sequence: int = 4096,
    weight_bytes: Number | None = None,
    kv_bytes: Number = 2,
) -> Description:
    """Count an architecture at a batch size and sequence length.

    Parameters
    ----------
    architecture : Architecture
    batch, sequence : int
        Number of sequences, and tokens per sequence.
    weight_bytes, kv_bytes : int or float
        Bytes per weight and per cached value; by default the weights are those that the
        configuration's quantisation stores, or of 2 bytes.

    Returns
    -------
    Description

    Raises
    ------
    ArgumentError
        If an argument is not positive, or beyond what may be counted.

    Examples
    --------
    >>> from modelsizer import load_architecture
    >>> describe(load_architecture("llama-3-8b")).parameters.total
    8030261248
    """
    require_type("architecture", architecture, Architecture)
    require_count("batch", batch, most=MAX_COUNT)
    require_count("sequence", sequence, most=MAX_COUNT)
    for name, given in (("weight_bytes", weight_bytes), ("kv_bytes", kv_bytes)):
        if given is not None:
            require_number(name, given, above=0, most=MAX_BYTES_A_VALUE)
    trunk = architecture.trunk
    kinds = [group.layer for group in architecture.groups]
    counts = [group.count for group in architecture.groups]

    def value(affine: accounting.Affine) -> Fraction:
        return affine.at(counts)

    kv = exact(kv_bytes)
    formats = architecture.stored
    if formats is None or weight_bytes is not None:
        formats = WeightFormat.all(exact(2 if weight_bytes is None else weight_bytes))
    weights = value(accounting.serving_weights(trunk, kinds, formats))
    masked = accounting.forward_flops(trunk, kinds, sequence, ignore_windows=True)
    whole = int(value(masked)) * batch * sequence
    forward = int(value(accounting.forward_flops(trunk, kinds, sequence)))
    cache = value(accounting.kv_cache(kinds, kv, batch, sequence))
    states = value(accounting.serving_states(kinds, kv, batch))
    return Description(
        architecture,
        batch,
        sequence,
        count_parameters(architecture),
        whole,
        accounting.TRAINING_PASSES * whole,
        forward,
        accounting.TRAINING_PASSES * forward,
        plain(weights),
        formats,
        plain(value(accounting.kv_bytes_per_token(kinds, kv))),
        plain(cache),
        plain(states),
        plain(weights + cache + states),
    )


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


def groups_list(architecture: Architecture) -> list[dict[str, Any]]:
    """Every group of layers, with the fields that differ from their default."""
    return [{"count": group.count} | layer_dict(group.layer) for group in architecture.groups]


_OF_FEW = ("shared", "extra_weights", "extra_parameters")
"""Fields of a layer that are shown only where they are not 0."""


def layer_dict(layer: Layer) -> dict[str, Any]:
    """One kind of layer, with the fields that differ from their default."""
    return {
        "attention": part_dict(layer.attention),
        "ffn": part_dict(layer.ffn),
        "norms": layer.norms,
        **{name: value for name in _OF_FEW if (value := getattr(layer, name))},
    }
