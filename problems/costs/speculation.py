"""What drafts tokens for a model to verify: its weights and its cache.

A module for multi-token prediction is one layer of the model's own, with a projection of 2 d_model
to d_model and norms of the two inputs and of its output; it shares embedding and head with the
model (DeepSeek-V3, arXiv 2412.19437, section 2.2). Of several kinds of layer it is the one that
costs most. One module drafts all tokens, one after another, as engines use the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.caching import serving_states
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.costs.held import held_cache
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.serving import Serving

_INPUTS = 2  # of the module: the hidden state of a token, and the embedding of the next
_NORMS = 3  # one for each, and one before the head


@dataclass(frozen=True, slots=True)
class Draft:
    """What drafts tokens: a model, or the costliest of the modules that kinds of layer make.

    Parameters
    ----------
    trunk : Trunk
        Embedding and head; those of a module are the model's.
    layers : sequence of Layer
        Kinds of layer of the draft; or a module for each kind of the model.
    counts : sequence of int, optional
        Number of layers of each kind; None for modules, of which one drafts.
    there : sequence of (bool or array of shape (W,))
        Of modules, whether the model has layers of the kind.
    """

    trunk: Trunk
    layers: Sequence[Layer]
    counts: Sequence[int] | None
    there: Sequence[Any] = ()

    def of_layers(self, cost: Affine) -> Count:
        """A cost of the draft's layers over its denominator."""
        total: Count = 0
        if self.counts is not None:
            return sum(
                (each * n for each, n in zip(cost.per_layer, self.counts, strict=True)), total
            )
        for each, there in zip(cost.per_layer, self.there, strict=True):
            total = total + (each - total) * ((each > total) & there)
        return total

    def held(self, cost: Affine) -> Count:
        """The same with embedding and head if the draft has its own."""
        return self.of_layers(cost) + (0 if self.counts is None else cost.base)


def module(layer: Layer, d_model: Count) -> Layer:
    """The module for multi-token prediction that a kind of layer makes."""
    return replace(
        layer,
        shared=False,
        norms=layer.norms + _NORMS,
        extra_weights=layer.extra_weights + _INPUTS * d_model * d_model,
    )


def draft_of(
    serving: Serving, trunk: Trunk, kinds: Sequence[Layer], present: Sequence[Any] = ()
) -> Draft | None:
    """What drafts tokens; None without speculation.

    Parameters
    ----------
    serving : Serving
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind; empty if there are of all.
    """
    if serving.drafting is None:
        return None
    if (model := serving.drafting.draft) is not None:
        layers = model.kinds
        return Draft(model.trunk, layers, model.counts)
    modules = [module(kind, trunk.d_model) for kind in kinds]
    return Draft(trunk, modules, None, present or [True] * len(kinds))


def draft_weights(
    serving: Serving, trunk: Trunk, kinds: Sequence[Layer], present: Sequence[Any] = ()
) -> Affine:
    """Bytes of the draft's weights on all accelerators, whatever the number of layers."""
    draft = draft_of(serving, trunk, kinds, present)
    if draft is None:
        return _constant(0, trunk, kinds)
    held = accounting.serving_weights(draft.trunk, draft.layers, serving.weights, serving.groups)
    return _constant(draft.held(held), trunk, kinds, held.denominator)


def draft_cache(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    present: Sequence[Any] = (),
    *,
    batch: int | None = None,
    prefix: int = 0,
) -> Affine:
    """Bytes of the draft's cache and states on all accelerators, for a batch of contexts.

    The batch is that of the largest group, in each of them, unless it is given; a `prefix` that all
    share is held once in each group.
    """
    draft = draft_of(serving, trunk, kinds, present)
    if draft is None:
        return _constant(0, trunk, kinds)
    batch = serving.held_batch if batch is None else batch
    shared = serving.groups * (prefix > 0)
    states = serving_states(draft.layers, serving.exact_state_bytes, batch + shared)
    held = held_cache(serving, draft.layers, context, prefix, batch).plus(states)
    return _constant(draft.held(held), trunk, kinds, held.denominator)


def _constant(value: Count, trunk: Trunk, kinds: Sequence[Layer], over: int = 1) -> Affine:
    """A cost that no number of layers changes."""
    none = 0 * trunk.d_model
    return Affine(none + value, tuple(none for _ in kinds), over)
