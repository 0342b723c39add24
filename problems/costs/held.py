"""What serving keeps of its requests on all accelerators together: cache and states.

Affine in the numbers of layers; see `modelsizer.problems.architecture.caching`.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer
from modelsizer.problems.architecture.caching import kv_cache, serving_states
from modelsizer.problems.tables.serving import Serving


def held_cache(
    serving: Serving, kinds: Sequence[Layer], context: int, prefix: int, batch: int | None = None
) -> Affine:
    """Bytes of the cache, with the copies that tensor parallelism and groups make.

    Parameters
    ----------
    serving : Serving
    kinds : sequence of Layer
        Of integers or arrays of shape (W,).
    context, prefix : int
        Tokens of each request, and those of them that all requests share.
    batch : int, optional
        Requests; by default those that all groups together have memory for.
    """
    return kv_cache(
        kinds,
        kv_bytes=serving.exact_kv_bytes,
        batch=serving.held_batch if batch is None else batch,
        context=context,
        policy=serving.kv_policy,
        latent_multiple=serving.latent_multiple,
        prefix=prefix,
        tensor_parallel=serving.tensor_parallel,
        groups=serving.groups,
    )


def held_states(serving: Serving, kinds: Sequence[Layer]) -> Affine:
    """Bytes of the states, one after the shared prefix in each group among them."""
    batch = serving.held_batch + serving.prefixes
    return serving_states(kinds, serving.exact_state_bytes, batch)
