"""Spaces with two kinds of layer, full and windowed attention, and their designs in plain loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from tests.support.oracle.training import designs

WINDOW = 512
PATTERNS: dict[str, dict[str, Any]] = {
    "every": {"full_every": 3, "window": WINDOW},
    "free": {"full_layers": {"min": 2, "max": 4}, "window": WINDOW},
}
"""Keys of ``[space]``: a full layer in so many, or a free number of them."""


def architectures(tables: dict[str, Any]) -> list[Architecture]:
    """Every design of such a space of llamas, built by hand."""
    found = []
    for a in designs(tables):
        full = FullAttention(a.heads, a.kv_heads, a.head_dim)
        ffn = DenseFeedForward(a.d_ff)
        trunk = Trunk(a.d_model, a.vocab_size, bool(a.tied))
        groups = [LayerGroup(Layer(full, ffn), a.full)]
        if a.window:
            windowed = replace(full, window=a.window)
            groups.append(LayerGroup(Layer(windowed, ffn), a.layers - a.full))
        found.append(Architecture(trunk, tuple(groups), a.block))
    return found


def tie(architecture: Architecture, parameters: int) -> tuple[int, ...]:
    """The tie rule, written again."""
    trunk, layer = architecture.trunk, architecture.groups[0].layer
    attention = layer.attention
    windowed = sum(g.count for g in architecture.groups if g.layer.attention.window)  # type: ignore
    return (
        parameters,
        architecture.layers,
        trunk.d_model,
        attention.head_dim,
        attention.kv_heads,
        layer.ffn.d_ff,
        attention.heads,
        trunk.vocab_size,
        int(trunk.tied_embeddings),
        architecture.layers - windowed,
        WINDOW if windowed else 0,
    )
