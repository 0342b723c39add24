"""Latency and throughput of serving under the settings of a problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.costs import roofline
from modelsizer.problems.costs.roofline import Machine
from modelsizer.problems.hardware import efficiencies as efficiency
from modelsizer.problems.tables.serving import Estimate, Serving

_BITS = 8


def decode_machine(serving: Serving) -> Machine:
    """The machine that runs a decode step.

    Raises
    ------
    UnknownFigureError
        If a needed figure of the accelerator is unknown.
    """
    device = serving.named
    used = efficiency.decode(device, float(serving.weights.matrix) * _BITS, serving.engine)
    share = serving.memory_efficiency
    return Machine(
        device.figure("bandwidth") * (used.bandwidth if share is None else float(share)),
        _flops(serving),
        serving.tensor_parallel,
        float(device.figure("link")) if serving.tensor_parallel > 1 else 1.0,
        efficiency.link_latency(),
        used.overhead if serving.overhead is None else float(serving.overhead),
    )


def prefill_machine(serving: Serving) -> Machine:
    """The machine that runs a prefill; see `decode_machine`."""
    used = efficiency.prefill(serving.compute)
    overhead = used.overhead if serving.overhead is None else float(serving.overhead)
    return replace(decode_machine(serving), overhead=overhead)


def _flops(serving: Serving) -> float:
    share = serving.prefill_efficiency
    used = efficiency.prefill(serving.compute).bandwidth if share is None else float(share)
    return serving.named.figure(f"{serving.compute}_flops") * used


def decode_branches(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
) -> tuple[Affine, ...]:
    """Memory-bound and compute-bound seconds of a decode step.

    Parameters
    ----------
    serving : Serving
    context : int
        Tokens of each sequence in the cache.
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    estimate : {"low", "expected", "high"}, optional
        `serving.latency` by default.
    """
    parts = roofline.decode(
        trunk,
        kinds,
        decode_machine(serving),
        batch=serving.batch_size,
        context=context,
        formats=serving.weights,
        kv_bytes=float(serving.exact_kv_bytes),
        state_bytes=float(serving.exact_state_bytes),
    )
    spread = efficiency.decode_spread(serving.named)
    return _spread(parts, getattr(spread, estimate or serving.latency))


def prefill_branches(
    serving: Serving,
    context: int,
    trunk: Trunk,
    kinds: Sequence[Layer],
    estimate: Estimate | None = None,
) -> tuple[Affine, ...]:
    """Memory-bound and compute-bound seconds to the first token; see `decode_branches`."""
    parts = roofline.prefill(
        trunk,
        kinds,
        prefill_machine(serving),
        batch=serving.prompts,
        prompt=serving.prompt_length or context,
        formats=serving.weights,
        state_bytes=float(serving.exact_state_bytes),
    )
    return _spread(parts, getattr(efficiency.prefill_spread(), estimate or serving.latency))


def _spread(parts: tuple[Affine, ...], factor: float) -> tuple[Affine, ...]:
    if factor == 1:
        return parts
    exactly = Fraction(repr(factor))
    return tuple(part.times(exactly) for part in parts)
