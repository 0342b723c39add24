"""Two pools of accelerators: what is sent between them, and how many replicas each has.

A prompt's cache and states are sent when its prefill is done. Engines overlap much of that with
computing (Splitwise, arXiv 2311.18677); here a prompt takes its prefill, and then all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.caching import kv_cache, serving_states
from modelsizer.problems.costs.roofline import PICOSECONDS, time_of
from modelsizer.problems.tables.serving import Serving


def replicas(serving: Serving) -> tuple[int, int]:
    """Replicas of the model that prefill, and that decode; 1 and 1 without pools."""
    if serving.prefill is None or serving.decode is None:
        return 1, 1
    prefilling = serving.prefilling.replica
    return prefilling_devices(serving) // prefilling, decoding_devices(serving) // serving.replica


def prefilling_devices(serving: Serving) -> int:
    """Accelerators of the pool that prefills."""
    assert serving.prefill is not None and serving.prefill.accelerators is not None
    return int(serving.prefill.accelerators)


def decoding_devices(serving: Serving) -> int:
    """Accelerators of the pool that decodes."""
    assert serving.decode is not None and serving.decode.accelerators is not None
    return int(serving.decode.accelerators)


def _links(serving: Serving) -> tuple[float, float]:
    """Bytes/s of an accelerator that prefills, and of one that decodes.

    Raises
    ------
    UnknownFigureError
        If a link that is not given is unknown.
    """
    if serving.pool_link is not None:
        return float(serving.pool_link), float(serving.pool_link)
    prefilling = serving.prefilling
    return float(prefilling.named.figure("link")), float(serving.named.figure("link"))


def replica_link(serving: Serving) -> float:
    """Bytes/s between a replica that prefills and one that decodes."""
    sent, received = _links(serving)
    return min(sent * serving.prefilling.replica, received * serving.replica)


def pools_link(serving: Serving) -> float:
    """Bytes/s between all accelerators of both pools."""
    sent, received = _links(serving)
    return min(sent * prefilling_devices(serving), received * decoding_devices(serving))


def transfer(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    link: float,
    prompts: int = 1,
) -> Affine:
    """Seconds in which the cache and the states of prompts are sent.

    Parameters
    ----------
    serving : Serving
    context : int
        Length of a prompt, if none is given.
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    link : float
        Bytes/s.
    prompts : int
    """
    cached = kv_cache(
        kinds,
        kv_bytes=Fraction(1),
        batch=prompts,
        context=serving.prompt_length or context,
        policy=serving.kv_policy,
        latent_multiple=serving.latent_multiple,
    )
    states = serving_states(kinds, Fraction(1), prompts)
    layers = (
        time_of(values, float(serving.exact_kv_bytes) / link)
        + time_of(held, float(serving.exact_state_bytes) / link)
        for values, held in zip(cached.per_layer, states.per_layer, strict=True)
    )
    return Affine(0 * trunk.d_model, tuple(layers), PICOSECONDS)
