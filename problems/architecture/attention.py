"""Kinds of attention: parameters, FLOPs and cache of one layer.

Fields may be NumPy integer arrays in place of integers (see
`modelsizer.problems.architecture.architecture`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from modelsizer.problems.architecture.mixers import Count, check_positive
from modelsizer.problems.records import dataclass

QkNorm = Literal["none", "head", "head_with_bias", "full"]


def capped(context: int, limit: Count | None) -> Count:
    """At most `limit` tokens of a context; None, or 0 in an array, is no limit."""
    if isinstance(limit, np.ndarray):
        return np.where(limit > 0, np.minimum(context, limit), context)
    return context if limit is None else min(context, limit)


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
    value_dim : int or None
        Width of a head's value if it is not head_dim (MiMo-V2).
    gate : bool
        Whether a projection as wide as the queries gates the output (Qwen3-Next).
    value_is_key : bool
        Whether values are the projected keys, and so have no projection of their own (Gemma 4).
    head_gate : bool
        Whether a projection to one number per head gates the output (Step-3.5, Laguna).
    selected : int or None
        Number of cached tokens that a token attends to, of those that it may see; None for all.
    gate_bias : bool
        Whether that has a bias where the queries have one.
    shares_cache : bool
        Whether the layer reads the keys and values of another layer, and so has no projections or
        norms of them and no cache (Gemma 3n).
    input_dim : int or None
        Width that queries, keys and values are projected from if it is not d_model (Zamba).
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
    value_dim: Count | None = None
    gate: bool = False
    shares_cache: bool = False
    input_dim: Count | None = None
    gate_bias: bool = True
    value_is_key: bool = False
    selected: Count | None = None
    head_gate: bool = False

    def __post_init__(self) -> None:
        check_positive("attention", heads=self.heads, kv_heads=self.kv_heads)
        check_positive("attention", head_dim=self.head_dim)
        for name in ("window", "value_dim", "input_dim"):
            if (given := getattr(self, name)) is not None:
                check_positive("attention", **{name: given})
        if isinstance(self.heads, int) and self.heads % self.kv_heads:
            raise ValueError(
                f"attention.kv_heads must divide heads, got {self.kv_heads} for {self.heads} heads"
            )

    @property
    def _value_dim(self) -> Count:
        return self.head_dim if self.value_dim is None else self.value_dim

    @property
    def _keys(self) -> Count:
        """Key and value heads that this layer computes."""
        return 0 * self.kv_heads if self.shares_cache else self.kv_heads

    @property
    def _inputs(self) -> Count:
        """Values that the input is projected to: queries, their gate, keys and values."""
        queries = (2 if self.gate else 1) * self.heads + self._keys
        values = 0 if self.value_is_key else self._keys * self._value_dim
        return queries * self.head_dim + values

    def matmul_weights(self, d_model: Count) -> Count:
        """Query, gate, key, value and output projections."""
        width = d_model if self.input_dim is None else self.input_dim
        gates = d_model * self.heads if self.head_gate else 0
        return width * self._inputs + d_model * self.heads * self._value_dim + gates

    def parameters(self, d_model: Count) -> Count:
        """Projections, their biases and sinks."""
        total = self.matmul_weights(d_model)
        if self.qkv_bias:
            total = total + self._inputs
            if self.gate and not self.gate_bias:
                total = total - self.heads * self.head_dim
        if self.output_bias:
            total = total + d_model
        if self.sinks:
            total = total + self.heads
        return total

    def norm_parameters(self) -> Count:
        """Scales (and biases) of query and key norms."""
        width = self.head_dim if self.qk_norm_dim is None else self.qk_norm_dim
        normed = 1 if self.shares_cache else 2
        if self.qk_norm == "head":
            return normed * width
        if self.qk_norm == "head_with_bias":
            return normed * 2 * width
        if self.qk_norm == "full":
            return (self.heads + self._keys) * self.head_dim
        return 0 * self.heads

    def read_weights(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:
        """2 x context x heads x head_dim for the scores, and as much for the values."""
        seen = context if masked else capped(context, self.selected)
        return 2 * seen * self.heads * (self.head_dim + self._value_dim)

    def cached_score_flops(self, context: int) -> Count:
        """As in any pass."""
        return self.score_flops(context)

    def state_flops(self) -> Count:
        """None."""
        return 0 * self.heads

    def kv_values(self) -> Count:
        """One key and one value per kv head, unless another layer holds them."""
        return self._keys * (self.head_dim + self._value_dim)

    def visible(self, context: int) -> Count:
        """At most the window."""
        return capped(context, self.window)

    def read_values(self, context: int) -> Count:
        """Keys and values of the visible tokens, of whichever layer."""
        seen = capped(self.visible(context), self.selected)
        return self.kv_heads * (self.head_dim + self._value_dim) * seen

    def state_values(self) -> Count:
        """None."""
        return 0 * self.heads

    def kept_values(self, *, repeated: bool) -> Count:
        """Queries, keys, values, input of the output projection, and inputs of query-key norms.

        With a gate, the gate and the ungated output too.
        """
        keys = (self.heads if repeated else self.kv_heads) * (0 if self.shares_cache else 1)
        normed = 0 if self.qk_norm == "none" else self.heads + self._keys
        kept = (self.heads + keys + normed) * self.head_dim + (self.heads + keys) * self._value_dim
        if self.head_gate:
            kept = kept + self.heads * (1 + self._value_dim)
        return kept + 2 * self.heads * self.head_dim if self.gate else kept


@dataclass(frozen=True, slots=True)
class Indexer:
    """The selection of DeepSeek sparse attention (DeepSeek-V3.2-Exp, 2025, equation 1).

    It scores every token with few narrow heads; the attention sees the `top_k` best.

    Parameters
    ----------
    heads, head_dim : int
        Heads of the scores, and their width; one key of this width is cached per token.
    top_k : int
        Tokens that the attention sees.
    shared : bool
        Whether the layer uses the selection of an earlier one, and so has no indexer of its own.
    """

    heads: Count
    head_dim: Count
    top_k: Count
    shared: bool = False

    def __post_init__(self) -> None:
        check_positive("indexer", heads=self.heads, head_dim=self.head_dim, top_k=self.top_k)

    @property
    def _own(self) -> int:
        return 0 if self.shared else 1

    def matmul_weights(self, d_model: Count, query_rank: Count) -> Count:
        """Queries from the queries' latent, one key, and a weight for each head."""
        key_and_weights = d_model * (self.head_dim + self.heads)
        return self._own * (query_rank * self.heads * self.head_dim + key_and_weights)

    def norm_parameters(self) -> Count:
        """Scale and bias of the key's LayerNorm."""
        return self._own * 2 * self.head_dim

    def score_flops(self, context: int) -> Count:
        """Scores of all tokens by every head, and their weighted sum."""
        return self._own * 2 * context * self.heads * (self.head_dim + 1)

    def kv_values(self) -> Count:
        """One key."""
        return self._own * self.head_dim

    def kept_values(self) -> Count:
        """Queries, weights, and the key around its norm."""
        return self._own * (self.heads * (self.head_dim + 1) + 2 * self.head_dim)


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
    indexer : Indexer or None
        Selection of the tokens that a token sees; None for all.
    head_gate : bool
        Whether a projection to one number per head gates the output (Ling 2.5).
    """

    heads: Count
    kv_lora_rank: Count
    rope_dim: Count
    nope_dim: Count
    value_dim: Count
    q_lora_rank: Count | None = None
    bias: bool = False
    indexer: Indexer | None = None
    head_gate: bool = False

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
        """Down- and up-projections of queries, keys and values, the output and the indexer."""
        queries, rank = self.heads * self.head_dim, self._query_rank
        total = (d_model + queries) * rank + d_model * queries * (rank == 0)
        total = total + d_model * (self.kv_lora_rank + self.rope_dim)
        total = total + self.kv_lora_rank * self.heads * (self.nope_dim + self.value_dim)
        total = total + self.heads * self.value_dim * d_model
        if self.head_gate:
            total = total + d_model * self.heads
        if self.indexer is not None:
            total = total + self.indexer.matmul_weights(d_model, rank)
        return total

    def parameters(self, d_model: Count) -> Count:
        """Projections and biases."""
        total = self.matmul_weights(d_model)
        if self.bias:
            total = total + self.kv_lora_rank + self.rope_dim + d_model
            total = total + self._query_rank
        return total

    def norm_parameters(self) -> Count:
        """Scales of the latents' norms, and those of the indexer."""
        own = 0 if self.indexer is None else self.indexer.norm_parameters()
        return self.kv_lora_rank + self._query_rank + own

    def read_weights(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def _selected(self, context: int) -> Count:
        return context if self.indexer is None else capped(context, self.indexer.top_k)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:
        """Scores over nope and rope dims, values over value dims, of the tokens selected.

        An indexer's own scores are over all tokens.
        """
        seen = context if masked else self._selected(context)
        scores = 2 * seen * self.heads * (self.head_dim + self.value_dim)
        return scores if self.indexer is None else scores + self.indexer.score_flops(context)

    def cached_score_flops(self, context: int) -> Count:
        """Scores and values over the cached latents, with the projections absorbed.

        The up-projections of keys and values multiply the query and the output of a head instead of
        every cached latent (section 2.1.2), so a head scores kv_lora_rank + rope_dim values of a
        token and sums kv_lora_rank of them. Their own FLOPs are those of their weights, once a
        token, as in `matmul_weights`.
        """
        each = 2 * self.kv_lora_rank + self.rope_dim
        scores = 2 * self._selected(context) * self.heads * each
        return scores if self.indexer is None else scores + self.indexer.score_flops(context)

    def state_flops(self) -> Count:
        """None."""
        return 0 * self.heads

    def kv_values(self) -> Count:
        """The latent, the shared rotary key, and the indexer's key."""
        own = 0 if self.indexer is None else self.indexer.kv_values()
        return self.kv_lora_rank + self.rope_dim + own

    def visible(self, context: int) -> Count:
        """The whole context, from which an indexer selects."""
        return context

    def read_values(self, context: int) -> Count:
        """Latents and rotary keys of the tokens selected, and every key of the indexer."""
        own = 0 if self.indexer is None else self.indexer.kv_values()
        return (self.kv_lora_rank + self.rope_dim) * self._selected(context) + own * context

    def state_values(self) -> Count:
        """None."""
        return 0 * self.heads

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002 - each head has its own keys
        """Queries, keys, values and output of every head, and the latents around their norms.

        With a gate, its numbers and the ungated output too; and what the indexer keeps.
        """
        heads = self.heads * (2 * self.head_dim + 2 * self.value_dim)
        latents = 2 * self.kv_lora_rank + self.rope_dim
        kept = heads + latents + 2 * self._query_rank
        if self.head_gate:
            kept = kept + self.heads * (1 + self.value_dim)
        return kept if self.indexer is None else kept + self.indexer.kept_values()
