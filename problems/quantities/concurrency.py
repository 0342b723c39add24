"""Users of a serving engine: requests at once, and the tokens that each of them sees a second."""

from __future__ import annotations

from modelsizer.problems.quantities.latency import needs_step
from modelsizer.problems.quantities.quantity import Inverse, LargestBatch, Quantity, Settings
from modelsizer.problems.quantities.training_cost import ACCELERATOR

MOST_REQUESTS = 1_000_000
"""A request that takes no memory has no end of them; more than these are not told apart."""


def _needs_memory(settings: Settings) -> str:
    if settings.serving.device is None:
        return ACCELERATOR.format(table="serving")
    settings.serving.named.figure("memory")  # raises if it is unknown
    return ""


ROWS = (
    Quantity(
        "concurrency",
        "count",
        "requests at once that fit the accelerators and keep the limits",
        LargestBatch(MOST_REQUESTS),
        only="min",
        needs=_needs_memory,
        axis="requests at once",
        heading="requests",
        example=64,
    ),
    Quantity(
        "tokens_per_second_per_user",
        "tokens/s",
        "decode_throughput of each sequence",
        Inverse("decode_latency", lambda _: 1, "one token", reads=()),
        only="min",
        needs=needs_step,
        axis="tokens/s of each user",
        short="user_tokens/s",
        heading="a user",
        example=50,
    ),
)
