"""Random stacks of layers as architectures of arrays, and boxes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Mixer

ENDS = {
    "d_model": (512, 8192),
    "kv_heads": (1, 8),
    "group": (1, 16),
    "head_dim": (64, 256),
    "window": (64, 8192),
    "latent_heads": (8, 128),
    "kv_lora_rank": (128, 1024),
    "q_lora_rank": (0, 1536),
    "d_ff": (512, 40_000),
    "routed": (2, 256),
    "active": (1, 16),
    "expert_d_ff": (128, 4096),
    "shared": (0, 2),
    "full_dense": (0, 60),
    "full_experts": (0, 60),
    "other_dense": (0, 60),
    "other_experts": (0, 60),
}
"""Ranges of integers of a stack. Heads are `kv_heads` x `group`; experts at least the active."""
STRUCTURES = [(full, between) for full in ("grouped", "latent") for between in ("window", "linear")]

COUNTS = ("full_dense", "full_experts", "other_dense", "other_experts")
"""Layers of each kind."""

Widths = dict[str, Any]


def boxes(seed: int, number: int) -> tuple[Widths, Widths]:
    """Least and greatest integers of boxes, most of them narrow in most."""
    random = np.random.default_rng(seed)
    low, high = {}, {}
    for name, (least, most) in ENDS.items():
        a, b = np.sort(random.integers(least, most, (2, number), endpoint=True), axis=0)
        at = random.integers(0, 3, number) > 0  # two thirds are points
        low[name], high[name] = a, np.where(at, a, b)
    low["full_dense"] = np.maximum(low["full_dense"], 1)  # some layer sees the whole context
    high["full_dense"] = np.maximum(high["full_dense"], low["full_dense"])
    high["active"] = np.minimum(high["active"], low["routed"])
    low["active"] = np.minimum(low["active"], high["active"])
    return low, high


def points(seed: int, low: Widths, high: Widths) -> Widths:
    """A point of each box, at an end of about half of its ranges."""
    random = np.random.default_rng(seed)
    found = {}
    for name in ENDS:
        inside = random.integers(low[name], high[name], endpoint=True)
        end = np.where(random.random(len(inside)) < 0.5, low[name], high[name])
        found[name] = np.where(random.random(len(inside)) < 0.5, inside, end)
    return found


def stack(w: Widths, full: str, between: str) -> Architecture:
    """The designs of a structure with these integers."""
    heads = w["kv_heads"] * w["group"]
    grouped = FullAttention(heads, w["kv_heads"], w["head_dim"])
    mixers: dict[str, Mixer] = {
        "grouped": grouped,
        "latent": LatentAttention(
            w["latent_heads"], w["kv_lora_rank"], 64, 128, 128, w["q_lora_rank"]
        ),
        "window": FullAttention(heads, w["kv_heads"], w["head_dim"], window=w["window"]),
        "linear": GatedDeltaNet(16, 32, 128, 128, 4),
    }
    dense = DenseFeedForward(w["d_ff"])
    experts = MixtureOfExperts(
        w["expert_d_ff"], w["routed"], w["active"], shared_d_ff=w["shared"] * w["expert_d_ff"]
    )
    kinds = [(mixers[m], ffn) for m in (full, between) for ffn in (dense, experts)]
    counts = [w[name] for name in COUNTS]
    groups = tuple(
        LayerGroup(Layer(*kind), count) for kind, count in zip(kinds, counts, strict=True)
    )
    return Architecture(Trunk(w["d_model"], 32_000 + 0 * w["d_model"]), groups)


def one(w: Widths, i: int, full: str, between: str) -> Architecture:
    """The design of one row, of Python integers and without the groups that it has not."""
    counts = {name: int(w[name][i]) for name in COUNTS}
    widths = {name: int(column[i]) for name, column in w.items()}
    whole = stack(widths | {name: max(n, 1) for name, n in counts.items()}, full, between)
    held = zip(whole.groups, counts.values(), strict=True)
    return replace(whole, groups=tuple(group for group, n in held if n))
