"""Where the parameters and the FLOPs of an architecture go: by component, by layer, by context.

The counts and conventions are those of `modelsizer.problems.architecture.accounting`: scores and
values are full, not causally halved, a window caps them, and training is three forward passes,
nothing recomputed. The parts add up exactly to what
`modelsizer.problems.architecture.describing.describe` gives for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from modelsizer.problems.architecture.accounting import (
    FLOPS_PER_WEIGHT,
    TRAINING_PASSES,
    Parameters,
    count_parameters,
    forward_flops,
    layer_parameters,
)
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.describing import (
    architecture_dict,
    groups_list,
    parameters_dict,
)

HELD = ("embedding", "attention", "ffn", "norm", "other", "lm_head")
"""Components that parameters add up from, in the order of a forward pass."""
SPENT = ("attention_projections", "scores", "ffn", "head")
"""Components that FLOPs add up from, in the order of a forward pass."""
_OF_A_LAYER = ("total", "active", "attention", "ffn", "experts", "norm")


@dataclass(frozen=True, slots=True)
class ForwardFlops:
    """Forward FLOPs for each token by component.

    Parameters
    ----------
    attention_projections : int
        Queries, keys, values and output, and the latents between them.
    scores : int
        Queries times keys and scores times values, full.
    ffn : int
        Feed-forward: routers, shared experts and the active routed ones.
    head : int
        The output head, tied or not, and what joins an embedding of another width. 0 in a layer.
    """

    attention_projections: int
    scores: int
    ffn: int
    head: int = 0

    @property
    def total(self) -> int:
        """All components."""
        return self.attention_projections + self.scores + self.ffn + self.head

    @property
    def training(self) -> int:
        """Forward and backward."""
        return TRAINING_PASSES * self.total

    def to_dict(self) -> dict[str, int]:
        """Components and total."""
        return {name: getattr(self, name) for name in SPENT} | {"total": self.total}


@dataclass(frozen=True, slots=True)
class LayerAllocation:
    """One layer of a group; a group has `count` of them.

    Parameters
    ----------
    group : int
        Index in `Architecture.groups`.
    count : int
    parameters : Parameters
        Its embedding and head are 0.
    forward : tuple of ForwardFlops
        At each context of the allocation.
    """

    group: int
    count: int
    parameters: Parameters
    forward: tuple[ForwardFlops, ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """An architecture's parameters and FLOPs, by component.

    Parameters
    ----------
    architecture : Architecture
    contexts : tuple of int
        Tokens that a token attends to.
    parameters : Parameters
    layers : tuple of LayerAllocation
        One for each group of layers.
    forward : tuple of ForwardFlops
        Of the whole architecture, at each context.
    scores_outweigh_ffn, scores_outweigh_rest : int or None
        Least context at which scores take more FLOPs than the feed-forward, and than everything
        else together; None where windows cap the scores below that at any context.
    """

    architecture: Architecture
    contexts: tuple[int, ...]
    parameters: Parameters
    layers: tuple[LayerAllocation, ...]
    forward: tuple[ForwardFlops, ...]
    scores_outweigh_ffn: int | None
    scores_outweigh_rest: int | None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        groups = groups_list(self.architecture)
        return {
            "architecture": architecture_dict(self.architecture) | {"groups": groups},
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
    """FLOPs of a layer, which has no head."""
    return {name: value for name, value in flops.to_dict().items() if name != "head"}


def held_parts(parameters: Parameters) -> dict[str, int]:
    """Parameters by the components of `HELD`, which add up to the total."""
    return {name: int(getattr(parameters, name)) for name in HELD}


def active_parts(parameters: Parameters) -> dict[str, int]:
    """Parameters that one token uses, by the same components; they add up to `active`.

    Only routed experts are held and not used.
    """
    held = held_parts(parameters)
    return held | {"ffn": held["ffn"] - (parameters.total - parameters.active)}


def allocate(architecture: Architecture, contexts: Sequence[int] = ()) -> Allocation:
    """Parameters and FLOPs by component, in total and for each layer.

    Parameters
    ----------
    architecture : Architecture
        Any: several groups of layers, windows, latent attention, mixtures of experts.
    contexts : sequence of int
        Tokens that a token attends to, itself among them.

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
            _layer_parts(group.layer, architecture.trunk),
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


def _layer_parts(layer: Layer, trunk: Trunk) -> Parameters:
    d = trunk.d_model
    attention, ffn = layer.attention.parameters(d), layer.ffn.parameters(d)
    total = layer_parameters(layer, trunk)
    active = total - ffn + layer.ffn.active_parameters(d)
    experts = layer.ffn.expert_parameters(d)
    return Parameters(0, 0, attention, ffn, total - attention - ffn, active, experts)


def _layer_flops(layer: Layer, trunk: Trunk, context: int) -> ForwardFlops:
    d, attention = trunk.d_model, layer.attention
    return ForwardFlops(
        FLOPS_PER_WEIGHT * attention.matmul_weights(d),
        attention.score_flops(attention.visible(context)),
        FLOPS_PER_WEIGHT * layer.ffn.matmul_weights(d),
    )


def whole_flops(architecture: Architecture, context: int) -> ForwardFlops:
    """Forward FLOPs for each token of the whole architecture at a context, by component."""
    each = [(g.count, _layer_flops(g.layer, architecture.trunk, context))
            for g in architecture.groups]  # fmt: skip
    return ForwardFlops(
        sum(count * flops.attention_projections for count, flops in each),
        sum(count * flops.scores for count, flops in each),
        sum(count * flops.ffn for count, flops in each),
        forward_flops(architecture.trunk, (), context).base,  # what no layer adds to
    )


def _least_context(architecture: Architecture, rest: Callable[[ForwardFlops], int]) -> int | None:
    """Least context at which scores exceed `rest`, which no context changes.

    Scores never fall as the context grows, so the least is found by halving. A layer that sees the
    whole context spends at least one FLOP for each token of it: at a context of `rest` + 1 tokens
    one such layer is enough. If scores are not above `rest` there, every layer is at its window.
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
