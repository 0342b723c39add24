"""Blocks with two kinds of layer, full and windowed attention, and designs of them in plain loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.blocks import BLOCKS, Block
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.patterns import Every, Free
from tests.support.oracle.training import designs

WINDOW, PERIOD, LEAST, MOST = 512, 3, 2, 4


@dataclass(frozen=True, slots=True)
class Mixed(Block):
    """Layers of full attention, and others that see a window."""

    def kinds(self, widths: Mapping[str, Count]) -> tuple[Layer, ...]:
        full = self.layer(*(widths[name] for name in ("heads", "kv_heads", "head_dim", "d_ff")))
        assert isinstance(full.attention, FullAttention)
        return full, replace(full, attention=replace(full.attention, window=WINDOW))


@dataclass(frozen=True, slots=True)
class Plane:
    """As `Free`, with runs of two numbers of full layers in rows of two depth axes."""

    least: int
    most: int

    @property
    def kinds(self) -> int:
        return 2

    def rows(self, start: Any, step: Any, count: Any) -> Iterator[tuple[Any, Depths]]:
        for i in range(len(start)):
            left = {
                (full, int(start[i] + step[i] * j) - full)
                for j in range(int(count[i]))
                for full in range(max(self.least, 1), self.most + 1)
                if start[i] + step[i] * j >= full
            }
            while left:
                full, other = min(left)
                tall = 0 if other == 0 else 1
                while tall and {(full, other + n) for n in range(tall + 1)} <= left:
                    tall += 1
                tall = max(tall, 1)
                wide = 1
                while other and {(full + wide, other + n) for n in range(tall)} <= left:
                    wide += 1
                left -= {(full + m, other + n) for m in range(wide) for n in range(tall)}
                steps = np.array([[[1, 0], [0, 1]]])
                yield (
                    np.array([i]),
                    Depths(np.array([[full, other]]), steps, np.array([[wide, tall]])),
                )


PATTERNS = {"mixed-every": Every(PERIOD), "mixed-free": Free(LEAST, MOST),
            "mixed-plane": Plane(LEAST, MOST)}  # fmt: skip


@contextmanager
def registered() -> Iterator[None]:
    """The blocks, registered for a while."""
    for name, pattern in PATTERNS.items():
        BLOCKS.register(Mixed(name, "two kinds of layer, for tests", pattern=pattern))
    try:
        yield
    finally:
        for name in PATTERNS:
            del BLOCKS._items[name]


def architectures(tables: dict[str, Any]) -> list[Architecture]:
    """Every design of a space of one such block, built by hand."""
    found = []
    for a in designs(tables):
        full = FullAttention(a.heads, a.kv_heads, a.head_dim)
        ffn = DenseFeedForward(a.d_ff)
        trunk = Trunk(a.d_model, a.vocab_size, bool(a.tied))
        groups = [LayerGroup(Layer(full, ffn), a.full)]
        if a.window:
            windowed = replace(full, window=WINDOW)
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
