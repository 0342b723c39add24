"""Exact accounting of what a server keeps of sequences: the KV cache and states in its place.

Counts are affine in the numbers of layers (`modelsizer.problems.architecture.accounting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Count, Layer, Mixer
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.mixers import mixers

KvPolicy = Literal["windowed", "full"]


def kv_bytes_per_token(
    kinds: Sequence[Layer], kv_bytes: Fraction, latent_multiple: int = 1
) -> Affine:
    """Bytes of KV cache per token."""
    values = tuple(
        sum(held_values(part, latent_multiple) for part in mixers(kind.attention)) for kind in kinds
    )
    return Affine(0 * values[0], values).times(kv_bytes)


def held_values(mixer: Mixer, latent_multiple: int) -> Count:
    """Cached values per token, with a latent padded as engines hold it.

    Parameters
    ----------
    mixer : Mixer
    latent_multiple : int
        Multiple to which the values of a latent and its rotary key are padded.
    """
    values = mixer.kv_values()
    if latent_multiple == 1 or not isinstance(mixer, LatentAttention):
        return values
    return values + -(mixer.kv_lora_rank + mixer.rope_dim) % latent_multiple


def copied(mixer: Mixer, values: Count, tensor_parallel: int) -> Count:
    """Cached values of a mixer on all accelerators together, as in serving engines.

    Each of t accelerators holds one of the kv heads at least, so a cache of fewer heads than t is
    that of t heads. It never falls with a kv head more.

    Parameters
    ----------
    mixer : Mixer
    values : int or array of shape (W,)
        Cached values of all its kv heads; 0 if it has none.
    tensor_parallel : int
    """
    kv_heads = mixer.kv_heads
    missing = (tensor_parallel - kv_heads) * (kv_heads < tensor_parallel)
    return values + values // (kv_heads + (kv_heads == 0)) * missing


def _cached(
    kind: Layer, context: int, policy: KvPolicy, tensor_parallel: int, latent_multiple: int
) -> Count:
    """Values that a layer's cache holds of a sequence, on all accelerators together."""
    total: Count = 0
    for part in mixers(kind.attention):
        tokens = context if policy == "full" else part.visible(context)
        held = held_values(part, latent_multiple)
        total = total + copied(part, held, tensor_parallel) * tokens
    return total


def kv_cache(
    kinds: Sequence[Layer],
    *,
    kv_bytes: Fraction,
    batch: int,
    context: int,
    policy: KvPolicy = "windowed",
    latent_multiple: int = 1,
    prefix: int = 0,
    tensor_parallel: int = 1,
    groups: int = 1,
) -> Affine:
    """Bytes of the whole cache for a batch of contexts, over all accelerators.

    Parameters
    ----------
    kinds : sequence of Layer
        Of integers or arrays of shape (W,).
    kv_bytes : Fraction
        Bytes per cached value.
    batch, context : int
        Number of sequences, and tokens of each.
    policy : {"windowed", "full"}
        Windowed layers hold their window, or the whole context under the policy "full".
    latent_multiple : int
        See `held_values`.
    prefix : int
        Tokens, fewer than `context`, that are the same in all sequences and held once by each
        group, as with vLLM's automatic prefix caching and the radix tree of SGLang (Zheng et al.
        2023, arXiv 2312.07104, section 3), beside what follows of each sequence.
    tensor_parallel : int
        Above kv_heads, each kv head is held ``tensor_parallel / kv_heads`` times, as in serving
        engines (`copied`).
    groups : int
        Groups of accelerators with attention of their own.
    """

    def held(kind: Layer, tokens: int) -> Count:
        return _cached(kind, tokens, policy, tensor_parallel, latent_multiple)

    values = tuple(
        batch * held(kind, context - prefix) + (prefix > 0) * groups * held(kind, prefix)
        for kind in kinds
    )
    return Affine(0 * sum(values), values).times(kv_bytes)


def serving_states(kinds: Sequence[Layer], state_bytes: Fraction, batch: int) -> Affine:
    """Bytes of the states that layers hold per sequence in place of a cache.

    Tensor parallelism splits them evenly.
    """
    values = tuple(kind.attention.state_values() * batch for kind in kinds)
    return Affine(0 * values[0], values).times(state_bytes)
