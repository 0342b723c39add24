"""Attention to a context that is compressed, or selected by blocks.

The parts of one layer stand side by side in `Several`: the attention, and what compresses or
selects. Sizes are those of transformers 5.24, ``modeling_deepseek_v4.py`` and
``modeling_minimax_m3_vl.py``. Fields may be NumPy integer arrays in place of integers.
"""

from __future__ import annotations

import numpy as np

from modelsizer.problems.architecture.attention import capped
from modelsizer.problems.architecture.mixers import Count, check_positive
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class SharedKeyAttention:
    """Attention whose one key is its value too (DeepSeek-V4, 2026, section 2.3).

    Queries come from a latent, and groups of heads are projected to a latent before the output.

    Parameters
    ----------
    heads, head_dim : int
    q_lora_rank : int
        Width of the queries' latent.
    groups, group_rank : int
        Groups of heads of the output projection, and the width that each is projected to.
    window : int
        Number of tokens that a token sees, including itself.
    """

    heads: Count
    head_dim: Count
    q_lora_rank: Count
    groups: Count
    group_rank: Count
    window: Count

    def __post_init__(self) -> None:
        check_positive("attention", heads=self.heads, head_dim=self.head_dim, window=self.window)
        check_positive("attention", q_lora_rank=self.q_lora_rank, groups=self.groups)
        check_positive("attention", group_rank=self.group_rank)

    @property
    def kv_heads(self) -> Count:
        """One."""
        return 0 * self.heads + 1

    def matmul_weights(self, d_model: Count) -> Count:
        """Projections of queries, the key, and the output."""
        wide = self.heads * self.head_dim
        queries = self.q_lora_rank * (d_model + wide)
        return queries + d_model * self.head_dim + self.group_rank * (wide + self.groups * d_model)

    def parameters(self, d_model: Count) -> Count:
        """Projections, and a sink for each head."""
        return self.matmul_weights(d_model) + self.heads

    def norm_parameters(self) -> Count:
        """Scales of the norms of the queries' latent and of the key."""
        return self.q_lora_rank + self.head_dim

    def read_weights(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:  # noqa: ARG002
        """Scores, and as much for the values."""
        return 4 * context * self.heads * self.head_dim

    def cached_score_flops(self, context: int) -> Count:
        """As in any pass."""
        return self.score_flops(context)

    def state_flops(self) -> Count:
        """None."""
        return 0 * self.heads

    def kv_values(self) -> Count:
        """One key."""
        return self.head_dim + 0 * self.heads

    def visible(self, context: int) -> Count:
        """At most the window."""
        return capped(context, self.window)

    def read_values(self, context: int) -> Count:
        """Keys of the visible tokens."""
        return self.kv_values() * self.visible(context)

    def state_values(self) -> Count:
        """None."""
        return 0 * self.heads

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002 - one key
        """Queries and output of every head, the latents around norm and groups, and the key."""
        latents = 2 * self.q_lora_rank + 2 * self.head_dim + self.groups * self.group_rank
        return 2 * self.heads * self.head_dim + latents


@dataclass(frozen=True, slots=True)
class Compressor:
    """One key for every `rate` tokens, which the attention beside it sees too (DeepSeek-V4).

    Parameters
    ----------
    heads, head_dim : int
        Of the attention.
    rate : int
        Tokens that are compressed to one key.
    overlap : int
        Keys that each token contributes to: 1, or 2 where compressed blocks overlap.
    index_heads, index_dim, top_k, query_rank : int
        Heads and width of an indexer, how many compressed keys it selects, and the width of the
        queries' latent that it reads; all 0 without one.

    Notes
    -----
    Cached values per token are those per compressed key over `rate`, rounded up.
    """

    heads: Count
    head_dim: Count
    rate: Count
    overlap: Count = 1
    index_heads: Count = 0
    index_dim: Count = 0
    top_k: Count = 0
    query_rank: Count = 0

    def __post_init__(self) -> None:
        check_positive("compressor", heads=self.heads, head_dim=self.head_dim, rate=self.rate)

    @property
    def kv_heads(self) -> Count:
        """One."""
        return 0 * self.heads + 1

    @property
    def _block(self) -> Count:
        """Tokens to one compressed key, 1 in a row of a table without such layers."""
        return self.rate + (self.rate == 0)

    def _selected(self, keys: Count) -> Count:
        """Compressed keys that the attention sees."""
        limited = isinstance(self.top_k, np.ndarray) or self.top_k
        return capped(keys, self.top_k) if limited else keys

    def matmul_weights(self, d_model: Count) -> Count:
        """Keys and their gates, and the indexer's; its queries and the weights of its heads."""
        keys = 2 * d_model * self.overlap * (self.head_dim + self.index_dim)
        queries = self.query_rank * self.index_heads * self.index_dim
        return keys + queries + d_model * self.index_heads

    def parameters(self, d_model: Count) -> Count:
        """Projections, and a bias for each place of a block."""
        biases = self.rate * self.overlap * (self.head_dim + self.index_dim)
        return self.matmul_weights(d_model) + biases

    def norm_parameters(self) -> Count:
        """Scales of the keys' norms."""
        return self.head_dim + self.index_dim

    def read_weights(self, d_model: Count) -> Count:
        """All projections."""
        return self.matmul_weights(d_model)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:
        """Scores and values of the compressed keys selected, and the indexer's scores of all."""
        keys = context // self._block
        seen = keys if masked else self._selected(keys)
        indexed = 2 * keys * self.index_heads * self.index_dim
        return 4 * seen * self.heads * self.head_dim + indexed

    def cached_score_flops(self, context: int) -> Count:
        """As in any pass."""
        return self.score_flops(context)

    def state_flops(self) -> Count:
        """None."""
        return 0 * self.heads

    def kv_values(self) -> Count:
        """A key of the attention and one of the indexer, every `rate` tokens."""
        return (self.head_dim + self.index_dim + self._block - 1) // self._block

    def visible(self, context: int) -> Count:
        """The whole context."""
        return context

    def read_values(self, context: int) -> Count:
        """The compressed keys selected, and all of the indexer's."""
        keys = context // self._block
        return self.head_dim * self._selected(keys) + self.index_dim * keys

    def state_values(self) -> Count:
        """Keys and gates of a block that is not full, and of the one before it."""
        blocks = self.rate - 1 + (self.overlap - 1) * self.rate
        return 2 * blocks * self.overlap * (self.head_dim + self.index_dim)

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002 - one key
        """Keys and gates, the indexer's queries and weights."""
        keys = 2 * self.overlap * (self.head_dim + self.index_dim)
        return keys + self.index_heads * (self.index_dim + 1)


@dataclass(frozen=True, slots=True)
class BlockIndexer:
    """Scores of the context by few heads; the attention beside it sees the best blocks.

    MiniMax-M3 (2026). The attention's own `selected` says how many tokens they hold.

    Parameters
    ----------
    index_heads, index_dim : int
        Heads of the scores, and their width; one key of this width is cached per token.
    """

    index_heads: Count
    index_dim: Count

    def __post_init__(self) -> None:
        check_positive("indexer", index_heads=self.index_heads, index_dim=self.index_dim)

    @property
    def heads(self) -> Count:
        """None of the attention."""
        return 0 * self.index_heads

    @property
    def kv_heads(self) -> Count:
        """One."""
        return 0 * self.index_heads + 1

    @property
    def head_dim(self) -> Count:
        """None of the attention."""
        return 0 * self.index_heads

    def matmul_weights(self, d_model: Count) -> Count:
        """Queries and one key."""
        return d_model * (self.index_heads + 1) * self.index_dim

    def parameters(self, d_model: Count) -> Count:
        """Projections."""
        return self.matmul_weights(d_model)

    def norm_parameters(self) -> Count:
        """Scales of the norms of queries and key."""
        return 2 * self.index_dim

    def read_weights(self, d_model: Count) -> Count:
        """Projections."""
        return self.matmul_weights(d_model)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:  # noqa: ARG002
        """Scores of all tokens by every head."""
        return 2 * context * self.index_heads * self.index_dim

    def cached_score_flops(self, context: int) -> Count:
        """As in any pass."""
        return self.score_flops(context)

    def state_flops(self) -> Count:
        """None."""
        return 0 * self.index_heads

    def kv_values(self) -> Count:
        """One key."""
        return self.index_dim + 0 * self.index_heads

    def visible(self, context: int) -> Count:
        """The whole context."""
        return context + 0 * self.index_heads

    def read_values(self, context: int) -> Count:
        """Every key."""
        return self.kv_values() * context

    def state_values(self) -> Count:
        """None."""
        return 0 * self.index_heads

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002 - one key
        """Queries and key, around their norms."""
        return 2 * (self.index_heads + 1) * self.index_dim
