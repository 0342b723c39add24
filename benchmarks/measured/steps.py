"""What a measured decode step does, as numbers that constants of an engine multiply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measured.decode import Case, cases
from benchmarks.measured.held_out import EVERY
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.latency import decode_step
from modelsizer.problems.costs.roofline import PICOSECONDS, Machine
from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.hardware.efficiencies import link_latency, prefill


@dataclass(frozen=True, slots=True)
class MeasuredStep:
    """A measured step and its parts.

    Parameters
    ----------
    case : Case
    device : Accelerator
    seconds : float
        As measured.
    parts : mapping of str to float
        Seconds of moving (`memory`, and `plain` for what no kernel converts) and computing
        (`compute`) at the peaks, where narrow products are as much slower as a prefill's are, and
        of all-reduces (`links`); `layers`, `mixtures` (layers of experts with 8 bits),
        `sequences`, and `handed` (values handed to experts).
    bits : int
        Nearest of 16, 8 and 4 to those of a weight.
    """

    case: Case
    device: Accelerator
    seconds: float
    parts: Mapping[str, float]
    bits: int

    @property
    def held_out(self) -> bool:
        return self.case.position % EVERY == 0

    @property
    def memory(self) -> str:
        """Type of memory, Apple's apart."""
        own = self.device.memory_type
        return f"Apple {own}" if self.device.vendor == "Apple" else own


def measured_steps(data: Path) -> Iterator[MeasuredStep]:
    """Every measured step on a device of known bandwidth, those in doubt included."""
    for case in cases(data):
        if case.kind == "step":
            yield _step(case)


def _step(case: Case) -> MeasuredStep:
    problem, a = case.problem(), case.architecture
    serving = problem.serving
    device, counts = serving.named, a.counts
    peak, scores = getattr(device, f"{serving.compute}_flops"), device.bf16_flops
    slower = prefill(serving.compute)[0] / prefill("bf16")[0]
    machine = Machine(
        bandwidth=device.figure("bandwidth"),
        flops=math.inf if peak is None else peak * slower,
        score_flops=math.inf if peak is None else scores or peak,
        ways=serving.tensor_parallel,
        link=device.link or 1.0,
        link_latency=link_latency(),
        overhead=1.0,
        routed_value=1.0,
        sequence=1.0,
    )
    kinds = a.kinds
    step = decode_step(serving, problem.context_length, a.trunk, kinds, machine)

    def seconds(part: Affine) -> float:
        return float(part.at(counts)) / PICOSECONDS

    matrices = decode_step(
        serving, problem.context_length, a.trunk, kinds, replace(machine, plain_bandwidth=math.inf)
    )
    bits = 8 * float(serving.weights.matrix)
    experts = 8 * float(serving.weights.experts)
    eights = serving.compute == "fp8" or 6 < experts <= 12
    mixtures = sum(n for n, k in zip(counts, kinds, strict=True) if k.ffn.expert_matrices(1))
    converted = 0.0 if bits > 12 else seconds(matrices.memory)
    parts = {
        "memory": converted,
        "plain": seconds(step.memory) - converted,
        "compute": seconds(step.compute),
        "links": seconds(step.communication),
        "layers": seconds(step.overhead),
        "mixtures": mixtures * eights,
        "sequences": float(step.sequences.base) / PICOSECONDS,
        "handed": seconds(step.sequences) - float(step.sequences.base) / PICOSECONDS,
    }
    nearest = 16 if bits > 12 else 8 if bits > 6 else 4
    return MeasuredStep(case, device, case.batch / case.measured, parts, nearest)
