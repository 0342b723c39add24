"""Linear attention and short convolutions; see `modelsizer.problems.architecture.state_space`.

Their state is a matrix of keys times values for each head.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelsizer.problems.architecture.mixers import Count, WithoutScores, check_positive
from modelsizer.problems.architecture.state_space import CONVOLUTION, DECAY, READ, WRITE
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class GatedDeltaNet(WithoutScores):
    """Gated delta rule (Yang et al. 2024, arXiv 2412.06464, equation 10), as Qwen3-Next has it.

    Parameters
    ----------
    key_heads, value_heads : int
        Heads of queries and keys, and of values, a multiple of them; each value head has a state.
    key_dim, value_dim : int
        Width of a head's query and key, and of its value.
    conv : int
        Taps of the convolution over queries, keys and values.
    channel_decay : bool
        Whether each channel of a key has a decay of its own, as in Kimi Delta Attention (arXiv
        2510.26692, equation 1), instead of each value head.
    decay_rank, gate_rank : int
        Width of a bottleneck in the projections of the decays and of the output gate; 0 for none.
    """

    key_heads: Count
    value_heads: Count
    key_dim: Count
    value_dim: Count
    conv: Count = 4
    channel_decay: bool = False
    decay_rank: Count = 0
    gate_rank: Count = 0

    def __post_init__(self) -> None:
        check_positive(
            "delta",
            key_heads=self.key_heads,
            value_heads=self.value_heads,
            key_dim=self.key_dim,
            value_dim=self.value_dim,
            conv=self.conv,
        )
        if isinstance(self.value_heads, int) and self.value_heads % self.key_heads:
            raise ValueError(
                f"delta.key_heads must divide value_heads, got {self.key_heads} for "
                f"{self.value_heads} heads"
            )

    @property
    def _values(self) -> Count:
        return self.value_heads * self.value_dim

    @property
    def _convolved(self) -> Count:
        return 2 * self.key_heads * self.key_dim + self._values

    @property
    def _decays(self) -> Count:
        return self.value_heads * (self.key_dim if self.channel_decay else 1)

    @property
    def _state(self) -> Count:
        return self.value_heads * self.key_dim * self.value_dim

    def split_widths(self) -> Mapping[str, Count]:
        """Heads of keys, and of values."""
        return {"key_heads": self.key_heads, "value_heads": self.value_heads}

    def matmul_weights(self, d_model: Count) -> Count:
        """Queries, keys, values, write strengths, decays, output gate and output."""
        total = d_model * (self._convolved + self.value_heads + self._values)
        total = total + _through(d_model, self.decay_rank, self._decays)
        return total + _through(d_model, self.gate_rank, self._values)

    def parameters(self, d_model: Count) -> Count:
        """Projections, convolution, biases of the decays and A of each head."""
        return self.read_weights(d_model) + self._decays + self.value_heads

    def norm_parameters(self) -> Count:
        """Scale of the gated norm, shared by the heads."""
        return self.value_dim

    def read_weights(self, d_model: Count) -> Count:
        """Projections and convolution."""
        return self.matmul_weights(d_model) + self._convolved * self.conv

    def state_flops(self) -> Count:
        """The convolution, and S = a S (I - b k k^T) + b v k^T, o = S q.

        For each value of the state: the decay, reading what it holds for the key, writing the
        difference, and reading for the query.
        """
        recurrence = (DECAY + READ + WRITE + READ) * self._state
        return CONVOLUTION * self._convolved * self.conv + recurrence

    def state_values(self) -> Count:
        """Columns of the convolution, and a matrix of keys times values for each value head."""
        return self._convolved * self.conv + self._state

    def kept_values(self, *, repeated: bool) -> Count:
        """Input and result of the convolution, strengths, decays, gate, output and its product.

        With `repeated`, queries and keys are kept once per value head. States are computed again
        in the backward pass.
        """
        heads = self.value_heads if repeated else self.key_heads
        convolved = self._convolved + 2 * heads * self.key_dim + self._values
        ranks = self.decay_rank + self.gate_rank
        return convolved + self.value_heads + self._decays + ranks + 3 * self._values


def _through(d_model: Count, rank: Count, width: Count) -> Count:
    """Weights of a projection, through a bottleneck unless its rank is 0."""
    return (d_model + width) * rank + d_model * width * (rank == 0)


@dataclass(frozen=True, slots=True)
class LightningAttention(WithoutScores):
    """Linear attention with a fixed decay for each head (MiniMax-01, arXiv 2501.08313).

    Parameters
    ----------
    state_heads : int
        Number of heads, each with a state.
    state_head_dim : int
        Width of a head's query, key and value.
    """

    state_heads: Count
    state_head_dim: Count

    def __post_init__(self) -> None:
        check_positive("lightning", state_heads=self.state_heads)
        check_positive("lightning", state_head_dim=self.state_head_dim)

    @property
    def _width(self) -> Count:
        return self.state_heads * self.state_head_dim

    def split_widths(self) -> Mapping[str, Count]:
        """Heads."""
        return {"state_heads": self.state_heads}

    def matmul_weights(self, d_model: Count) -> Count:
        """Queries, keys, values, output gate and output."""
        return 5 * d_model * self._width

    def parameters(self, d_model: Count) -> Count:
        """Projections; the decays are fixed."""
        return self.matmul_weights(d_model)

    def norm_parameters(self) -> Count:
        """Scale of the norm of the output."""
        return self._width

    def read_weights(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def state_flops(self) -> Count:
        """S = a S + k v^T, o = q S: the decay, the write and the read."""
        return (DECAY + WRITE + READ) * self.state_values()

    def state_values(self) -> Count:
        """A matrix of keys times values for each head."""
        return self._width * self.state_head_dim

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """Queries, keys and values before and after their activation, output, norm, gate, product.

        States are computed again in the backward pass.
        """
        return 10 * self._width


@dataclass(frozen=True, slots=True)
class ShortConvolution(WithoutScores):
    """Gated short convolution (LFM2; Liquid AI 2025, arXiv 2511.23404, section 2).

    Parameters
    ----------
    width : int
        Number of channels: d_model.
    conv : int
        Taps of the convolution.
    bias : bool
        Whether the convolution and both projections have biases.
    """

    width: Count
    conv: Count = 3
    bias: bool = False

    def __post_init__(self) -> None:
        check_positive("convolution", width=self.width, conv=self.conv)

    def split_widths(self) -> Mapping[str, Count]:
        """Channels."""
        return {"width": self.width}

    def matmul_weights(self, d_model: Count) -> Count:
        """Two gates and the convolved values, and the output."""
        return 4 * d_model * self.width

    def parameters(self, d_model: Count) -> Count:
        """Projections, convolution and biases."""
        total = self.read_weights(d_model)
        return total + 4 * self.width + d_model * (self.width > 0) if self.bias else total

    def norm_parameters(self) -> Count:
        """None."""
        return 0 * self.width

    def read_weights(self, d_model: Count) -> Count:
        """Projections and convolution."""
        return self.matmul_weights(d_model) + self.width * self.conv

    def state_flops(self) -> Count:
        """The convolution."""
        return CONVOLUTION * self.width * self.conv

    def state_values(self) -> Count:
        """Columns of the convolution."""
        return self.width * self.conv

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """Gates and values, inputs and result of the convolution, and the product."""
        return 6 * self.width
