"""Latency and throughput of serving, each from the maximum of memory time and compute time."""

from __future__ import annotations

import math

from modelsizer.problems.costs.latency import (
    decode_branches,
    first_token_branches,
    prefill_machine,
    step_machine,
)
from modelsizer.problems.costs.pools import pools_link, replica_link
from modelsizer.problems.costs.roofline import PICOSECONDS
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.quantities.cache import CACHED_VALUE
from modelsizer.problems.quantities.quantity import (
    Cost,
    Inverse,
    Quantity,
    Settings,
)
from modelsizer.problems.quantities.serving_memory import STATE, WEIGHT
from modelsizer.problems.quantities.training_cost import ACCELERATOR
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.limits import Bare
from modelsizer.problems.tables.serving import Serving

BRANCHES = ("memory", "compute")
_MACHINE = tuple(
    f"serving.{name}"
    for name in (
        "accelerator",
        "custom_accelerator",
        "tensor_parallel",
        "expert_parallel",
        "attention_data_parallel",
        "expert_imbalance",
        "expert_link",
        "latency",
        "engine",
        "compute",
        "memory_efficiency",
        "prefill_efficiency",
        "overhead",
    )
)
STEP = (*_MACHINE, *WEIGHT, *CACHED_VALUE, STATE, "context_length")
"""Settings that determine the time of a step, but its batch or its prompts."""
PROMPTS = ("serving.prompts", "serving.prompt_length")
PREFILL = (
    *STEP,
    *PROMPTS,
    "serving.prefill",
    "serving.pool_link",
    "serving.kv_policy",
    "serving.latent_multiple",
)
"""Settings that determine the time to a first token, with what is sent between pools."""
DECODE = (*STEP, "serving.batch_size", "serving.speculation")
"""Settings that determine the time of a decode step."""
TOKENS_A_STEP = ("serving.batch_size",)


def needs_step(settings: Settings) -> str:
    """Return the request for a serving accelerator, if none is named.

    Raises
    ------
    UnknownFigureError
        If the accelerator lacks a figure that a decode step takes.
    """
    if settings.serving.device is None:
        return ACCELERATOR.format(table="serving")
    step_machine(settings.serving)
    return ""


def needs_prompts(settings: Settings) -> str:
    """Return the request for a serving accelerator, as `needs_step`, and for its peak."""
    if needs := needs_step(settings):
        return needs
    if settings.serving.prefilling.device is None:
        return ACCELERATOR.format(table="serving.prefill")
    prefill_machine(settings.serving)
    return ""


def needs_first_token(settings: Settings) -> str:
    """Return the request of `needs_prompts`, for a link between pools known too."""
    needs = needs_prompts(settings)
    if not needs and settings.serving.prefill is not None:
        replica_link(settings.serving)
    return needs


def counted(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """Return the most values, FLOPs or bytes that are counted for a picosecond of latency.

    There are more copies of fewer key and value heads, at most one for each accelerator.
    """
    serving = settings.serving
    return max(_counted(serving), _counted_of_prompts(settings))


def _counted_of_prompts(settings: Settings) -> int:
    """`counted` of the pool that prefills and of what it sends; 1 if there is none."""
    serving = settings.serving
    try:
        if serving.prefill is None or needs_first_token(settings):
            return 1
    except UnknownFigureError:
        return 1
    least = min(serving.exact_kv_bytes, serving.exact_state_bytes)
    sent = math.ceil(pools_link(serving) / min(float(least), 1.0) / PICOSECONDS + 1)
    return max(_counted(serving.prefilling), sent)


def _counted(serving: Serving) -> int:
    machine = step_machine(serving)
    least = min(serving.weights.smallest, serving.exact_kv_bytes, serving.exact_state_bytes)
    ways = machine.ways * machine.experts.groups
    values = max(machine.bandwidth, machine.plain) * ways / min(float(least), 1.0)
    peak = getattr(serving.named, f"{serving.compute}_flops") or 0  # above all that is reached
    most = max(values, peak * ways, machine.link, machine.experts.link)
    return math.ceil(most / PICOSECONDS + 1) * ways


def counted_tokens(settings: Settings, layout: Layout) -> int:
    """`counted` for a picosecond of each token of a decode step."""
    return counted(settings, layout) * math.ceil(settings.serving.expected_tokens)


def tokens_a_step(settings: Settings) -> int:
    """Return the tokens that a decode step gives, of all sequences together."""
    return settings.serving.batch_size


_MILLISECONDS = ((math.inf, "{} ms"),)

ROWS = (
    Quantity(
        "decode_latency",
        "seconds",
        "an output token of each sequence: a decoding step of a batch",
        Cost(
            lambda of: decode_branches(
                of.settings.serving,
                of.settings.context_length,
                of.trunk,
                of.kinds,
                present=of.present,
            ),
            reads=(*DECODE, "serving.interference"),
            branches=BRANCHES,
            by_layout=False,
            by_batch=True,
            within=counted_tokens,
        ),
        only="max",
        needs=needs_step,
        axis="decode latency",
        heading="decode",
        bare=Bare(_MILLISECONDS, most=10),  # nobody waits longer for a token
        example="30 ms",
    ),
    Quantity(
        "decode_throughput",
        "tokens/s",
        "batch_size / decode_latency",
        Inverse(
            "decode_latency",
            tokens_a_step,
            "batch_size",
            reads=TOKENS_A_STEP,
        ),
        only="min",
        needs=needs_step,
        axis="decode throughput",
        short="decode_tokens/s",
        example=1000,
    ),
    Quantity(
        "prefill_latency",
        "seconds",
        "time to the first token of a prompt",
        Cost(
            lambda of: first_token_branches(
                of.settings.serving, of.settings.context_length, of.trunk, of.kinds
            ),
            reads=PREFILL,
            branches=BRANCHES,
            by_layout=False,
            within=counted,
        ),
        only="max",
        needs=needs_first_token,
        axis="time to first token",
        heading="prefill",
        bare=Bare(_MILLISECONDS, most=1000),  # a million tokens of context take minutes
        example="500 ms",
    ),
)
