"""Kinds of attention: parameters, FLOPs and cache of one layer.

Fields may be NumPy integer arrays in place of integers (see
`modelsizer.problems.architecture.architecture`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Count = Any
"""A Python int, or an int64 array of them: the same formulas count one design or a table."""

QkNorm = Literal["none", "head", "head_with_bias", "full"]


def whole(values: Any, like: Any) -> Count:
    """Round doubles to whole numbers, in the integers of `like`.

    They are Python integers unless `like` is an array of int64, whose user bounds the result.
    """
    found = np.rint(values)
    if found.ndim == 0:
        return int(found)
    if np.asarray(like).dtype == object:
        return np.array([int(value) for value in found.ravel()], object).reshape(found.shape)
    return found.astype(np.int64)


def check_positive(owner: str, **values: Count) -> None:
    """Raise unless counts are positive whole numbers, or in arrays whole numbers from 0 on.

    A row of a table without such layers holds 0.

    Raises
    ------
    ValueError
        The message names the owner, the field and the value.
    """
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "iuO":
                raise ValueError(f"{owner}.{name} must be whole numbers, got {value.dtype}")
            if (value < 0).any():
                raise ValueError(f"{owner}.{name} must be at least 0, got {value.min()}")
            continue
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(f"{owner}.{name} must be a whole number, got {value!r}")
        if isinstance(value, int | float) and value < 1:
            raise ValueError(f"{owner}.{name} must be at least 1, got {value!r}")


class Attention(Protocol):
    """Interface of all kinds of attention: counts for one layer."""

    @property
    def heads(self) -> Count:
        """Query heads."""

    @property
    def kv_heads(self) -> Count:
        """Key and value heads that tensor parallelism can split."""

    @property
    def head_dim(self) -> Count:
        """Width of a head's query and key."""

    def matmul_weights(self, d_model: Count) -> Count:
        """Weights that multiply each token."""

    def parameters(self, d_model: Count) -> Count:
        """All parameters except those of normalisations."""

    def norm_parameters(self) -> Count:
        """Parameters of normalisations inside the attention."""

    def score_flops(self, context: int) -> Count:
        """FLOPs per token of scores and values over a context (full, not causal)."""

    def kv_values(self) -> Count:
        """Cached values per token."""

    def visible(self, context: int) -> Count:
        """Number of a context's tokens that a token attends to, and that the cache must hold."""

    def kept_values(self, *, repeated: bool) -> Count:
        """Values per token kept for the backward pass, excluding the layer's input and scores.

        With `repeated`, keys and values are kept once per query head.
        """


@dataclass(frozen=True, slots=True)
class FullAttention:
    """Grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245), with or without a window.

    Parameters
    ----------
    heads, kv_heads, head_dim : int
        Query heads, key and value heads (a divisor of `heads`; equal to it for multi-head, 1 for
        multi-query), and the width of a head. ``heads * head_dim`` may differ from d_model
        (Gemma 2 9B has 16 x 256 on 3584).
    qkv_bias, output_bias : bool
        Whether the input and output projections have biases.
    qk_norm : {"none", "head", "head_with_bias", "full"}
        Normalisation of queries and keys: one scale (and bias) shared by all heads (Qwen 3; Phi),
        or a scale per head (OLMo 2, Cohere).
    window : int or None
        Number of tokens that a token sees, including itself; None for all, 0 in an array (Beltagy
        et al. 2020, arXiv 2004.05150).
    sinks : bool
        Whether each head has a learned logit besides the scores (gpt-oss).
    qk_norm_dim : int or None
        Width of the query and key norms if it is not head_dim (Phi).
    """

    heads: Count
    kv_heads: Count
    head_dim: Count
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: QkNorm = "none"
    window: Count | None = None
    sinks: bool = False
    qk_norm_dim: Count | None = None

    def __post_init__(self) -> None:
        check_positive("attention", heads=self.heads, kv_heads=self.kv_heads)
        check_positive("attention", head_dim=self.head_dim)
        if self.window is not None:
            check_positive("attention", window=self.window)
        if isinstance(self.heads, int) and self.heads % self.kv_heads:
            raise ValueError(
                f"attention.kv_heads must divide heads, got {self.kv_heads} for {self.heads} heads"
            )

    def matmul_weights(self, d_model: Count) -> Count:
        """Query, key, value and output projections."""
        return 2 * d_model * (self.heads + self.kv_heads) * self.head_dim

    def parameters(self, d_model: Count) -> Count:
        """Projections, their biases and sinks."""
        total = self.matmul_weights(d_model)
        if self.qkv_bias:
            total = total + (self.heads + 2 * self.kv_heads) * self.head_dim
        if self.output_bias:
            total = total + d_model
        if self.sinks:
            total = total + self.heads
        return total

    def norm_parameters(self) -> Count:
        """Scales (and biases) of query and key norms."""
        width = self.head_dim if self.qk_norm_dim is None else self.qk_norm_dim
        if self.qk_norm == "head":
            return 2 * width
        if self.qk_norm == "head_with_bias":
            return 4 * width
        if self.qk_norm == "full":
            return (self.heads + self.kv_heads) * self.head_dim
        return 0 * self.heads

    def score_flops(self, context: int) -> Count:
        """2 x context x heads x head_dim for the scores, and as much for the values."""
        return 4 * context * self.heads * self.head_dim

    def kv_values(self) -> Count:
        """One key and one value per kv head."""
        return 2 * self.kv_heads * self.head_dim

    def visible(self, context: int) -> Count:
        """At most the window."""
        if isinstance(self.window, np.ndarray):
            return np.where(self.window > 0, np.minimum(context, self.window), context)
        return context if self.window is None else min(context, self.window)

    def kept_values(self, *, repeated: bool) -> Count:
        """Queries, keys, values, input of the output projection, and inputs of query-key norms."""
        keys = self.heads if repeated else self.kv_heads
        normed = 0 if self.qk_norm == "none" else self.heads + self.kv_heads
        return (2 * self.heads + 2 * keys + normed) * self.head_dim


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1).

    Parameters
    ----------
    heads : int
    kv_lora_rank : int
        Width of the latent that keys and values are made from, and that is cached.
    rope_dim, nope_dim, value_dim : int
        Width of the rotary part of a head (whose key is shared by all heads and cached), of the
        rest of its query and key, and of its value.
    q_lora_rank : int or None
        Width of the queries' latent; None for direct queries, 0 in an array.
    bias : bool
        Whether the two down-projections and the output have biases.
    """

    heads: Count
    kv_lora_rank: Count
    rope_dim: Count
    nope_dim: Count
    value_dim: Count
    q_lora_rank: Count | None = None
    bias: bool = False

    def __post_init__(self) -> None:
        check_positive(
            "attention",
            heads=self.heads,
            kv_lora_rank=self.kv_lora_rank,
            rope_dim=self.rope_dim,
            nope_dim=self.nope_dim,
            value_dim=self.value_dim,
        )
        if self.q_lora_rank is not None:
            check_positive("attention", q_lora_rank=self.q_lora_rank)

    @property
    def _query_rank(self) -> Count:
        return 0 if self.q_lora_rank is None else self.q_lora_rank

    @property
    def kv_heads(self) -> Count:
        """One: all heads share the latent, so every tensor-parallel rank holds all of it."""
        return 0 * self.heads + 1

    @property
    def head_dim(self) -> Count:
        """Width of a head's query."""
        return self.nope_dim + self.rope_dim

    def matmul_weights(self, d_model: Count) -> Count:
        """Down- and up-projections of queries, keys and values, and the output."""
        queries, rank = self.heads * self.head_dim, self._query_rank
        total = (d_model + queries) * rank + d_model * queries * (rank == 0)
        total = total + d_model * (self.kv_lora_rank + self.rope_dim)
        total = total + self.kv_lora_rank * self.heads * (self.nope_dim + self.value_dim)
        return total + self.heads * self.value_dim * d_model

    def parameters(self, d_model: Count) -> Count:
        """Projections and biases."""
        total = self.matmul_weights(d_model)
        if self.bias:
            total = total + self.kv_lora_rank + self.rope_dim + d_model
            total = total + self._query_rank
        return total

    def norm_parameters(self) -> Count:
        """Scales of the latents' norms."""
        return self.kv_lora_rank + self._query_rank

    def score_flops(self, context: int) -> Count:
        """Scores over nope and rope dims, values over value dims."""
        return 2 * context * self.heads * (self.head_dim + self.value_dim)

    def kv_values(self) -> Count:
        """The latent and the shared rotary key."""
        return self.kv_lora_rank + self.rope_dim

    def visible(self, context: int) -> Count:
        """The whole context."""
        return context

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002 - each head has its own keys
        """Queries, keys, values and output of every head, and the latents around their norms."""
        heads = self.heads * (2 * self.head_dim + 2 * self.value_dim)
        latents = 2 * self.kv_lora_rank + self.rope_dim
        return heads + latents + 2 * self._query_rank
