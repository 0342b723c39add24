"""A decoder-only transformer: a trunk and a stack of layer groups.

Every class here may also carry NumPy integer arrays in place of its integers: the same
formulas then count a whole table of architectures at once, and there is one source of
truth for both. A new kind of attention or feed-forward is one more class with the same
methods; nothing else needs to know it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Count = Any
"""A Python int, or an int64 array of them (see the module's first paragraph)."""

QkNorm = Literal["none", "head", "full"]


def _positive(owner: str, **values: Count) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(f"{owner}.{name} must be a whole number, got {value!r}")
        if isinstance(value, int | float) and value < 1:
            raise ValueError(f"{owner}.{name} must be at least 1, got {value!r}")


class Attention(Protocol):
    """What any kind of attention must be able to say of one layer of it."""

    def matmul_weights(self, d_model: Count) -> Count:
        """Weights that multiply each token."""

    def parameters(self, d_model: Count) -> Count:
        """All parameters but those of normalisations."""

    def norm_parameters(self) -> Count:
        """Parameters of query and key normalisations."""

    def score_flops(self, context: int) -> Count:
        """FLOPs for each token of scores and values at a context (full, not causal)."""

    def kv_values(self) -> Count:
        """Cached values for each token."""


class FeedForward(Protocol):
    """What any kind of feed-forward must be able to say of one layer of it."""

    def matmul_weights(self, d_model: Count) -> Count:
        """Weights that multiply each token."""

    def parameters(self, d_model: Count) -> Count:
        """All parameters held."""

    def active_parameters(self, d_model: Count) -> Count:
        """Parameters that one token uses."""


@dataclass(frozen=True, slots=True)
class FullAttention:
    """Grouped-query attention over the whole context (Ainslie et al. 2023, arXiv 2305.13245).

    Parameters
    ----------
    heads, kv_heads, head_dim : int
        Query heads, key and value heads (a divisor of `heads`; equal to it for multi-head,
        1 for multi-query), and the width of a head. ``heads * head_dim`` may differ from
        d_model (Gemma 2 9B has 16 x 256 on 3584).
    qkv_bias, output_bias : bool
        Biases of the input and output projections.
    qk_norm : {"none", "head", "full"}
        RMSNorm of queries and keys: over each head (Qwen 3), or over all heads together
        (OLMo 2).
    """

    heads: Count
    kv_heads: Count
    head_dim: Count
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: QkNorm = "none"

    def __post_init__(self) -> None:
        _positive("attention", heads=self.heads, kv_heads=self.kv_heads, head_dim=self.head_dim)
        if isinstance(self.heads, int) and self.heads % self.kv_heads:
            raise ValueError(
                f"attention.kv_heads must divide heads, got {self.kv_heads} for {self.heads} heads"
            )

    def matmul_weights(self, d_model: Count) -> Count:
        """Query, key, value and output projections."""
        return 2 * d_model * (self.heads + self.kv_heads) * self.head_dim

    def parameters(self, d_model: Count) -> Count:
        """Projections and their biases."""
        total = self.matmul_weights(d_model)
        if self.qkv_bias:
            total = total + (self.heads + 2 * self.kv_heads) * self.head_dim
        if self.output_bias:
            total = total + d_model
        return total

    def norm_parameters(self) -> Count:
        """Scales of query and key norms."""
        if self.qk_norm == "head":
            return 2 * self.head_dim
        if self.qk_norm == "full":
            return (self.heads + self.kv_heads) * self.head_dim
        return 0 * self.heads

    def score_flops(self, context: int) -> Count:
        """2 x context x heads x head_dim for the scores, as much again for the values."""
        return 4 * context * self.heads * self.head_dim

    def kv_values(self) -> Count:
        """One key and one value for each kv head."""
        return 2 * self.kv_heads * self.head_dim


@dataclass(frozen=True, slots=True)
class DenseFeedForward:
    """Two projections, or three where it is gated (Shazeer 2020, arXiv 2002.05202).

    Parameters
    ----------
    d_ff : int
        Hidden width.
    gated : bool
        SwiGLU and its kin: gate, up and down projections.
    bias : bool
        A bias on each projection.
    """

    d_ff: Count
    gated: bool = True
    bias: bool = False

    def __post_init__(self) -> None:
        _positive("ffn", d_ff=self.d_ff)

    def matmul_weights(self, d_model: Count) -> Count:
        """Two or three projections."""
        return (3 if self.gated else 2) * d_model * self.d_ff

    def parameters(self, d_model: Count) -> Count:
        """Projections and their biases."""
        total = self.matmul_weights(d_model)
        if self.bias:
            total = total + (2 if self.gated else 1) * self.d_ff + d_model
        return total

    def active_parameters(self, d_model: Count) -> Count:
        """A dense layer uses all that it holds."""
        return self.parameters(d_model)


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of layer: an attention, a feed-forward and `norms` normalisations of d_model."""

    attention: FullAttention
    ffn: DenseFeedForward
    norms: int = 2


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """`count` layers of one kind."""

    layer: Layer
    count: int

    def __post_init__(self) -> None:
        _positive("group", count=self.count)


@dataclass(frozen=True, slots=True)
class Trunk:
    """What the layers share.

    Parameters
    ----------
    d_model, vocab_size : int
        Width of the residual stream; rows of the embedding.
    tied_embeddings : bool
        The output head is the embedding, counted once.
    norm_bias : bool
        LayerNorm with scale and bias (2 x d_model) instead of RMSNorm (d_model).
    positions : int
        Learned positions, 0 for rotary.
    """

    d_model: Count
    vocab_size: Count
    tied_embeddings: Any = False
    norm_bias: bool = False
    positions: int = 0

    def __post_init__(self) -> None:
        _positive("trunk", d_model=self.d_model, vocab_size=self.vocab_size)

    def norm_width(self) -> Count:
        """Parameters of one normalisation of the residual stream."""
        return (2 if self.norm_bias else 1) * self.d_model


@dataclass(frozen=True, slots=True)
class Architecture:
    """A trunk and its groups of layers, bottom first.

    Raises
    ------
    ValueError
        If there is no group, or if a count is not a positive whole number, or kv_heads does
        not divide heads; the message names the field and the value.
    """

    trunk: Trunk
    groups: tuple[LayerGroup, ...]
    block: str = ""

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError("an architecture needs at least one group of layers")

    @property
    def layers(self) -> int:
        """Depth: all layers of all groups."""
        return sum(group.count for group in self.groups)
