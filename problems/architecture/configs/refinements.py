"""What some types change of the attention that a row describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelsizer.problems.architecture.attention import FullAttention, Indexer, LatentAttention
from modelsizer.problems.architecture.compressed_attention import BlockIndexer
from modelsizer.problems.architecture.configs.fields import Fields
from modelsizer.problems.architecture.mixers import Several


def indexed(attention: LatentAttention, f: Fields, *, shared: bool = False) -> LatentAttention:
    """Latent attention with an indexer, or with the selection of an earlier layer's."""
    indexer = Indexer(
        f.count("index_n_heads"), f.count("index_head_dim"), f.count("index_topk"), shared
    )
    return replace(attention, indexer=indexer)


def by_blocks(attention: FullAttention, f: Fields) -> Several:
    """Attention to the blocks that an indexer selects (MiniMax-M3), the nearest among them."""
    held = f.count("index_block_size") * f.count("index_topk_blocks")
    indexer = BlockIndexer(f.count("index_n_heads"), f.count("index_head_dim"))
    return Several((replace(attention, selected=held), indexer))


def doubled_with_sinks(attention: FullAttention) -> FullAttention:
    """Windowed attention of MiMo-V2: twice the kv heads of full attention, and sinks."""
    return replace(attention, kv_heads=2 * attention.kv_heads, sinks=True)


def gated(attention: FullAttention, f: Fields) -> FullAttention:
    """A gate of the output: one number per head, or with another word one per value (Laguna)."""
    per_head = f.take("gating", True) in (True, "per-head")
    return replace(attention, gate=not per_head, gate_bias=False, head_gate=per_head)


def with_sliding_heads(attention: FullAttention, f: Fields) -> FullAttention:
    """Windowed layers with query heads of their own (Step-3.5)."""
    other = f.take("attention_other_setting")
    inner = Fields(other if isinstance(other, Mapping) else {}, {})
    own = inner.maybe("num_attention_heads", attention.heads)
    return replace(attention, heads=f.maybe("num_sliding_attention_heads") or own)
