"""Rooflines of serving: the time of a decode step and of a prefill, affine in the layers.

A step takes the longer of moving its bytes and computing its FLOPs (Williams et al. 2009,
doi 10.1145/1498765.1498785), each at the share of the peak that engines reach, plus an overhead
per layer (launches, synchronisation) and, under tensor parallelism, an all-reduce after each
mixer and each feed-forward (Shoeybi et al. 2019, arXiv 1909.08053, section 3), a ring that moves
2 (n - 1) / n times its bytes over the link, plus a latency.

Times are whole picoseconds, with each coefficient rounded separately, so that single
architectures, tables of them and all solvers agree to the unit. A step takes at least one, so that
a throughput is finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import Affine, copied, forward_flops
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.mixers import Count, mixers, whole
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.records import dataclass

PICOSECONDS = 10**12
STATE_PASSES = 2  # a state is read and written in every step
ACTIVATION_BYTES = 2


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware that runs a step, with its efficiencies already applied.

    Parameters
    ----------
    bandwidth : float
        Bytes/s of one accelerator's memory.
    flops : float
        FLOP/s of one accelerator.
    ways : int
        Tensor parallelism.
    link : float
        Bytes/s between accelerators, one way; unused if `ways` is 1.
    link_latency, overhead : float
        Seconds per all-reduce, and per layer.
    """

    bandwidth: float
    flops: float
    ways: int
    link: float
    link_latency: float
    overhead: float


def _time(values: Any, seconds_each: float) -> Any:
    """Convert values to whole picoseconds, identically for integers and arrays.

    Times may exceed 64 bits, so an array of Python integers (dtype object) gives such an array. An
    array of int64 gives int64: `Cost.within` makes sure that its times fit.
    """
    return whole(np.asarray(values).astype(np.float64) * (seconds_each * PICOSECONDS), values)


def _fixed(machine: Machine, trunk: Trunk, kind: Layer, tokens: int) -> Any:
    """Picoseconds per layer, whatever its widths: overhead and all-reduces."""
    time = _time(0 * trunk.d_model + 1, machine.overhead)
    if machine.ways == 1:
        return time
    share = 2 * (machine.ways - 1) / machine.ways
    moved = _time(trunk.d_model, kind.inputs * tokens * ACTIVATION_BYTES * share / machine.link)
    return time + moved + _time(0 * trunk.d_model + 1, kind.inputs * machine.link_latency)


def _steps(base: tuple[Any, Any], layers: Sequence[tuple[Any, Any]]) -> tuple[Affine, Affine]:
    """Memory-bound and compute-bound times."""
    memory, compute = zip(*layers, strict=True) if layers else ((), ())
    return (
        Affine(_some(base[0]), tuple(memory), PICOSECONDS),
        Affine(_some(base[1]), tuple(compute), PICOSECONDS),
    )


def _some(time: Any) -> Any:
    """A time, at least one picosecond."""
    return time + (time < 1)


def _moving(reads: Sequence[tuple[Any, Fraction]], moved: float) -> Any:
    """Picoseconds of reading weights; those of one format are read together."""
    together: dict[Fraction, Any] = {}
    for weights, each in reads:
        together[each] = together[each] + weights if each in together else weights
    return sum(_time(weights, float(each) * moved) for each, weights in together.items())


def _layer_reads(
    kind: Layer, trunk: Trunk, tokens: int, formats: WeightFormat
) -> list[tuple[Any, Fraction]]:
    """Weights of a layer that a step with this many tokens reads, with the bytes of each."""
    d = trunk.d_model
    experts = kind.ffn.read_experts(d, tokens)
    ffn = kind.ffn.matrix_parameters(d) - kind.ffn.expert_matrices(d)
    attention = kind.attention.matmul_weights(d)
    rest = kind.attention.read_weights(d) - attention + kind.extra_weights
    return [
        (attention, formats.attention),
        (ffn, formats.ffn),
        (experts, formats.experts),
        (kind.ffn.read_weights(d, tokens) - ffn - experts + rest, formats.other),
    ]


def _outer_reads(trunk: Trunk, formats: WeightFormat) -> list[tuple[Any, Fraction]]:
    """Weights that a step reads for its logits; a tied head is the embedding."""
    head, tied = trunk.head_weights(), trunk.tied_embeddings * int(trunk.head == "lm")
    return [
        (head * (1 - tied), formats.head),
        (head * tied + trunk.projections(), formats.embedding),
        (0 * head + trunk.extra_weights, formats.other),
    ]


def decode(
    trunk: Trunk,
    kinds: Sequence[Layer],
    machine: Machine,
    *,
    batch: int,
    context: int,
    formats: WeightFormat,
    kv_bytes: float,
    state_bytes: float,
) -> tuple[Affine, Affine]:
    """Memory-bound and compute-bound seconds of one decode step of a batch.

    Parameters
    ----------
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    machine : Machine
    batch, context : int
        Number of sequences, and cached tokens of each.
    formats : WeightFormat
        Bytes per weight.
    kv_bytes, state_bytes : float
        Bytes per cached value, and per value of a state.

    Returns
    -------
    memory, compute : Affine
        The step takes the longer of the two.
    """
    moved = 1 / (machine.bandwidth * machine.ways)
    computed = batch / (machine.flops * machine.ways)
    flops = forward_flops(trunk, kinds, context, cached=True)
    layers = []
    for kind, of_token in zip(kinds, flops.per_layer, strict=True):
        cached = sum(
            copied(part, part.read_values(context), machine.ways) * batch
            for part in mixers(kind.attention)
        )
        memory = (
            _moving(_layer_reads(kind, trunk, batch, formats), moved)
            + _time(cached, kv_bytes * moved)
            + _time(_state_passes(kind, batch), state_bytes * moved)
        )
        fixed = _fixed(machine, trunk, kind, batch)
        layers.append((memory + fixed, _time(of_token, computed) + fixed))
    base = _moving(_outer_reads(trunk, formats), moved), _time(flops.base, computed)
    return _steps(base, layers)


def _state_passes(kind: Layer, batch: int) -> Count:
    """Values of the states that a step reads and writes."""
    return STATE_PASSES * batch * kind.attention.state_values()


def prefill(
    trunk: Trunk,
    kinds: Sequence[Layer],
    machine: Machine,
    *,
    batch: int,
    prompt: int,
    formats: WeightFormat,
    state_bytes: float,
) -> tuple[Affine, Affine]:
    """Memory-bound and compute-bound seconds to the first token of a batch of prompts.

    Scores are full, not causally halved; the head is applied to the last token only.
    """
    tokens = batch * prompt
    moved = 1 / (machine.bandwidth * machine.ways)
    computed = 1 / (machine.flops * machine.ways)
    flops = forward_flops(trunk, kinds, prompt)
    layers = []
    for kind, of_token in zip(kinds, flops.per_layer, strict=True):
        memory = _moving(_layer_reads(kind, trunk, tokens, formats), moved) + _time(
            _state_passes(kind, batch), state_bytes * moved
        )
        fixed = _fixed(machine, trunk, kind, tokens)
        layers.append((memory + fixed, _time(of_token, tokens * computed) + fixed))
    base = _moving(_outer_reads(trunk, formats), moved), _time(flops.base, batch * computed)
    return _steps(base, layers)
