"""Positions of decode and prefill on the roofline of an accelerator.

A step with some FLOPs and bytes has arithmetic intensity FLOPs / bytes and attains FLOPs / time;
no step attains more than the roof, min(peak FLOP/s, intensity x bandwidth) (Williams et al. 2009,
doi 10.1145/1498765.1498785). FLOPs, bytes and times are those of
`modelsizer.problems.costs.roofline`; `Point.seconds` is exactly the number that budgets on
`decode_latency` and `prefill_latency` limit.

What else a step takes (overheads, sequences, all-reduces) adds to the longer of moving and
computing, or to their sum with an engine whose steps take that; all are multiplied by the spread
if `serving.latency` is not "expected". A point therefore lies below the roof at the efficiencies
by the share of its time that is not the longer of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.costs.latency import (
    decode_branches,
    decode_factor,
    decode_machine,
    decode_step,
    prefill_branches,
    prefill_factor,
    prefill_machine,
    prefill_step,
)
from modelsizer.problems.costs.roofline import PICOSECONDS, Machine, Step
from modelsizer.problems.designs.costs import costs
from modelsizer.problems.designs.standalone import served_as_stored
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.units import exact

Phase = Literal["decode", "prefill"]
BATCHES = (1, 4, 16, 64, 256)
"""Batch sizes of decode shown besides the problem's own."""
_HELD = ("serving_memory", "kv_cache")


@dataclass(frozen=True, slots=True)
class Roof:
    """Limits on the speed of a step on one accelerator.

    Parameters
    ----------
    device : str
    precision : {"bf16", "fp8", "fp4"}
        Precision of the matrix multiplications.
    ways : int
        Number of accelerators that share each step (tensor parallelism).
    peak_flops, peak_bandwidth : float
        Data-sheet FLOP/s and bytes/s.
    flops, bandwidth : float
        FLOP/s and bytes/s at the efficiencies used for latencies; FLOP/s of a prefill where an
        engine reaches fewer in decoding.
    """

    device: str
    precision: str
    ways: int
    peak_flops: float
    peak_bandwidth: float
    flops: float
    bandwidth: float

    @property
    def ridge(self) -> float:
        """FLOPs/byte above which a step is compute-bound, at the efficiencies."""
        return self.flops / self.bandwidth

    @property
    def peak_ridge(self) -> float:
        """FLOPs/byte above which a step is compute-bound, by the data sheet."""
        return self.peak_flops / self.peak_bandwidth

    def at(self, intensity: float) -> float:
        """FLOP/s attainable by a step of this intensity, at the efficiencies."""
        return min(self.flops, intensity * self.bandwidth)


@dataclass(frozen=True, slots=True)
class Point:
    """One step of one design.

    Parameters
    ----------
    phase : {"decode", "prefill"}
    batch : int
        Sequences in the step: one token of each in decode, a whole prompt of each in prefill.
    tokens : int
        Tokens of each sequence: cached in decode, computed in prefill.
    flops, bytes_moved : float
        Totals over all accelerators that share the step.
    memory_seconds, compute_seconds : float
        Seconds of moving the bytes and of computing the FLOPs.
    overhead_seconds : float
        What each layer takes, whatever its widths.
    sequence_seconds : float
        What grows with the sequences alone.
    communication_seconds : float
        All-reduces.
    seconds : float
        Seconds of the step.
    adds : bool
        Whether moving and computing add; otherwise the longer of them counts.
    ways : int
        Number of accelerators that share the step.
    fits : bool or None
        For decode, whether weights and cache of this batch satisfy their limits and fit the memory
        that the device reports; None if neither is known.
    """

    phase: Phase
    batch: int
    tokens: int
    flops: float
    bytes_moved: float
    memory_seconds: float
    compute_seconds: float
    overhead_seconds: float
    sequence_seconds: float
    communication_seconds: float
    seconds: float
    adds: bool
    ways: int
    fits: bool | None = None

    @property
    def intensity(self) -> float:
        """FLOPs/byte."""
        return self.flops / self.bytes_moved

    @property
    def attained(self) -> float:
        """FLOP/s per accelerator, including overheads."""
        return self.flops / self.seconds / self.ways

    @property
    def parts(self) -> tuple[float, ...]:
        """Seconds of moving, computing, overhead, sequences and all-reduces."""
        return (self.memory_seconds, self.compute_seconds, self.overhead_seconds,
                self.sequence_seconds, self.communication_seconds)  # fmt: skip

    @property
    def beside_seconds(self) -> float:
        """Seconds of neither moving nor computing."""
        return self.overhead_seconds + self.sequence_seconds + self.communication_seconds

    @property
    def bound(self) -> Literal["memory", "compute"]:
        """Whether moving bytes or computing takes longer."""
        return "memory" if self.memory_seconds >= self.compute_seconds else "compute"


@dataclass(frozen=True, slots=True)
class DesignPoints:
    """One design on the roofline: decode at the problem's batch and at others, and prefill."""

    name: str
    decode: Point
    prefill: Point
    batches: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Roofline:
    """A roof and the designs below it."""

    roof: Roof
    designs: tuple[DesignPoints, ...]


def roofline_points(
    problem: Problem, designs: Mapping[str, Architecture], batches: Sequence[int] = BATCHES
) -> Roofline | None:
    """Positions of designs on the roofline of the accelerator that serves them.

    Parameters
    ----------
    problem : Problem
    designs : mapping of str to Architecture
        Designs by the names to show.
    batches : sequence of int
        Batch sizes of decode, besides the problem's own.

    Returns
    -------
    Roofline or None
        None if the problem does not set what the model is served from, or its peak is unknown.
    """
    if problem.lacks("prefill_latency"):
        return None
    serving = problem.serving
    machine, device = decode_machine(serving), serving.named
    roof = Roof(
        device.name,
        serving.compute,
        machine.ways,
        float(device.figure(f"{serving.compute}_flops")),
        float(device.figure("bandwidth")),
        max(machine.flops, prefill_machine(serving).flops),
        max(machine.bandwidth, machine.plain),
    )
    wanted = sorted({*batches, serving.batch_size})
    found = []
    for name, architecture in designs.items():
        asked = served_as_stored(problem, architecture)
        decodes = {batch: _decode(asked, architecture, batch) for batch in wanted}
        found.append(
            DesignPoints(
                name,
                decodes[serving.batch_size],
                _prefill(asked, architecture),
                tuple(decodes.values()),
            )
        )
    return Roofline(roof, tuple(found))


def _decode(problem: Problem, architecture: Architecture, batch: int) -> Point:
    serving = problem.serving.model_copy(update={"batch_size": batch})
    trunk, context = architecture.trunk, problem.context_length
    kinds = architecture.kinds

    machine = decode_machine(serving)
    point = _point(
        "decode",
        batch,
        context,
        architecture,
        lambda machine: decode_step(serving, context, trunk, kinds, machine),
        machine,
        decode_branches(serving, context, trunk, kinds),
        decode_factor(serving),
    )
    return replace(point, fits=_fits(problem, serving, architecture))


def _prefill(problem: Problem, architecture: Architecture) -> Point:
    serving, trunk, context = problem.serving, architecture.trunk, problem.context_length
    kinds = architecture.kinds
    return _point(
        "prefill",
        serving.prompts,
        serving.prompt_length or context,
        architecture,
        lambda machine: prefill_step(serving, context, trunk, kinds, machine),
        prefill_machine(serving),
        prefill_branches(serving, context, trunk, kinds),
        prefill_factor(serving),
    )


def _counting(machine: Machine) -> Machine:
    """A machine on which picoseconds equal bytes and FLOPs, so that `roofline` counts them."""
    each = PICOSECONDS / machine.ways
    return replace(machine, bandwidth=each, plain_bandwidth=each, flops=each, score_flops=each)


def _point(
    phase: Phase,
    batch: int,
    tokens: int,
    architecture: Architecture,
    step: Callable[[Machine], Step],
    machine: Machine,
    branches: Sequence[Affine],
    spread: float,
) -> Point:
    """A point from what a step does; the larger of `branches` is the time in budgets."""
    layers = architecture.counts
    counted, timed = step(_counting(machine)), step(machine)

    def seconds(part: Affine) -> float:
        return float(part.at(layers) * exact(spread) / PICOSECONDS)

    return Point(
        phase,
        batch,
        tokens,
        flops=float(counted.compute.at(layers)),
        bytes_moved=float(counted.memory.at(layers)),
        memory_seconds=seconds(timed.memory),
        compute_seconds=seconds(timed.compute),
        overhead_seconds=seconds(timed.overhead),
        sequence_seconds=seconds(timed.sequences),
        communication_seconds=seconds(timed.communication),
        seconds=float(max(branch.at(layers) for branch in branches)),
        adds=machine.adds,
        ways=machine.ways,
    )


def _fits(problem: Problem, serving: Serving, architecture: Architecture) -> bool | None:
    """Whether weights and cache satisfy every known limit on memory."""
    asked = problem.model_copy(update={"serving": serving})
    kinds = architecture.kinds
    layers = architecture.counts
    used = {
        name: affine.at(layers)
        for name, affine in costs(
            asked, architecture.trunk, kinds, problem.layouts[0], _HELD
        ).items()
    }
    limits = [
        (name, budget.max)
        for name in _HELD
        if (budget := problem.limits.get(name)) is not None and budget.max is not None
    ]
    if (memory := serving.named.memory) is not None:
        limits.append(("serving_memory", memory))
    return all(used[name] <= exact(most) for name, most in limits) if limits else None
