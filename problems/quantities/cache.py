"""Memory of the KV cache in serving."""

from __future__ import annotations

from modelsizer.problems.architecture import caching
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, as_large
from modelsizer.problems.tables.limits import MEMORY

CACHED_VALUE = tuple(
    f"serving.{name}" for name in ("kv_bytes", "kv_bits", "kv_block", "scale_bytes")
)
"""Settings that determine the bytes of a cached value."""
_PADDED = "serving.latent_multiple"
CACHED = (
    *CACHED_VALUE,
    _PADDED,
    "serving.batch_size",
    "serving.kv_policy",
    "serving.prefix_reuse",
    "context_length",
)
"""Settings that determine the bytes of the cache."""


def _cache(of: Candidate) -> Affine:
    serving = of.settings.serving
    return caching.kv_cache(
        of.kinds,
        kv_bytes=serving.exact_kv_bytes,
        batch=serving.batch_size,
        context=of.settings.context_length,
        policy=serving.kv_policy,
        latent_multiple=serving.latent_multiple,
        prefix=of.settings.prefix,
    )


def _of_a_token(of: Candidate) -> Affine:
    serving = of.settings.serving
    return caching.kv_bytes_per_token(of.kinds, serving.exact_kv_bytes, serving.latent_multiple)


ROWS = (
    Quantity(
        "kv_cache",
        "bytes",
        "whole cache: batch_size x context_length tokens",
        Cost(_cache, reads=CACHED, by_layout=False, by_batch=True, within=as_large),
        axis="KV cache",
        bare=MEMORY,
        heading="KV",
        example="16 GiB",
    ),
    Quantity(
        "kv_bytes_per_token",
        "bytes",
        "cache of one token",
        Cost(_of_a_token, reads=(*CACHED_VALUE, _PADDED), by_layout=False, within=as_large),
        axis="KV cache of a token",
        short="kv_bytes",  # of which a few hundred can be meant: no limit is refused
        heading="KV/token",
        example="128 kB",
    ),
)
