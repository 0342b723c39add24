"""What drafts tokens for a model to verify: its weights and its cache.

A module for multi-token prediction is one layer of the model's own, with a projection of 2 d_model
to d_model and norms of the two inputs and of its output; it shares embedding and head with the
model (DeepSeek-V3, arXiv 2412.19437, section 2.2). Of several kinds of layer it is the one that
costs most. One module drafts all tokens, one after another, as engines use the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.serving import Serving

_INPUTS = 2  # of the module: the hidden state of a token, and the embedding of the next
_NORMS = 3  # one for each, and one before the head


@dataclass(frozen=True, slots=True)
class Draft:
    """A model that drafts tokens, or the module that a kind of layer would make.

    Parameters
    ----------
    trunk : Trunk
        Embedding and head.
    layers : sequence of Layer
    counts : sequence of int
        Number of layers of each kind.
    apart : bool
        Whether it has embedding and head of its own.
    there : bool or array of shape (W,)
        Whether the model has layers of the kind.
    """

    trunk: Trunk
    layers: Sequence[Layer]
    counts: Sequence[int]
    apart: bool
    there: Any = True

    def whole(self, cost: Affine) -> Count:
        """A cost of the draft over its denominator."""
        layers = zip(cost.per_layer, self.counts, strict=True)
        return sum((each * n for each, n in layers), cost.base)

    def held(self, cost: Affine) -> Count:
        """The same without what the draft shares with the model."""
        return self.whole(cost) - cost.base * (not self.apart)


def module(layer: Layer, d_model: Count) -> Layer:
    """The module for multi-token prediction that a kind of layer makes."""
    return replace(
        layer,
        shared=False,
        norms=layer.norms + _NORMS,
        extra_weights=layer.extra_weights + _INPUTS * d_model * d_model,
    )


def drafts(
    serving: Serving, trunk: Trunk, kinds: Sequence[Layer], present: Sequence[Any] = ()
) -> list[Draft]:
    """What may draft tokens, of which the costliest does; empty without speculation.

    Parameters
    ----------
    serving : Serving
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind; empty if there are of all.
    """
    if serving.drafting is None:
        return []
    if (model := serving.drafting.draft) is not None:
        layers = [group.layer for group in model.groups]
        return [Draft(model.trunk, layers, [group.count for group in model.groups], True)]
    return [
        Draft(trunk, [module(kind, trunk.d_model)], [1], False, there)
        for kind, there in zip(kinds, present or [True] * len(kinds), strict=True)
    ]


def costliest(costs: Iterable[tuple[Count, Any]]) -> Count:
    """The largest of the costs of drafts, each with whether it is there."""
    most: Count = 0
    for cost, there in costs:
        most = most + (cost - most) * ((cost > most) & there)
    return most


def draft_weights(
    serving: Serving, trunk: Trunk, kinds: Sequence[Layer], present: Sequence[Any] = ()
) -> Affine:
    """Bytes of the draft's weights on all accelerators, whatever the number of layers."""
    return _held(
        [
            (
                draft,
                accounting.serving_weights(
                    draft.trunk, draft.layers, serving.weights, serving.groups
                ),
            )
            for draft in drafts(serving, trunk, kinds, present)
        ],
        trunk,
        kinds,
    )


def draft_cache(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    present: Sequence[Any] = (),
    *,
    batch: int | None = None,
) -> Affine:
    """Bytes of the draft's cache and states on all accelerators, for a batch of contexts.

    The batch is that of the largest group, in each of them, unless it is given.
    """
    prefix = serving.prefix_of(context) if batch is None else 0
    batch = serving.held_batch if batch is None else batch

    def held(draft: Draft) -> Affine:
        sequences = batch + (serving.prefixes if prefix else 0)
        states = accounting.serving_states(draft.layers, serving.exact_state_bytes, sequences)
        return accounting.serving_cache(
            draft.trunk,
            draft.layers,
            kv_bytes=serving.exact_kv_bytes,
            batch=batch,
            context=context,
            policy=serving.kv_policy,
            tensor_parallel=serving.tensor_parallel,
            latent_multiple=serving.latent_multiple,
            prefix=prefix,
            groups=serving.groups,
        ).plus(states)

    every = drafts(serving, trunk, kinds, present)
    return _held([(draft, held(draft)) for draft in every], trunk, kinds)


def _held(found: Sequence[tuple[Draft, Affine]], trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """The largest of the costs of drafts, all over one denominator."""
    none = 0 * trunk.d_model
    over = {cost.denominator for _, cost in found} or {1}
    assert len(over) == 1, "bytes of the same formats"
    most = costliest((draft.held(cost), draft.there) for draft, cost in found)
    return Affine(none + most, tuple(none for _ in kinds), over.pop())
