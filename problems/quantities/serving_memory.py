"""Memory per accelerator in serving: weights, KV cache and states."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.held import held_cache, held_states
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.quantities.cache import CACHED, CACHED_VALUE
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.quantities.training_cost import ACCELERATOR
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.limits import MEMORY
from modelsizer.problems.tables.serving import Serving

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
    settings = of.settings
    return _held(of, settings.serving, settings.context_length, settings.prefix)


def _of_prefill(of: Candidate) -> Affine:
    """Memory of an accelerator of the pool that prefills: the cache is of prompts in flight."""
    serving = of.settings.serving
    prefilling = serving.prefilling.model_copy({"batch_size": serving.prompts, "prefix_reuse": 0})
    return _held(of, prefilling, serving.prompt_length or of.settings.context_length, 0)


def _held(of: Candidate, serving: Serving, context: int, prefix: int) -> Affine:
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


def _prefill_copies(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    return settings.serving.prefilling.tensor_parallel


def _needs_pool(settings: Settings) -> str:
    serving = settings.serving
    if serving.prefill is not None:
        return ""
    if serving.device is None:
        return ACCELERATOR.format(table="serving")
    return "accelerators of its own: write [serving.prefill]"


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
        example="80 GB",
    ),
    Quantity(
        "prefill_memory",
        "bytes",
        "weights and prompts in flight of an accelerator that prefills",
        Cost(
            _of_prefill,
            reads=(
                *CACHED_VALUE,
                *WEIGHT,
                STATE,
                "serving.latent_multiple",
                "serving.kv_policy",
                "serving.speculation",
                "serving.prefill",
                "serving.prompts",
                "serving.prompt_length",
                "context_length",
            ),
            by_layout=False,
            within=_prefill_copies,
        ),
        only="max",
        needs=_needs_pool,
        axis="memory of each prefilling accelerator",
        heading="prefilling",
        bare=MEMORY,
        example="80 GB",
    ),
)
