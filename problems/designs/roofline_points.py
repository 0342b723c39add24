"""Where decode and prefill lie on the roofline of an accelerator.

A step of some FLOPs and bytes has the arithmetic intensity FLOPs / bytes, and attains its FLOPs /
its time; no step attains more than min(peak FLOP/s, intensity x bandwidth), the roof (Williams et
al. 2009, doi 10.1145/1498765.1498785). FLOPs, bytes and times are those of
`modelsizer.problems.costs.roofline`, and `Point.seconds` is the very number that budgets on
`decode_latency` and `prefill_latency` limit.

Overheads (of a layer, and of all-reduces under tensor parallelism) come on top of the longer of
moving and computing: seconds = max(memory, compute) + overhead, all three multiplied by the spread
where `serving.latency` is not "expected". So a point lies below the roof of the efficiencies by
just the share of its time that overheads (and the spread) take.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.costs import roofline
from modelsizer.problems.costs.latency import (
    decode_branches,
    decode_machine,
    prefill_branches,
    prefill_machine,
)
from modelsizer.problems.costs.roofline import PICOSECONDS, Machine
from modelsizer.problems.designs.costs import costs
from modelsizer.problems.hardware import efficiencies as efficiency
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.units import exact

Phase = Literal["decode", "prefill"]
BATCHES = (1, 4, 16, 64, 256)
"""Batches of decode that are shown beside the problem's own."""
_HELD = ("serving_memory", "kv_cache")


@dataclass(frozen=True, slots=True)
class Roof:
    """What bounds a step on one accelerator.

    Parameters
    ----------
    device : str
    precision : {"bf16", "fp8"}
        Of the matrix multiplications.
    ways : int
        Accelerators that share each step (tensor parallelism).
    peak_flops, peak_bandwidth : float
        FLOP/s and bytes/s of its data sheet.
    flops, bandwidth : float
        The same at the efficiencies that the latencies are computed with.
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
        """FLOPs/byte from which a step is bound by compute, at the efficiencies."""
        return self.flops / self.bandwidth

    @property
    def peak_ridge(self) -> float:
        """FLOPs/byte from which a step is bound by compute, by the data sheet."""
        return self.peak_flops / self.peak_bandwidth

    def at(self, intensity: float) -> float:
        """FLOP/s that a step of this intensity can attain at the efficiencies."""
        return min(self.flops, intensity * self.bandwidth)


@dataclass(frozen=True, slots=True)
class Point:
    """One step of one design.

    Parameters
    ----------
    phase : {"decode", "prefill"}
    batch : int
        Sequences of the step: a token of each in decode, a whole prompt in prefill.
    tokens : int
        Of each sequence: cached in decode, computed in prefill.
    flops, bytes_moved : float
        By all accelerators that share the step.
    memory_seconds, compute_seconds : float
        Of moving the bytes and of computing the FLOPs, overheads aside.
    overhead_seconds : float
    seconds : float
        Of the step: the longer of the two and the overheads.
    ways : int
        Accelerators that share it.
    fits : bool or None
        Of decode: whether weights and cache of this batch keep the limits on them, and the memory
        that the device reports; None where none is known.
    """

    phase: Phase
    batch: int
    tokens: int
    flops: float
    bytes_moved: float
    memory_seconds: float
    compute_seconds: float
    overhead_seconds: float
    seconds: float
    ways: int
    fits: bool | None = None

    @property
    def intensity(self) -> float:
        """FLOPs/byte."""
        return self.flops / self.bytes_moved

    @property
    def attained(self) -> float:
        """FLOP/s of each accelerator, overheads and all."""
        return self.flops / self.seconds / self.ways

    @property
    def bound(self) -> Literal["memory", "compute"]:
        """Which of the two takes longer."""
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
    """A roof and the designs under it."""

    roof: Roof
    designs: tuple[DesignPoints, ...]


def roofline_points(
    problem: Problem, designs: Mapping[str, Architecture], batches: Sequence[int] = BATCHES
) -> Roofline | None:
    """Designs on the roofline of the accelerator that a problem serves from.

    Parameters
    ----------
    problem : Problem
    designs : mapping of str to Architecture
        By the names that are to be shown.
    batches : sequence of int
        Of decode, beside the problem's own.

    Returns
    -------
    Roofline or None
        None where the problem does not say what it is served from.
    """
    if problem.lacks("decode_latency"):
        return None
    serving = problem.serving
    machine, device = decode_machine(serving), serving.named
    roof = Roof(
        device.name,
        serving.compute,
        machine.ways,
        float(device.figure(f"{serving.compute}_flops")),
        float(device.figure("bandwidth")),
        machine.flops,
        machine.bandwidth,
    )
    wanted = sorted({*batches, serving.batch_size})
    found = []
    for name, architecture in designs.items():
        decodes = {batch: _decode(problem, architecture, batch) for batch in wanted}
        found.append(
            DesignPoints(
                name,
                decodes[serving.batch_size],
                _prefill(problem, architecture),
                tuple(decodes.values()),
            )
        )
    return Roofline(roof, tuple(found))


def _decode(problem: Problem, architecture: Architecture, batch: int) -> Point:
    serving = problem.serving.model_copy(update={"batch_size": batch})
    trunk, context = architecture.trunk, problem.context_length
    kinds = [group.layer for group in architecture.groups]
    weights = serving.weights

    def step(machine: Machine) -> tuple[Affine, Affine]:
        return roofline.decode(
            trunk,
            kinds,
            machine,
            batch=batch,
            context=context,
            matrix_bytes=float(weights.matrix),
            head_bytes=float(weights.embedding),
            kv_bytes=float(serving.exact_kv_bytes),
        )

    whole = decode_branches(serving, context, trunk, kinds)
    spread = getattr(efficiency.decode_spread(serving.named), serving.latency)
    point = _point(
        "decode", batch, context, architecture, step, decode_machine(serving), whole, spread
    )
    return replace(point, fits=_fits(problem, serving, architecture))


def _prefill(problem: Problem, architecture: Architecture) -> Point:
    serving, trunk = problem.serving, architecture.trunk
    kinds = [group.layer for group in architecture.groups]
    prompt = serving.prompt_length or problem.context_length

    def step(machine: Machine) -> tuple[Affine, Affine]:
        return roofline.prefill(
            trunk,
            kinds,
            machine,
            batch=serving.prompts,
            prompt=prompt,
            matrix_bytes=float(serving.weights.matrix),
            head_bytes=float(serving.weights.embedding),
        )

    whole = prefill_branches(serving, problem.context_length, trunk, kinds)
    spread = getattr(efficiency.prefill_spread(), serving.latency)
    machine = prefill_machine(serving)
    return _point("prefill", serving.prompts, prompt, architecture, step, machine, whole, spread)


def _counting(machine: Machine) -> Machine:
    """A machine whose picoseconds are bytes and FLOPs: so `roofline` counts them."""
    each = PICOSECONDS / machine.ways
    return replace(_without_overhead(machine), bandwidth=each, flops=each)


def _without_overhead(machine: Machine) -> Machine:
    return replace(machine, link=math.inf, link_latency=0.0, overhead=0.0)


def _point(
    phase: Phase,
    batch: int,
    tokens: int,
    architecture: Architecture,
    step: Callable[[Machine], tuple[Affine, Affine]],
    machine: Machine,
    whole: Sequence[Affine],
    spread: float,
) -> Point:
    """A point from the memory and the compute branch of a step, `whole` being the budgets' own."""
    layers = [group.count for group in architecture.groups]
    moved, computed = (branch.at(layers) * PICOSECONDS for branch in step(_counting(machine)))
    bare = step(_without_overhead(machine))
    memory, compute = (branch.at(layers) * exact(spread) for branch in bare)
    seconds = max(branch.at(layers) for branch in whole)
    overhead = seconds - max(memory, compute)
    return Point(
        phase,
        batch,
        tokens,
        flops=float(computed),
        bytes_moved=float(moved),
        memory_seconds=float(memory),
        compute_seconds=float(compute),
        overhead_seconds=float(overhead),
        seconds=float(seconds),
        ways=machine.ways,
    )


def _fits(problem: Problem, serving: Serving, architecture: Architecture) -> bool | None:
    """Whether weights and cache keep every limit on memory that is known."""
    asked = problem.model_copy(update={"serving": serving})
    kinds = [group.layer for group in architecture.groups]
    layers = [group.count for group in architecture.groups]
    used = {
        name: affine.at(layers)
        for name, affine in costs(
            asked, architecture.trunk, kinds, problem.layouts[0], _HELD
        ).items()
    }
    limits = [
        (name, budget.max)
        for name in _HELD
        if (budget := problem.budgets.limits.get(name)) is not None and budget.max is not None
    ]
    if (memory := serving.named.memory) is not None:
        limits.append(("serving_memory", memory))
    return all(used[name] <= exact(most) for name, most in limits) if limits else None
