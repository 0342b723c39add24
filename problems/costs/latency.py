"""Latency and throughput of serving under the settings of a problem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Count, Layer, Trunk
from modelsizer.problems.costs import roofline
from modelsizer.problems.costs.pools import replica_link, transfer
from modelsizer.problems.costs.roofline import ACTIVATION_BYTES, Machine, Step
from modelsizer.problems.costs.sharding import Sharding
from modelsizer.problems.costs.speculation import draft_of
from modelsizer.problems.hardware import efficiencies as efficiency
from modelsizer.problems.hardware.efficiencies import Reached
from modelsizer.problems.tables.serving import Estimate, Serving
from modelsizer.problems.units import exact

_BITS = 8
SCORES = "bf16"
"""Precision of scores and values: kernels of engines compute them in 16 bits (FlashAttention-2,
arXiv 2307.08691), also where matrices are in fp8 or fp4."""


def _reached(serving: Serving, precision: str) -> Reached:
    formats = serving.weights
    return efficiency.decode(
        serving.named,
        serving.served_by,
        weight_bits=float(formats.matrix) * _BITS,
        expert_bits=float(formats.experts) * _BITS,
        precision=precision,
    )


def _own(share: float | None, otherwise: float) -> float:
    return otherwise if share is None else float(share)


def decode_machine(serving: Serving) -> Machine:
    """The machine that runs a decode step; see `step_machine`."""
    return replace(step_machine(serving), tokens=float(serving.expected_tokens))


def step_machine(serving: Serving) -> Machine:
    """The machine that runs a decode step without speculation.

    Decoding is bound by bandwidth, so one whose peak is unknown computes in no time.

    Raises
    ------
    UnknownFigureError
        If bandwidth, or a link that is needed, is unknown.
    """
    # The batch, which may be an array, changes nothing of it.
    return _step_machine(serving.model_copy({"batch_size": 1}))


@lru_cache(maxsize=256)  # every cost of every table of designs asks
def _step_machine(serving: Serving) -> Machine:
    device, reached = serving.named, _reached(serving, serving.compute)
    scores = _reached(serving, SCORES)
    return Machine(
        bandwidth=device.figure("bandwidth") * _own(serving.memory_efficiency, reached.bandwidth),
        plain_bandwidth=device.figure("bandwidth") * _own(serving.memory_efficiency, reached.plain),
        flops=(_known_peak(serving) or math.inf)
        * _own(serving.prefill_efficiency, reached.compute),
        score_flops=(serving.named.bf16_flops or _known_peak(serving) or math.inf)
        * _own(serving.prefill_efficiency, scores.compute),
        ways=serving.tensor_parallel,
        link=float(device.figure("link")) if serving.tensor_parallel > 1 else 1.0,
        link_latency=efficiency.link_latency(),
        overhead=_own(serving.overhead, reached.overhead),
        mixture=reached.mixture,
        sequence=reached.sequence,
        routed_value=reached.routed_value,
        adds=reached.adds,
        experts=_sharding(serving),
    )


def _sharding(serving: Serving) -> Sharding:
    """How requests and experts are divided; bytes per value as kernels send them.

    A token is sent in 8 bits where experts compute in 8 or fewer, and comes back in 16
    (DeepSeek-V3, arXiv 2412.19437, section 3.2.2; deepseek-ai/DeepEP, README).
    """
    if serving.groups == 1:
        link = 1.0
    elif serving.expert_link is not None:
        link = float(serving.expert_link)
    else:
        link = float(serving.named.figure("link"))
    return Sharding(
        serving.groups,
        serving.expert_parallel,
        serving.expert_slices,
        float(serving.expert_imbalance) if serving.expert_parallel > 1 else 1.0,
        link,
        ACTIVATION_BYTES + (ACTIVATION_BYTES if serving.compute == "bf16" else 1),
    )


def prefill_machine(serving: Serving) -> Machine:
    """The machine that runs a prefill, whose peak must be known; see `decode_machine`."""
    serving = serving.prefilling
    share, overhead = efficiency.prefill(serving.compute)
    scores, _ = efficiency.prefill(SCORES)
    decoding = step_machine(serving)
    return Machine(
        decoding.bandwidth,
        _peak(serving) * _own(serving.prefill_efficiency, share),
        _score_peak(serving) * _own(serving.prefill_efficiency, scores),
        decoding.ways,
        decoding.link,
        decoding.link_latency,
        _own(serving.overhead, overhead),
        experts=decoding.experts,
        plain_bandwidth=decoding.plain,
    )


def _peak(serving: Serving) -> float:
    return serving.named.figure(f"{serving.compute}_flops")


def _known_peak(serving: Serving) -> float | None:
    known: float | None = getattr(serving.named, f"{serving.compute}_flops")
    return known


def _score_peak(serving: Serving) -> float:
    """The peak of scores and values; that of the matrices where the accelerator lacks it."""
    known = serving.named.bf16_flops
    return _peak(serving) if known is None else known


def decode_step(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    machine: Machine | None = None,
    present: Sequence[Any] = (),
) -> Step:
    """One decode step of the batch, whatever the estimate, for each token that it gives.

    With speculation the step drafts tokens, verifies them and one more, and gives a sequence
    `serving.expected_tokens`.

    Parameters
    ----------
    serving : Serving
    context : int
        Tokens of each sequence in the cache.
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    machine : Machine, optional
        `decode_machine` by default.
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind, of which the costliest drafts; empty if there are of
        all.
    """
    machine = machine or decode_machine(serving)

    def step(trunk: Trunk, kinds: Sequence[Layer], machine: Machine, positions: int) -> Step:
        return roofline.decode(
            trunk,
            kinds,
            machine,
            batch=serving.batch_size,
            context=context,
            formats=serving.weights,
            kv_bytes=float(serving.exact_kv_bytes),
            state_bytes=float(serving.exact_state_bytes),
            positions=positions,
        )

    draft = draft_of(serving, trunk, kinds, present)
    if serving.drafting is None or draft is None:
        return step(trunk, kinds, machine, 1)
    length = serving.drafting.length
    alone = replace(machine, sequence=0.0)  # what a sequence takes is of the whole step
    drafted = step(draft.trunk, draft.layers, alone, 1)

    def of_drafts(part: str) -> Count:
        cost: Affine = getattr(drafted, part)
        return length * (cost.base + draft.of_layers(cost))

    return step(trunk, kinds, machine, length + 1).plus(of_drafts)


def decode_branches(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
    present: Sequence[Any] = (),
) -> tuple[Affine, ...]:
    """Seconds of which a token of a decode step takes the larger.

    Parameters
    ----------
    serving, context, trunk, kinds, present
        See `decode_step`.
    estimate : {"low", "expected", "high"}, optional
        `serving.latency` by default.
    """
    parts = decoding(serving, context, trunk, kinds, estimate, present)
    slower = _slower(serving)
    return parts if slower == 1 else tuple(part.times(slower) for part in parts)


def decoding(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
    present: Sequence[Any] = (),
) -> tuple[Affine, ...]:
    """`decode_branches` without the time that goes to prompts of others."""
    machine = decode_machine(serving)
    step = decode_step(serving, context, trunk, kinds, machine, present)
    return _spread(step.branches(adds=machine.adds), _decode_spread(serving, estimate))


def _slower(serving: Serving) -> Fraction:
    """Time of a step over that of its decoding: prompts of others take the rest.

    Where chunks of prompts are computed in the steps of decoding (Sarathi-Serve, Agrawal et al.
    2024, arXiv 2403.02310, section 4), a step takes their time too.
    """
    return 1 / (1 - exact(serving.interference))


def decode_factor(serving: Serving, estimate: Estimate | None = None) -> float:
    """Measured over predicted time of a decode step, at an estimate, with prompts of others."""
    return float(exact(_decode_spread(serving, estimate)) * _slower(serving))


def _decode_spread(serving: Serving, estimate: Estimate | None = None) -> float:
    """Measured over predicted time of a decode step, at an estimate."""
    spread = efficiency.decode_spread(serving.named, serving.served_by, serving.tensor_parallel)
    return float(getattr(spread, estimate or serving.latency))


def prefill_step(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    machine: Machine | None = None,
) -> Step:
    """The step to the first token, of a replica of the pool that prefills; see `decode_step`."""
    serving = serving.prefilling
    return roofline.prefill(
        trunk,
        kinds,
        machine or prefill_machine(serving),
        batch=serving.prompts,
        prompt=serving.prompt_length or context,
        formats=serving.weights,
        state_bytes=float(serving.exact_state_bytes),
    )


def prefill_branches(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
) -> tuple[Affine, ...]:
    """Seconds of which the step to the first token takes the larger; see `decode_branches`."""
    machine = prefill_machine(serving)
    step = prefill_step(serving, context, trunk, kinds, machine)
    return _spread(step.branches(adds=machine.adds), prefill_factor(serving, estimate))


def first_token_branches(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
) -> tuple[Affine, ...]:
    """`prefill_branches`, and with two pools the time in which the cache is sent after it."""
    steps = prefill_branches(serving, context, trunk, kinds, estimate)
    if serving.prefill is None:
        return steps
    moved = transfer(serving, context, trunk, kinds, replica_link(serving), serving.prompts)
    return tuple(step.plus(moved) for step in steps)


def prefill_factor(serving: Serving, estimate: Estimate | None = None) -> float:
    """Measured over predicted time to a first token, at an estimate."""
    return float(getattr(efficiency.prefill_spread(), estimate or serving.latency))


def _spread(parts: tuple[Affine, ...], factor: float) -> tuple[Affine, ...]:
    if factor == 1:
        return parts
    exactly = Fraction(repr(factor))
    return tuple(part.times(exactly) for part in parts)
