"""What the figures of an architecture hold for."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import FlopsConvention
from modelsizer.problems.architecture.caching import KvPolicy
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import exact, plain

_TOLD = ("engine", "prefilled_by", "memory_alone", "shared_prefix", "interference")
"""Where there is something to tell."""
_RENAMED = ("weights", "kv_bytes", "state_bytes", "sequence_length")  # in JSON
_DIVIDED = ("groups", "expert_parallel")  # left out of JSON where nothing is


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The load, the formats and the accelerators that figures of serving and of a token assume.

    Parameters
    ----------
    batch_size, context_length : int
        Sequences in the cache, and tokens of each.
    weights : WeightFormat
        Bytes of a weight, scales included.
    kv_bytes, state_bytes : Fraction
        Bytes of a cached value, scales included, and of a value of a state.
    kv_policy : {"windowed", "full"}
        Whether a layer with a window caches only its window.
    accelerator : str
        The one it is served from; empty if none is named.
    engine : str
        The engine that it is served by; empty if no accelerator is named.
    accelerators : int
        Number of them that weights and cache are divided among.
    tensor_parallel : int
    prompts, prompt_length : int
        Prompts that are prefilled together, and tokens of each.
    sequence_length : int
        Tokens of a training sequence.
    training_flops : {"exact", "causal", "6ND"}
        How training FLOPs are counted.
    recomputed : bool
        Whether they include a second forward pass.
    memory_alone : bool
        Whether a decode step counts what it moves and not what it computes, for want of a peak.
    shared_prefix : int
        Tokens of a context that all sequences share, whose cache is held once.
    interference : Fraction
        Share of the time of a decode step that goes to prompts of others.
    groups, expert_parallel : int
        Groups of accelerators with attention of their own, and ways that divide routed experts.
    prefilled_by : str
        Accelerators of the pool that prefills; empty where those that decode do it too.
    """

    batch_size: int
    context_length: int
    weights: WeightFormat
    kv_bytes: Fraction
    state_bytes: Fraction
    kv_policy: KvPolicy
    accelerator: str
    engine: str
    accelerators: int
    tensor_parallel: int
    prompts: int
    prompt_length: int
    sequence_length: int
    training_flops: FlopsConvention
    recomputed: bool
    memory_alone: bool = False
    shared_prefix: int = 0
    interference: Fraction = Fraction(0)
    groups: int = 1
    expert_parallel: int = 1
    prefilled_by: str = ""

    @classmethod
    def of(cls, problem: Problem) -> Assumptions:
        """Those of a problem."""
        serving, device = problem.serving, problem.serving.device
        return cls(
            serving.batch_size,
            problem.context_length,
            serving.weights,
            serving.exact_kv_bytes,
            serving.exact_state_bytes,
            serving.kv_policy,
            "" if device is None else device.name,
            "" if device is None else serving.served_by,
            serving.devices,
            serving.tensor_parallel,
            serving.prompts,
            serving.prompt_length or problem.context_length,
            problem.training.sequence_length,
            problem.training.flops,
            problem.training.recompute == "full",
            not problem.lacks("decode_latency") and bool(problem.lacks("prefill_latency")),
            serving.prefix_of(problem.context_length),
            exact(serving.interference),
            serving.groups,
            serving.expert_parallel,
            "" if serving.prefill is None else str(serving.prefill),
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping for JSON."""
        found = asdict(self) | {
            "bytes_per_weight": {k: plain(v) for k, v in self.weights.to_dict().items()},
            "bytes_per_cached_value": plain(self.kv_bytes),
            "bytes_per_state_value": plain(self.state_bytes),
            "accelerator": self.accelerator or None,
            "training_sequence_length": self.sequence_length,
        }
        found["interference"] = plain(self.interference)
        left_out = [*_RENAMED, *(name for name in _TOLD if not getattr(self, name))]
        left_out += [name for name in _DIVIDED if getattr(self, name) == 1]
        return {k: v for k, v in found.items() if k not in left_out}
