"""How serving divides routed experts and requests over groups of accelerators.

Each of several groups holds attention, and all else but the routed experts, and works on requests
of its own (attention data parallelism). The groups share the experts, each of which some of their
accelerators hold; tokens are sent there and back (docs.vllm.ai, data and expert parallel
deployment). A token is sent to each accelerator that holds an expert of it, as kernels for many
accelerators do (deepseek-ai/DeepEP, README): so many copies leave an accelerator for others.
"""

from __future__ import annotations

import numpy as np

from modelsizer.problems.architecture.accounting import FLOPS_PER_WEIGHT
from modelsizer.problems.architecture.architecture import Layer
from modelsizer.problems.architecture.feedforward import mixtures
from modelsizer.problems.architecture.mixers import Count, whole
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Sharding:
    """Division of routed experts and requests.

    Parameters
    ----------
    groups : int
        Groups of accelerators with attention of their own.
    ways : int
        Expert parallelism over all groups.
    slices : int
        Accelerators that each expert is divided over.
    imbalance : float
        Tokens and experts of the busiest way, for the mean of all.
    link : float
        Bytes/s of an accelerator, one way, to those of other groups.
    sent_bytes : float
        Bytes per value on the way to an expert and back together.
    """

    groups: int = 1
    ways: int = 1
    slices: int = 1
    imbalance: float = 1.0
    link: float = 1.0
    sent_bytes: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether experts take the same time as all else."""
        return self.groups == 1 and self.imbalance == 1

    def of_group(self, sequences: int) -> int:
        """Most sequences of a group."""
        return -(-sequences // self.groups)

    def read_experts(self, layer: Layer, d_model: Count, tokens: int) -> Count:
        """Weights that the busiest way reads, times the ways: at most all."""
        read = layer.ffn.read_experts(d_model, tokens)
        if self.imbalance == 1:
            return read
        every = np.asarray(layer.ffn.expert_matrices(d_model)).astype(np.float64)
        return whole(np.minimum(np.asarray(read).astype(np.float64) * self.imbalance, every), read)

    def routed_flops(self, layer: Layer, d_model: Count) -> Count:
        """FLOPs per token in routed experts."""
        weights = (part.active * part.expert_weights(d_model) for part in mixtures(layer.ffn))
        return FLOPS_PER_WEIGHT * sum(weights, 0 * d_model)

    def sent_values(self, layer: Layer, d_model: Count) -> Count:
        """Values of a token in all its copies: one for each accelerator that may hold its experts.

        These are at most all that share the experts.
        """
        copies = (part.sent_values(d_model, self.ways) for part in mixtures(layer.ffn))
        return self.slices * sum(copies, 0 * d_model)

    @property
    def leaving(self) -> float:
        """Share of the copies that go to another accelerator."""
        return 1 - 1 / (self.ways * self.slices)
