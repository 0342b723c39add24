"""State-space mixers: they hold a state per sequence in place of a cache.

FLOPs are those of the recurrent form, whatever the chunks of a kernel: 2 for each multiplication
and addition of a matrix product (the convolution, writing to and reading from the state), 1 for
each other multiplication or addition of all values of the state. As everywhere, functions of a
single value (exponentials, activations, gates, the skip connection) are not counted.

States are those of the cache of transformers 5.24: as many columns of the convolution's input as
it has taps, and the recurrent state.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelsizer.problems.architecture.mixers import Count, WithoutScores, check_positive
from modelsizer.problems.records import dataclass

WRITE, READ, DECAY = 2, 2, 1  # FLOPs per value of a recurrent state and token
CONVOLUTION = 2  # FLOPs per channel, tap and token


@dataclass(frozen=True, slots=True)
class Mamba(WithoutScores):
    """Selective state space (Mamba; Gu and Dao 2023, arXiv 2312.00752, algorithm 2 and figure 3).

    Parameters
    ----------
    inner : int
        Number of channels: expand x d_model.
    state : int
        Values of the state of a channel.
    rank : int
        Width of the projection that the time step is made from.
    conv : int
        Taps of the convolution.
    conv_bias, bias : bool
        Whether the convolution, and the input and output projections, have biases.
    inner_norms : bool
        Whether the time step, B and C are normalised with a learned scale (Jamba).
    """

    inner: Count
    state: Count
    rank: Count
    conv: Count = 4
    conv_bias: bool = True
    bias: bool = False
    inner_norms: bool = False

    def __post_init__(self) -> None:
        check_positive("mamba", inner=self.inner, state=self.state, rank=self.rank, conv=self.conv)

    def split_widths(self) -> Mapping[str, Count]:
        """Channels."""
        return {"inner": self.inner}

    def matmul_weights(self, d_model: Count) -> Count:
        """Input and gate, time step with B and C, the time step's expansion, and output."""
        return self.inner * (3 * d_model + 2 * self.rank + 2 * self.state)

    def parameters(self, d_model: Count) -> Count:
        """Projections, convolution, A, D, bias of the time step, and biases."""
        total = self.read_weights(d_model) + 2 * self.inner
        if self.conv_bias:
            total = total + self.inner
        return total + 2 * self.inner + d_model if self.bias else total

    def norm_parameters(self) -> Count:
        """Scales of the norms of the time step, B and C."""
        return (self.rank + 2 * self.state) * (1 if self.inner_norms else 0)

    def read_weights(self, d_model: Count) -> Count:
        """Projections, convolution and A."""
        return self.matmul_weights(d_model) + self.inner * (self.conv + self.state)

    def state_flops(self) -> Count:
        """The convolution, and h = exp(dt A) h + dt x B, y = C h (algorithm 2).

        For each value of the state: dt A, its product with h, the write and the read.
        """
        each = DECAY + DECAY + WRITE + READ
        return self.inner * (CONVOLUTION * self.conv + each * self.state)

    def state_values(self) -> Count:
        """Columns of the convolution, and the state of every channel."""
        return self.inner * (self.conv + self.state)

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """Input of the convolution, gate, its result, time step, B, C, dt, output and product.

        States are computed again in the backward pass (section 3.3.2).
        """
        normed = (self.rank + 2 * self.state) * (1 if self.inner_norms else 0)
        return 6 * self.inner + self.rank + 2 * self.state + normed


@dataclass(frozen=True, slots=True)
class Mamba2(WithoutScores):
    """State-space duality (Mamba-2; Dao and Gu 2024, arXiv 2405.21060, section 7 and figure 6).

    Parameters
    ----------
    mamba_heads, mamba_head_dim : int
        Number of heads, and channels of each; each head has one decay.
    state : int
        Values of the state of a channel.
    groups : int
        Groups of heads that share B and C.
    conv : int
        Taps of the convolution over the channels, B and C.
    conv_bias, bias, output_bias : bool
        Whether the convolution, the input projection and the output projection have biases.
    gated_norm : bool
        Whether the gated output is normalised with a learned scale (Falcon-H1 may do without).
    """

    mamba_heads: Count
    mamba_head_dim: Count
    state: Count
    groups: Count = 1
    conv: Count = 4
    conv_bias: bool = True
    bias: bool = False
    output_bias: bool = False
    gated_norm: bool = True

    def __post_init__(self) -> None:
        check_positive(
            "mamba2",
            mamba_heads=self.mamba_heads,
            mamba_head_dim=self.mamba_head_dim,
            state=self.state,
            groups=self.groups,
            conv=self.conv,
        )

    @property
    def _inner(self) -> Count:
        return self.mamba_heads * self.mamba_head_dim

    @property
    def _convolved(self) -> Count:
        return self._inner + 2 * self.groups * self.state

    @property
    def _inputs(self) -> Count:
        """Values that the input is projected to: gate, channels, B, C and time steps."""
        return self._inner + self._convolved + self.mamba_heads

    def split_widths(self) -> Mapping[str, Count]:
        """Heads."""
        return {"mamba_heads": self.mamba_heads}

    def matmul_weights(self, d_model: Count) -> Count:
        """Input and output projections."""
        return d_model * (self._inputs + self._inner)

    def parameters(self, d_model: Count) -> Count:
        """Projections, convolution, biases, and A, D and the bias of the time step of each head."""
        total = self.read_weights(d_model) + 3 * self.mamba_heads
        if self.conv_bias:
            total = total + self._convolved
        if self.bias:
            total = total + self._inputs
        return total + d_model if self.output_bias else total

    def norm_parameters(self) -> Count:
        """Scale of the gated norm."""
        return self._inner * (1 if self.gated_norm else 0)

    def read_weights(self, d_model: Count) -> Count:
        """Projections and convolution."""
        return self.matmul_weights(d_model) + self._convolved * self.conv

    def state_flops(self) -> Count:
        """The convolution, and h = a h + dt x B, y = C h, with one decay a for each head."""
        recurrence = (DECAY + WRITE + READ) * self._inner * self.state
        return CONVOLUTION * self._convolved * self.conv + recurrence

    def state_values(self) -> Count:
        """Columns of the convolution, and the state of every channel."""
        return self._convolved * self.conv + self._inner * self.state

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """Projected input, result of the convolution, output, and input of the output projection.

        States are computed again in the backward pass.
        """
        return self._inputs + self._convolved + 2 * self._inner


@dataclass(frozen=True, slots=True)
class GatedRecurrence(WithoutScores):
    """Real-gated linear recurrence (Griffin; De et al. 2024, arXiv 2402.19427, section 2.4).

    Parameters
    ----------
    inner : int
        Number of channels, each with a state of one value.
    blocks : int
        Number of equal blocks on the diagonal of the weights of its two gates.
    conv : int
        Taps of the convolution.
    """

    inner: Count
    blocks: Count
    conv: Count = 4

    def __post_init__(self) -> None:
        check_positive("recurrence", inner=self.inner, blocks=self.blocks, conv=self.conv)

    def split_widths(self) -> Mapping[str, Count]:
        """Blocks of its gates."""
        return {"blocks": self.blocks}

    def matmul_weights(self, d_model: Count) -> Count:
        """Projections of the two branches and of the output, and the blocks of both gates."""
        # A row without such layers has no blocks.
        width = self.inner // (self.blocks + (self.blocks == 0))
        return 3 * d_model * self.inner + 2 * self.inner * width

    def parameters(self, d_model: Count) -> Count:
        """Projections, gates, convolution, their biases, and the decay of every channel."""
        biases = (2 + 2 + 1) * self.inner + d_model * (self.inner > 0)
        return self.read_weights(d_model) + biases + self.inner

    def norm_parameters(self) -> Count:
        """None."""
        return 0 * self.inner

    def read_weights(self, d_model: Count) -> Count:
        """Projections, gates and convolution."""
        return self.matmul_weights(d_model) + self.inner * self.conv

    def state_flops(self) -> Count:
        """The convolution, and h = a h + x of every channel (equation 4)."""
        return self.inner * (CONVOLUTION * self.conv + DECAY + 1)

    def state_values(self) -> Count:
        """Columns of the convolution but the newest, and the state."""
        return self.inner * self.conv

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """Both branches, the convolved one, its two gates, the states and the product."""
        return 7 * self.inner
