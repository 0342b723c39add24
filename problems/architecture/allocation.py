"""Parameters and FLOPs of an architecture by component, layer and context.

Counts and conventions are those of `modelsizer.problems.architecture.accounting`: scores and
values are full, not causally halved, and capped by windows; training is three forward passes
without recomputation. The parts sum exactly to the totals of
`modelsizer.problems.architecture.describing.describe`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelsizer.problems.architecture.accounting import (
    FLOPS_PER_WEIGHT,
    TRAINING_PASSES,
    Parameters,
    count_parameters,
    forward_flops,
    layer_parts,
    score_flops,
)
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.describing import parameters_dict, whole_architecture
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled

HELD = ("embedding", "attention", "ffn", "norm", "other", "lm_head")
"""Components that sum to the parameters, in the order of a forward pass."""
SPENT = ("attention_projections", "scores", "states", "ffn", "other", "head")
"""Components that sum to the FLOPs, in the order of a forward pass."""
_OF_A_LAYER = ("total", "active", "attention", "ffn", "experts", "norm", "other")


@dataclass(frozen=True, slots=True)
class ForwardFlops:
    """Forward FLOPs per token by component.

    Parameters
    ----------
    attention_projections : int
        Projections of every mixer: queries, keys, values and output, including latents.
    scores : int
        Queries times keys and scores times values, full.
    ffn : int
        Feed-forward: routers, shared experts and the active routed ones.
    head : int
        The output head, tied or not, and projections of an embedding of another width. 0 in a
        layer.
    states : int
        Convolutions and recurrences of mixers that hold a state.
    other : int
        Further weights of a layer.
    """

    attention_projections: int
    scores: int
    ffn: int
    head: int = 0
    states: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """Sum of all components."""
        return sum(getattr(self, name) for name in SPENT)

    @property
    def training(self) -> int:
        """FLOPs of the forward and backward pass."""
        return TRAINING_PASSES * self.total

    def to_dict(self) -> dict[str, int]:
        """Components and total as a mapping."""
        return {name: getattr(self, name) for name in SPENT} | {"total": self.total}


@dataclass(frozen=True, slots=True)
class LayerAllocation:
    """One of the `count` equal layers of a group.

    Parameters
    ----------
    group : int
        Index in `Architecture.groups`.
    count : int
    parameters : Parameters
        Parameters of one layer; embedding and head are 0.
    forward : tuple of ForwardFlops
        FLOPs at each context of the allocation.
    """

    group: int
    count: int
    parameters: Parameters
    forward: tuple[ForwardFlops, ...]


@dataclass(frozen=True, slots=True)
class Allocation(Tabled, Drawn):
    """An architecture's parameters and FLOPs, by component.

    Parameters
    ----------
    architecture : Architecture
    contexts : tuple of int
        Number of tokens that a token attends to.
    parameters : Parameters
    layers : tuple of LayerAllocation
        One for each group of layers.
    forward : tuple of ForwardFlops
        FLOPs of the whole architecture at each context.
    scores_outweigh_ffn, scores_outweigh_rest : int or None
        Least context at which scores take more FLOPs than the feed-forward, and than everything
        else together; None if windows cap the scores below that at any context.
    """

    architecture: Architecture
    contexts: tuple[int, ...]
    parameters: Parameters
    layers: tuple[LayerAllocation, ...]
    forward: tuple[ForwardFlops, ...]
    scores_outweigh_ffn: int | None
    scores_outweigh_rest: int | None

    def _words(self) -> str:
        contexts = ", ".join(f"{context:,}" for context in self.contexts)
        return f"of {self.architecture!r} at contexts of {contexts}"

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        return {
            "architecture": whole_architecture(self.architecture),
            "parameters": parameters_dict(self.parameters),
            "active_parameters": active_parts(self.parameters),
            "layers": [
                {
                    "group": layer.group,
                    "count": layer.count,
                    "parameters": {
                        name: int(getattr(layer.parameters, name)) for name in _OF_A_LAYER
                    },
                    "flops_per_token": [
                        {"context": context} | _inside(flops)
                        for context, flops in zip(self.contexts, layer.forward, strict=True)
                    ],
                }
                for layer in self.layers
            ],
            "contexts": [
                {"context": c, "forward": flops.to_dict(), "training_total": flops.training}
                for c, flops in zip(self.contexts, self.forward, strict=True)
            ],
            "scores_outweigh": {
                "feed_forward": self.scores_outweigh_ffn,
                "everything_else": self.scores_outweigh_rest,
            },
        }


def _inside(flops: ForwardFlops) -> dict[str, int]:
    """FLOPs of a layer as a mapping, without the head."""
    return {name: value for name, value in flops.to_dict().items() if name != "head"}


def total_parts(parameters: Parameters) -> dict[str, int]:
    """Parameters by the components of `HELD`, which sum to the total."""
    return {name: int(getattr(parameters, name)) for name in HELD}


def active_parts(parameters: Parameters) -> dict[str, int]:
    """Parameters used by one token, by the components of `HELD`; they sum to `active`.

    Only routed experts are held without being used.
    """
    held = total_parts(parameters)
    return held | {"ffn": held["ffn"] - (parameters.total - parameters.active)}


def allocate(architecture: Architecture, contexts: Sequence[int] = ()) -> Allocation:
    """Compute parameters and FLOPs by component, in total and for each layer.

    Parameters
    ----------
    architecture : Architecture
        Any architecture: several groups of layers, windows, latent attention, mixtures of experts.
    contexts : sequence of int
        Numbers of tokens that a token attends to, including itself.

    Raises
    ------
    ValueError
        If a context is not positive.
    """
    for context in contexts:
        if context < 1:
            raise ValueError(f"context must be at least 1 token, got {context!r}")
    layers = tuple(
        LayerAllocation(
            index,
            group.count,
            layer_parts(group.layer, architecture.trunk),
            tuple(_layer_flops(group.layer, architecture.trunk, c) for c in contexts),
        )
        for index, group in enumerate(architecture.groups)
    )
    return Allocation(
        architecture,
        tuple(contexts),
        count_parameters(architecture),
        layers,
        tuple(whole_flops(architecture, c) for c in contexts),
        _least_context(architecture, lambda flops: flops.ffn),
        _least_context(architecture, lambda flops: flops.total - flops.scores),
    )


def _layer_flops(layer: Layer, trunk: Trunk, context: int) -> ForwardFlops:
    d = trunk.d_model
    return ForwardFlops(
        FLOPS_PER_WEIGHT * layer.attention.matmul_weights(d),
        score_flops(layer, context),
        FLOPS_PER_WEIGHT * layer.ffn.matmul_weights(d),
        states=layer.attention.state_flops(),
        other=FLOPS_PER_WEIGHT * layer.extra_weights + layer.extra_flops,
    )


def whole_flops(architecture: Architecture, context: int) -> ForwardFlops:
    """Forward FLOPs per token of the whole architecture at a context, by component."""
    each = [(g.count, _layer_flops(g.layer, architecture.trunk, context))
            for g in architecture.groups]  # fmt: skip
    parts = {name: sum(count * getattr(flops, name) for count, flops in each) for name in SPENT}
    parts["head"] = forward_flops(architecture.trunk, (), context).base  # outside the layers
    return ForwardFlops(**parts)


def _least_context(architecture: Architecture, rest: Callable[[ForwardFlops], int]) -> int | None:
    """Least context at which scores exceed `rest`, which does not depend on the context.

    Scores do not decrease with the context, so bisection finds it. A layer with full attention
    takes at least one FLOP per token of the context, so a context of `rest` + 1 tokens suffices if
    there is one. If scores do not exceed `rest` there, every layer has reached its window or has
    none.
    """
    threshold = rest(whole_flops(architecture, 1))
    low, high = 1, threshold + 1
    if whole_flops(architecture, high).scores <= threshold:
        return None
    while low < high:
        middle = (low + high) // 2
        if whole_flops(architecture, middle).scores > threshold:
            high = middle
        else:
            low = middle + 1
    return low
