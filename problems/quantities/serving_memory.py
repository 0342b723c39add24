"""Memory per accelerator in serving: weights, KV cache and states."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.held import held_cache, held_states
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.quantities.cache import CACHED
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.limits import MEMORY

STATE = "serving.state_bytes"
WEIGHT = tuple(
    f"serving.{name}"
    for name in ("weight_bytes", "weight_bits", "embedding_bits", "weight_block", "scale_bytes")
)
"""Settings that determine the bytes of a weight."""
WAYS = tuple(
    f"serving.{name}"
    for name in ("accelerators", "tensor_parallel", "expert_parallel", "attention_data_parallel")
)
"""Settings that determine which accelerators hold what, and how many there are."""


def _memory(of: Candidate) -> Affine:
    serving = of.settings.serving
    context, prefix = of.settings.context_length, of.settings.prefix
    held = accounting.serving_weights(of.trunk, of.kinds, serving.weights, serving.groups)
    held = held.plus(held_cache(serving, of.kinds, context, prefix))
    held = held.plus(held_states(serving, of.kinds))
    if serving.drafting is not None:
        model = of.trunk, of.kinds, of.present
        held = held.plus(draft_weights(serving, *model))
        held = held.plus(draft_cache(serving, context, *model, prefix=prefix))
    return held.times(Fraction(1, serving.devices))


def _copies(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    return settings.serving.tensor_parallel  # fewer kv_heads have more copies each


ROWS = (
    Quantity(
        "serving_memory",
        "bytes",
        "weights and cache of an accelerator",
        Cost(
            _memory,
            reads=(*CACHED, STATE, *WEIGHT, *WAYS, "serving.speculation"),
            by_layout=False,
            by_batch=True,
            within=_copies,
        ),
        axis="serving memory per accelerator",
        heading="serving",
        bare=MEMORY,
    ),
)
