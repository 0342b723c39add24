"""The time of a decode step and of a prefill, affine in the layers.

A step moves its bytes and computes its FLOPs, each at the share of the peak that engines reach. On
the roofline (Williams et al. 2009, doi 10.1145/1498765.1498785) it takes the longer of the two;
steps that engines were measured at take about the sum (docs/predictions.md). Beside these it takes
an overhead per layer (launches, synchronisation), with an engine a time for each sequence of the
batch (scheduling, sampling, text) and for each value that is handed to an expert, and under tensor
parallelism an all-reduce after each mixer and each feed-forward (Shoeybi et al. 2019, arXiv
1909.08053, section 3), a ring that moves 2 (n - 1) / n times its bytes over the link, plus a
latency. Where groups of accelerators share the experts, tokens are sent to them and back
(`modelsizer.problems.costs.sharding`).

Times are whole picoseconds, with each coefficient rounded separately, so that single
architectures, tables of them and all solvers agree to the unit. A step takes at least one, so that
a throughput is finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import (
    Affine,
    forward_flops,
    score_flops,
)
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.caching import copied
from modelsizer.problems.architecture.mixers import Count, mixers, whole
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.costs.sharding import Sharding
from modelsizer.problems.hardware.efficiencies import MOST_EIGHT
from modelsizer.problems.records import dataclass

PICOSECONDS = 10**12
STATE_PASSES = 2  # a state is read and written in every step
ACTIVATION_BYTES = 2
CONVERTED = Fraction(MOST_EIGHT, 8)
"""Bytes of a weight, of 8 bits each, up to which a kernel converts it before it multiplies."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware that runs a step, with its efficiencies already applied.

    Parameters
    ----------
    bandwidth : float
        Bytes/s of one accelerator's memory, in reading its matrices.
    flops : float
        FLOP/s of one accelerator.
    score_flops : float
        FLOP/s of one accelerator in scores and values, which engines compute in bf16 whatever the
        precision of the matrices.
    ways : int
        Tensor parallelism.
    link : float
        Bytes/s between accelerators, one way; unused if `ways` is 1.
    link_latency, overhead : float
        Seconds per all-reduce, and per layer.
    mixture : float
        Further seconds per layer with routed experts.
    sequence : float
        Seconds per sequence of a step.
    routed_value : float
        Seconds per value that is handed to an expert.
    adds : bool
        Whether a step takes the sum of moving and computing, not the longer of the two.
    experts : Sharding
        How routed experts and requests are divided over groups of accelerators.
    tokens : float
        Tokens that a sequence gets of a step, in expectation: times are for one of them.
    plain_bandwidth : float or None
        Bytes/s of what no kernel converts: the cache, states, and weights of 16 bits; `bandwidth`
        if None.
    """

    bandwidth: float
    flops: float
    score_flops: float
    ways: int
    link: float
    link_latency: float
    overhead: float
    mixture: float = 0.0
    sequence: float = 0.0
    routed_value: float = 0.0
    adds: bool = False
    experts: Sharding = Sharding()
    tokens: float = 1.0
    plain_bandwidth: float | None = None

    @property
    def plain(self) -> float:
        """Bytes/s of what no kernel converts, with the default filled in."""
        return self.bandwidth if self.plain_bandwidth is None else self.plain_bandwidth

    def moving(self, each: Fraction | float) -> float:
        """Seconds in which all ways move a byte of weights of so many bytes."""
        reached = self.plain if each > CONVERTED else self.bandwidth
        return 1 / (reached * self.ways)

    @property
    def per_token(self) -> Machine:
        """The machine on which a step takes what it takes here for each token."""
        if self.tokens == 1:
            return self
        n = self.tokens
        return replace(
            self,
            bandwidth=self.bandwidth * n,
            plain_bandwidth=self.plain * n,
            flops=self.flops * n,
            score_flops=self.score_flops * n,
            link=self.link * n,
            link_latency=self.link_latency / n,
            overhead=self.overhead / n,
            mixture=self.mixture / n,
            sequence=self.sequence / n,
            routed_value=self.routed_value / n,
            experts=replace(self.experts, link=self.experts.link * n),
            tokens=1.0,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What a step does, in picoseconds.

    Parameters
    ----------
    memory, compute : Affine
        Moving its bytes, and computing its FLOPs.
    overhead : Affine
        What each layer takes, whatever its widths.
    sequences : Affine
        What grows with the sequences alone: one by one, and by the values handed to experts.
    communication : Affine
        All-reduces of tensor parallelism, and tokens sent to experts and back.
    """

    memory: Affine
    compute: Affine
    overhead: Affine
    sequences: Affine
    communication: Affine

    def plus(self, base: Callable[[str], Count]) -> Step:
        """The step with more of each part, by its name, whatever the number of layers."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        return Step(
            **{name: Affine(part.base + base(name), part.per_layer) for name, part in parts.items()}
        )

    def branches(self, *, adds: bool) -> tuple[Affine, Affine]:
        """Seconds of which a step takes the larger.

        Parameters
        ----------
        adds : bool
            Whether it takes the sum of moving and computing: all is then in the first, and the
            second is idle, a picosecond.
        """
        beside = (self.overhead, self.sequences, self.communication)
        if adds:
            total = _together(self.memory, self.compute, *beside)
            idle = Affine(0 * total.base, tuple(0 * each for each in total.per_layer))
            return total, _together(idle)
        return _together(self.memory, *beside), _together(self.compute, *beside)


def _together(*parts: Affine) -> Affine:
    """Seconds of parts in picoseconds; the constant is at least one."""
    base = sum(part.base for part in parts)
    layers = zip(*(part.per_layer for part in parts), strict=True)
    return Affine(base + (base < 1), tuple(sum(each) for each in layers), PICOSECONDS)


def time_of(values: Any, seconds_each: float) -> Any:
    """Convert values to whole picoseconds, identically for integers and arrays.

    Times may exceed 64 bits, so an array of Python integers (dtype object) gives such an array. An
    array of int64 gives int64: `Cost.within` makes sure that its times fit.
    """
    return whole(np.asarray(values).astype(np.float64) * (seconds_each * PICOSECONDS), values)


def _beside(
    machine: Machine, trunk: Trunk, kinds: Sequence[Layer], sequences: int, tokens: int
) -> tuple[Affine, Affine, Affine]:
    """Picoseconds of overhead, of sequences, and of all-reduces."""
    d, overhead = trunk.d_model, time_of(1, machine.overhead)
    fixed: list[Any] = [overhead for _ in kinds]
    handed: list[Any] = [0 for _ in kinds]
    sent: list[Any] = [0 for _ in kinds]
    for i, kind in enumerate(kinds):
        if machine.mixture:
            fixed[i] = overhead + time_of(1, machine.mixture) * (kind.ffn.expert_matrices(d) > 0)
        if machine.routed_value:
            each = tokens * machine.experts.imbalance * machine.routed_value
            handed[i] = time_of(kind.ffn.handed_values(d), each)
        if machine.ways > 1:
            sent[i] = _all_reduces(machine, trunk, kind, tokens)
        if machine.experts.groups > 1:
            sent[i] = sent[i] + _all_to_all(machine, kind, d, tokens)
    one_by_one = time_of(sequences, machine.sequence)
    return Affine(0, tuple(fixed)), Affine(one_by_one, tuple(handed)), Affine(0, tuple(sent))


def _computing(
    machine: Machine,
    trunk: Trunk,
    kinds: Sequence[Layer],
    context: int,
    own: int,
    shared: int,
    *,
    outside: int,
    cached: bool,
) -> Affine:
    """Picoseconds of computing `own` tokens of a group, and the `shared` ones of all in experts.

    Those `outside` pass the head.
    """
    flops = forward_flops(trunk, kinds, context, cached=cached)
    each, experts = 1 / (machine.flops * machine.ways), machine.experts
    layers = []
    for kind, total in zip(kinds, flops.per_layer, strict=True):
        rest, time = total, 0
        if not experts.plain:
            routed = experts.routed_flops(kind, trunk.d_model)
            time = time_of(routed, shared * experts.imbalance / experts.groups * each)
            rest = rest - routed
        if machine.score_flops != machine.flops:
            scores = score_flops(kind, context, cached=cached)
            time = time + time_of(scores, own / (machine.score_flops * machine.ways))
            rest = rest - scores
        layers.append(time_of(rest, own * each) + time)
    return Affine(time_of(flops.base, outside * each), tuple(layers))


def _all_reduces(machine: Machine, trunk: Trunk, kind: Layer, tokens: int) -> Any:
    """Picoseconds of the all-reduces of a layer."""
    share = 2 * (machine.ways - 1) / machine.ways
    moved = time_of(trunk.d_model, kind.inputs * tokens * ACTIVATION_BYTES * share / machine.link)
    return moved + time_of(1, kind.inputs * machine.link_latency)


def _all_to_all(machine: Machine, kind: Layer, d_model: Count, tokens: int) -> Any:
    """Picoseconds of sending the tokens of a group to experts of all groups, and back.

    Each accelerator of the group sends an equal part of them.
    """
    experts = machine.experts
    each = tokens / machine.ways * experts.imbalance * experts.leaving * experts.sent_bytes
    starts = time_of(1, 2 * machine.link_latency) * (kind.ffn.expert_matrices(d_model) > 0)
    return time_of(experts.sent_values(kind, d_model), each / experts.link) + starts


_Reads = tuple[Any, Fraction, int]
"""Weights, the bytes of each, and the groups of accelerators that share in reading them."""


def _moving(reads: Sequence[_Reads], machine: Machine) -> Any:
    """Picoseconds of reading weights; those of one format are read together."""
    together: dict[tuple[Fraction, int], Any] = {}
    for weights, each, groups in reads:
        how = each, groups
        together[how] = together[how] + weights if how in together else weights
    return sum(
        time_of(weights, float(each / groups) * machine.moving(each))
        for (each, groups), weights in together.items()
    )


def _layer_reads(
    kind: Layer, trunk: Trunk, tokens: int, formats: WeightFormat, sharding: Sharding
) -> list[_Reads]:
    """Weights of a layer that a step with this many tokens reads.

    All groups together read those of the experts.
    """
    d = trunk.d_model
    experts = kind.ffn.read_experts(d, tokens)
    ffn = kind.ffn.matrix_parameters(d) - kind.ffn.expert_matrices(d)
    attention = kind.attention.matmul_weights(d)
    router = kind.ffn.router_weights(d)
    rest = kind.attention.read_weights(d) - attention + kind.extra_weights - router
    return [
        (attention, formats.attention, 1),
        (ffn, formats.ffn, 1),
        (sharding.read_experts(kind, d, tokens), formats.experts, sharding.groups),
        (router, formats.router, 1),
        (kind.ffn.read_weights(d, tokens) - ffn - experts + rest, formats.other, 1),
    ]


def _outer_reads(trunk: Trunk, formats: WeightFormat) -> list[_Reads]:
    """Weights that a step reads for its logits; a tied head is the embedding."""
    head, tied = trunk.head_weights(), trunk.tied_embeddings * int(trunk.head == "lm")
    return [
        (head * (1 - tied), formats.head, 1),
        (head * tied + trunk.projections(), formats.embedding, 1),
        (0 * head + trunk.extra_weights, formats.other, 1),
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
    positions: int = 1,
) -> Step:
    """One decode step of a batch.

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
    positions : int
        Tokens of each sequence that the step computes: 1, or one more than it verifies. The cache
        and the states of a sequence are read once for all of them.
    """
    machine = machine.per_token
    sequences, tokens = machine.experts.of_group(batch), batch * positions
    own = sequences * positions
    moved = 1 / (machine.plain * machine.ways)
    memory = []
    for kind in kinds:
        cached = sum(
            copied(part, part.read_values(context), machine.ways) * sequences
            for part in mixers(kind.attention)
        )
        memory.append(
            _moving(_layer_reads(kind, trunk, tokens, formats, machine.experts), machine)
            + time_of(cached, kv_bytes * moved)
            + time_of(_state_passes(kind, sequences), state_bytes * moved)
        )
    return Step(
        Affine(_moving(_outer_reads(trunk, formats), machine), tuple(memory)),
        _computing(machine, trunk, kinds, context, own, tokens, outside=own, cached=True),
        *_beside(machine, trunk, kinds, sequences, own),
    )


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
) -> Step:
    """The step to the first token of a batch of prompts; see `decode`.

    Scores are full, not causally halved; the head is applied to the last token only.
    """
    prompts, tokens = machine.experts.of_group(batch), batch * prompt
    moved = 1 / (machine.plain * machine.ways)
    memory = (
        _moving(_layer_reads(kind, trunk, tokens, formats, machine.experts), machine)
        + time_of(_state_passes(kind, prompts), state_bytes * moved)
        for kind in kinds
    )
    return Step(
        Affine(_moving(_outer_reads(trunk, formats), machine), tuple(memory)),
        _computing(
            machine, trunk, kinds, prompt, prompts * prompt, tokens, outside=prompts, cached=False
        ),
        *_beside(machine, trunk, kinds, prompts, prompts * prompt),
    )
