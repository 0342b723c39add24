"""Kinds of feed-forward: parameters and costs of one layer.

Fields may be NumPy integer arrays in place of integers (see
`modelsizer.problems.architecture.architecture`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from modelsizer.problems.architecture.experts_reached import reached
from modelsizer.problems.architecture.mixers import Count, check_positive, whole
from modelsizer.problems.records import dataclass


class FeedForward(Protocol):
    """Interface of all kinds of feed-forward: counts for one layer."""

    @property
    def d_ff(self) -> Count:
        """Hidden width (per expert)."""

    def matmul_weights(self, d_model: Count) -> Count:
        """Weights that multiply each token."""

    def parameters(self, d_model: Count) -> Count:
        """All parameters held."""

    def active_parameters(self, d_model: Count) -> Count:
        """Parameters that one token uses."""

    def expert_parameters(self, d_model: Count) -> Count:
        """Parameters of routed experts."""

    def matrix_parameters(self, d_model: Count) -> Count:
        """Weights of all large matrices held, which quantisation applies to."""

    def expert_matrices(self, d_model: Count) -> Count:
        """Weights of the matrices of routed experts, part of `matrix_parameters`."""

    def router_weights(self, d_model: Count) -> Count:
        """Weights of routers."""

    def kept_values(self, d_model: Count, *, fused: bool) -> Count:
        """Values per token kept for the backward pass, excluding the layer's input."""

    def routed_values(self, d_model: Count, *, fused: bool) -> Count:
        """The part of `kept_values` in routed experts, the inputs sent to them included."""

    def read_weights(self, d_model: Count, tokens: int) -> Count:
        """Expected number of weights that a step with this many tokens reads from memory."""

    def read_experts(self, d_model: Count, tokens: int) -> Count:
        """The part of `read_weights` in matrices of routed experts."""

    def handed_values(self, d_model: Count) -> Count:
        """Values of a token that are handed to its experts, a copy for each."""


def _weights(d_model: Count, d_ff: Count, gated: bool) -> Count:
    return (3 if gated else 2) * d_model * d_ff


def _biases(d_model: Count, d_ff: Count, gated: bool) -> Count:
    return (2 if gated else 1) * d_ff + d_model


def _kept(d_ff: Count, gated: bool, fused: bool) -> Count:
    """Values kept around the activation.

    Without a gate, its input and result; with a gate, its two inputs and the product, and if not
    fused, the activated gate too.
    """
    return (2 if not gated else 3 if fused else 4) * d_ff


@dataclass(frozen=True, slots=True)
class DenseFeedForward:
    """Two projections, or three if gated (Shazeer 2020, arXiv 2002.05202).

    Parameters
    ----------
    d_ff : int
        Hidden width.
    gated : bool
        Whether it is gated, as SwiGLU: gate, up and down projections.
    bias : bool
        Whether the projections have biases.
    activation : int
        Learned parameters of the activation, as xIELU's two (arXiv 2411.13010).
    """

    d_ff: Count
    gated: bool = True
    bias: bool = False
    activation: int = 0

    def __post_init__(self) -> None:
        check_positive("ffn", d_ff=self.d_ff)

    def matmul_weights(self, d_model: Count) -> Count:
        """Two or three projections."""
        return _weights(d_model, self.d_ff, self.gated)

    def parameters(self, d_model: Count) -> Count:
        """Projections, their biases and the activation's parameters."""
        total = self.matmul_weights(d_model) + self.activation
        return total + _biases(d_model, self.d_ff, self.gated) if self.bias else total

    def active_parameters(self, d_model: Count) -> Count:
        """All parameters."""
        return self.parameters(d_model)

    def matrix_parameters(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def expert_matrices(self, d_model: Count) -> Count:
        """Zero: no routed experts."""
        return 0 * d_model

    expert_parameters = router_weights = handed_values = expert_matrices

    def kept_values(self, d_model: Count, *, fused: bool) -> Count:  # noqa: ARG002
        """Inputs and result of the activation."""
        return _kept(self.d_ff, self.gated, fused)

    def routed_values(self, d_model: Count, *, fused: bool) -> Count:  # noqa: ARG002
        """Zero: no routed experts."""
        return 0 * d_model

    def read_weights(self, d_model: Count, tokens: int) -> Count:  # noqa: ARG002
        """All weights, whatever the tokens."""
        return self.matmul_weights(d_model)

    def read_experts(self, d_model: Count, tokens: int) -> Count:  # noqa: ARG002
        """Zero: no routed experts."""
        return 0 * d_model


@dataclass(frozen=True, slots=True)
class MixtureOfExperts:
    """Routed experts, a few of which each token uses, and shared experts, which every token uses.

    Parameters
    ----------
    d_ff : int
        Hidden width of an expert.
    experts, active : int
        Number of routed experts, and of those that each token is sent to (Shazeer et al. 2017,
        arXiv 1701.06538).
    gated : bool
    shared_d_ff : int
        Total hidden width of the shared experts; 0 for none (DeepSeekMoE, arXiv 2401.06066).
    expert_bias, router_bias, shared_bias : bool
    shared_gate : bool
        Whether the shared experts have a learned gate from d_model to 1 (Qwen2-MoE).
    latent : int
        Width of a latent that the routed experts work in, between two projections that all share;
        0 for d_model (Nemotron 3).
    latent_bias : bool
        Whether these two projections have biases.
    idle_experts : int
        Experts that return their input (LongCat-Flash, arXiv 2509.01322, section 2.1): the router
        chooses among them too. The reference implementation holds gate and up projections for
        them, which it never uses; `active` counts a token that chooses none of them.
    """

    d_ff: Count
    experts: Count
    active: Count
    gated: bool = True
    shared_d_ff: Count = 0
    expert_bias: bool = False
    router_bias: bool = False
    shared_bias: bool = False
    shared_gate: bool = False
    latent: Count = 0
    latent_bias: bool = False
    idle_experts: Count = 0

    def __post_init__(self) -> None:
        check_positive("ffn", d_ff=self.d_ff, experts=self.experts, active=self.active)
        if np.any(np.asarray(self.active) > np.asarray(self.experts)):
            raise ValueError(
                f"ffn.active must be at most experts, got {self.active} of {self.experts}"
            )

    @property
    def _choices(self) -> Count:
        """Experts that the router chooses among."""
        return self.experts + self.idle_experts

    def _unused(self, d_model: Count) -> Count:
        """Weights that are held for experts that return their input."""
        return self.idle_experts * (2 if self.gated else 1) * self._width(d_model) * self.d_ff

    def _width(self, d_model: Count) -> Count:
        """Width of what an expert reads and writes."""
        return self.latent + d_model * (self.latent == 0)

    def _expert(self, d_model: Count) -> Count:
        total = self.expert_weights(d_model)
        if not self.expert_bias:
            return total
        return total + _biases(self._width(d_model), self.d_ff, self.gated)

    def expert_weights(self, d_model: Count) -> Count:
        """Weights of one expert's matrices."""
        return _weights(self._width(d_model), self.d_ff, self.gated)

    def _unrouted(self, d_model: Count) -> Count:
        """Router, shared experts and their gate, and the projections of a latent."""
        total = d_model * self._choices + (self._choices if self.router_bias else 0)
        total = total + _weights(d_model, self.shared_d_ff, self.gated)
        if self.shared_bias:
            biases = _biases(d_model, self.shared_d_ff, self.gated)
            total = total + biases * (self.shared_d_ff > 0)
        total = total + 2 * d_model * self.latent
        if self.latent_bias:
            total = total + (self.latent + d_model) * (self.latent > 0)
        return total + d_model if self.shared_gate else total

    def matmul_weights(self, d_model: Count) -> Count:
        """Active experts, router, shared experts and their gate, and projections of a latent."""
        total = self.active * self.expert_weights(d_model) + d_model * self._choices
        total = total + _weights(d_model, self.shared_d_ff, self.gated) + 2 * d_model * self.latent
        return total + d_model if self.shared_gate else total

    def parameters(self, d_model: Count) -> Count:
        """All experts, router, shared experts and their gate."""
        return self.expert_parameters(d_model) + self._unrouted(d_model)

    def active_parameters(self, d_model: Count) -> Count:
        """Parameters of the experts that a token is sent to, and of all that is not routed."""
        return self.active * self._expert(d_model) + self._unrouted(d_model)

    def expert_parameters(self, d_model: Count) -> Count:
        """All routed experts."""
        return self.experts * self._expert(d_model) + self._unused(d_model)

    def matrix_parameters(self, d_model: Count) -> Count:
        """Weights of all experts, including shared ones, without the router."""
        unrouted = _weights(d_model, self.shared_d_ff, self.gated) + 2 * d_model * self.latent
        return self.expert_matrices(d_model) + unrouted

    def expert_matrices(self, d_model: Count) -> Count:
        """Weights of all routed experts."""
        return self.experts * self.expert_weights(d_model) + self._unused(d_model)

    def router_weights(self, d_model: Count) -> Count:
        """A weight of each input for each expert."""
        return d_model * self._choices

    def kept_values(self, d_model: Count, *, fused: bool) -> Count:
        """For each active expert, the input sent to it, its activation and its result."""
        unrouted = _kept(self.shared_d_ff, self.gated, fused) + self._choices + 2 * self.latent
        return self.routed_values(d_model, fused=fused) + unrouted

    def routed_values(self, d_model: Count, *, fused: bool) -> Count:
        """For each active expert, the input sent to it, its activation and its result."""
        return self.active * (_kept(self.d_ff, self.gated, fused) + 2 * self._width(d_model))

    def read_weights(self, d_model: Count, tokens: int) -> Count:
        """Weights of the router, the shared experts and the routed experts that receive a token."""
        each = self.expert_weights(d_model)
        unrouted = self.matmul_weights(d_model) - self.active * each
        return unrouted + self.read_experts(d_model, tokens)

    def read_experts(self, d_model: Count, tokens: int) -> Count:
        """Weights of the routed experts that receive a token.

        If each token goes to k of E experts at random, n tokens reach E (1 - (1 - k / E)^n).
        """
        count = reached(self.experts, self.active, tokens)
        each = self.expert_weights(d_model)
        return whole(np.asarray(each).astype(np.float64) * count, each)

    def handed_values(self, d_model: Count) -> Count:
        """The width that an expert reads, for each active expert."""
        return self.active * self._width(d_model)

    def sent_values(self, d_model: Count, ways: int) -> Count:
        """The same if the experts of one of so many ways share a copy."""
        spared = (self.active - ways) * (self.active > ways)
        return (self.active - spared) * self._width(d_model)


@dataclass(frozen=True, slots=True)
class NoFeedForward:
    """No feed-forward: the layer is a token mixer alone (Mamba, Nemotron-H)."""

    @property
    def d_ff(self) -> Count:
        """None."""
        return 0

    def matmul_weights(self, d_model: Count) -> Count:
        """None."""
        return 0 * d_model

    parameters = active_parameters = expert_parameters = matmul_weights
    matrix_parameters = expert_matrices = router_weights = handed_values = matmul_weights

    def kept_values(self, d_model: Count, *, fused: bool) -> Count:  # noqa: ARG002
        """None."""
        return 0 * d_model

    routed_values = kept_values

    def read_weights(self, d_model: Count, tokens: int) -> Count:  # noqa: ARG002
        """None."""
        return 0 * d_model

    read_experts = read_weights


@dataclass(frozen=True, slots=True)
class SeveralFeedForwards:
    """Two or more feed-forwards in one layer, in parallel or one after another.

    Parameters
    ----------
    parts : tuple of FeedForward
        Their counts add; `d_ff` is that of the first.
    """

    parts: tuple[FeedForward, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError(f"ffn.parts must be at least two, got {len(self.parts)}")

    @property
    def d_ff(self) -> Count:
        """Hidden width of the first part."""
        return self.parts[0].d_ff

    def matmul_weights(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.matmul_weights(d_model) for part in self.parts)

    def parameters(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.parameters(d_model) for part in self.parts)

    def active_parameters(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.active_parameters(d_model) for part in self.parts)

    def expert_parameters(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.expert_parameters(d_model) for part in self.parts)

    def matrix_parameters(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.matrix_parameters(d_model) for part in self.parts)

    def expert_matrices(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.expert_matrices(d_model) for part in self.parts)

    def router_weights(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.router_weights(d_model) for part in self.parts)

    def kept_values(self, d_model: Count, *, fused: bool) -> Count:
        """Sum over the parts."""
        return sum(part.kept_values(d_model, fused=fused) for part in self.parts)

    def routed_values(self, d_model: Count, *, fused: bool) -> Count:
        """Sum over the parts."""
        return sum(part.routed_values(d_model, fused=fused) for part in self.parts)

    def read_weights(self, d_model: Count, tokens: int) -> Count:
        """Sum over the parts."""
        return sum(part.read_weights(d_model, tokens) for part in self.parts)

    def read_experts(self, d_model: Count, tokens: int) -> Count:
        """Sum over the parts."""
        return sum(part.read_experts(d_model, tokens) for part in self.parts)

    def handed_values(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.handed_values(d_model) for part in self.parts)


def mixtures(ffn: FeedForward) -> Iterator[MixtureOfExperts]:
    """The mixtures of experts among the feed-forwards of a layer."""
    for part in ffn.parts if isinstance(ffn, SeveralFeedForwards) else (ffn,):
        if isinstance(part, MixtureOfExperts):
            yield part
