"""Structures: which kinds of layer a design has, without their widths and numbers.

Layers differ in their mixer, full attention or what stands between full layers, and in their
feed-forward, dense or of experts. So a structure has up to four kinds of layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer, Mixer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choice_values import is_dense, is_windowed
from modelsizer.problems.architecture.feedforward import FeedForward
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.records import dataclass

FullKind = Literal["grouped", "latent"]
Between = Literal["", "window", "gated-deltanet", "mamba2"]

FULL_KINDS: tuple[FullKind, ...] = ("grouped", "latent")
BETWEEN: tuple[Between, ...] = ("window", "gated-deltanet", "mamba2")

TRUNK = ("d_model", "vocab_size", "tied_embeddings")
GROUPED = ("heads", "kv_heads", "head_dim")
LATENT = ("heads", "kv_lora_rank", "q_lora_rank", "rope_dim", "nope_dim", "value_dim")
BETWEEN_WIDTHS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "window": ("window",),
    "gated-deltanet": (
        "linear_key_heads", "linear_value_heads", "linear_key_dim", "linear_value_dim",
        "linear_conv",
    ),
    "mamba2": ("linear_heads", "linear_head_dim", "linear_state", "linear_groups", "linear_conv"),
}  # fmt: skip
SHARED_BY: Mapping[str, tuple[str, str]] = {
    "gated-deltanet": ("linear_key_heads", "linear_value_heads"),
    "mamba2": ("linear_groups", "linear_heads"),
}
"""Of layers that hold a state, what is shared by a whole number of heads each, and those heads."""
DENSE = ("d_ff",)
EXPERTS = ("routed_experts", "active_experts", "expert_d_ff", "shared_experts")


@dataclass(frozen=True, slots=True)
class Structure:
    """Kinds of layer of a design.

    Parameters
    ----------
    block : str
        Name of the block, which has the rest of a layer.
    attention : {"grouped", "latent"}
        Attention of the full layers.
    between : {"", "window", "gated-deltanet", "mamba2"}
        Mixer of the layers between full ones; empty if all layers are full.
    dense, experts : bool
        Whether some layers have a dense feed-forward, and whether some have experts.
    """

    block: str
    attention: FullKind = "grouped"
    between: Between = ""
    dense: bool = True
    experts: bool = False

    @property
    def widths(self) -> tuple[str, ...]:
        """Names of its widths, of `modelsizer.problems.architecture.choices.WIDTHS`."""
        return (
            *TRUNK,
            *(LATENT if self.attention == "latent" else GROUPED),
            *BETWEEN_WIDTHS[self.between],
            *(DENSE if self.dense else ()),
            *(EXPERTS if self.experts else ()),
        )

    @property
    def words(self) -> str:
        """Its kinds of layer, such as "windows between full layers, experts"."""
        mixer = "latent attention" if self.attention == "latent" else "full attention"
        if self.between:
            between = {"window": "windows", "gated-deltanet": "gated delta nets"}
            mixer = f"{between.get(self.between, self.between)} between layers of {mixer}"
        ffn = "dense"
        if self.experts:
            ffn = "experts after dense layers" if self.dense else "experts"
        return f"{mixer}, {ffn}"

    @property
    def mixers(self) -> int:
        """Number of kinds of mixer: full attention, and what is between if anything is."""
        return 2 if self.between else 1

    @property
    def feed_forwards(self) -> int:
        """Number of kinds of feed-forward."""
        return self.dense + self.experts

    @property
    def kinds_of_layer(self) -> int:
        """Number of kinds of layer."""
        return self.mixers * self.feed_forwards

    def parts(self, widths: Mapping[str, Count], sequence: int) -> tuple[Trunk, tuple[Layer, ...]]:
        """Trunk and kinds of layer; `sequence` positions are learned where the block learns them.

        Parameters
        ----------
        widths : mapping of str to (int or array of shape (W,))
            Of its `widths`; others are ignored.
        sequence : int
        """
        tied = widths["tied_embeddings"]
        trunk = BLOCKS[self.block].trunk(widths["d_model"], widths["vocab_size"], tied, sequence)
        return trunk, self.kinds(widths)

    def kinds(self, widths: Mapping[str, Count]) -> tuple[Layer, ...]:
        """Kinds of layer: full before between, and dense before experts within each.

        Parameters
        ----------
        widths : mapping of str to (int or array of shape (W,))
        """
        block = BLOCKS[self.block]
        full = block.latent(widths) if self.attention == "latent" else block.grouped(widths)
        mixers: list[Mixer] = [full]
        if self.between:
            mixers.append(block.between(self.between, widths))
        ffns: list[FeedForward] = [
            *([block.dense(widths)] if self.dense else []),
            *([block.experts(widths)] if self.experts else []),
        ]
        return tuple(block.layer(mixer, ffn) for mixer in mixers for ffn in ffns)

    def counts(self, layers: Count, full: Count, dense: Count, both: Count) -> tuple[Count, ...]:
        """Numbers of layers of each kind, in the order of `kinds`.

        Parameters
        ----------
        layers, full, dense, both : int or array
            All layers; full ones; dense ones; those that are both, at the same places.
        """
        if self.feed_forwards == 1:
            return (full, layers - full) if self.between else (layers,)
        if not self.between:
            return dense, layers - dense
        return both, full - both, dense - both, layers - full - dense + both

    def totals(self, counts: Sequence[Count]) -> tuple[Count, Count, Count, Count]:
        """All layers, full ones, dense ones and those that are both; the inverse of `counts`."""
        layers = sum(counts)
        if self.feed_forwards == 1:
            full = counts[0]
            return (layers, full, layers, full) if self.dense else (layers, full, 0, 0)
        if not self.between:
            return layers, layers, counts[0], counts[0]
        return layers, counts[0] + counts[1], counts[0] + counts[2], counts[0]


def structure_of(architecture: Architecture) -> Structure:
    """Structure of a design of a space, from its layers."""
    layers = architecture.kinds
    dense = [is_dense(layer) for layer in layers]
    latent = any(isinstance(layer.attention, LatentAttention) for layer in layers)
    between: Between = ""
    for layer in layers:
        if is_windowed(layer):
            between = "window"
        elif isinstance(layer.attention, GatedDeltaNet):
            between = "gated-deltanet"
        elif isinstance(layer.attention, Mamba2):
            between = "mamba2"
    attention: FullKind = "latent" if latent else "grouped"
    return Structure(architecture.block, attention, between, any(dense), not all(dense))


def counts_of(structure: Structure, architecture: Architecture) -> tuple[int, ...]:
    """Numbers of layers of each kind of a design, of its `structure_of`."""
    found = [0] * structure.kinds_of_layer
    for group in architecture.groups:
        second = structure.dense and not is_dense(group.layer)
        found[(0 if is_full(group.layer) else structure.feed_forwards) + second] += group.count
    return tuple(found)


def order_of(
    structure: Structure, counts: Sequence[int], periods: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Group of each layer, first to last, of a design whose groups are the kinds that have layers.

    Full layers are at n, 2n, ... counted from 1, for a period n that gives the counts; if none
    does, they are spread evenly. Dense layers come first.

    Parameters
    ----------
    structure : Structure
    counts : sequence of int
        Layers of each kind.
    periods : sequence of int, optional
        Periods that are tried before the layers are spread, and only then all others from the
        least; without it, all from the least are tried first.

    Returns
    -------
    tuple of int
        Empty if no such order has the counts.
    """
    layers, full, dense, both = (int(n) for n in structure.totals(counts))
    group = np.cumsum([n > 0 for n in counts]) - 1
    orders = _full_layers(layers, full, periods) if structure.between else [[True] * layers]
    for order in orders:
        if sum(order[:dense]) == both:
            found = []
            for i, whole in enumerate(order):
                ffn = 0 if structure.feed_forwards == 1 or i < dense else 1
                kind = (0 if whole else structure.feed_forwards) + ffn
                found.append(int(group[kind]))
            return tuple(found)
    return ()


def _full_layers(layers: int, full: int, periods: Sequence[int] | None) -> Iterator[list[bool]]:
    """Whether each layer is full, in every order with so many full ones."""
    at = range(1, layers + 1)
    for tried in (periods, None):
        near = range(max(1, layers // (full + 1)), layers // max(full, 1) + 1)
        for period in near if tried is None else tried:
            if period and layers // period == full:
                yield [i % period == 0 for i in at]
        yield [i * full // layers > (i - 1) * full // layers for i in at]


def period_of(stack: Sequence[Layer]) -> int | None:
    """Period n of a stack whose full layers are at n, 2n, ...; None if they are elsewhere."""
    full = [is_full(layer) for layer in stack]
    period = full.index(True) + 1 if any(full) else 0
    same = period and full == [i % period == 0 for i in range(1, len(full) + 1)]
    return period if same else None


def is_full(layer: Layer) -> bool:
    """Whether each token of a layer attends to all earlier ones."""
    return isinstance(layer.attention, FullAttention | LatentAttention) and not is_windowed(layer)
