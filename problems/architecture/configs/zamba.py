"""Zamba and Zamba2: Mamba layers, before some of which a shared transformer block comes.

A shared block is a layer of its own here, which holds its weights where it comes first. Its
attention sees the hidden states beside the embeddings, so its queries, keys and values, and its
first norm, are twice as wide; a projection of d_model x d_model follows it, and in Zamba2
low-rank adapters for every use (arXiv 2405.16712 and 2411.15242).
"""

from __future__ import annotations

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.configs.decoder import dense, trunk
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.layouts import LINEAR, former
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.configs.states import STATE_MIXERS
from modelsizer.problems.architecture.feedforward import DenseFeedForward, NoFeedForward
from modelsizer.problems.errors import short

HYBRID = "hybrid"
_PERIODS = ((5, 7), (4, 1), (3, 1))
"""Mamba layers before a hybrid one, and how often, in Zamba2's default after the first layer."""


def _words(f: Fields, t: ModelType) -> list[str]:
    """Kind of each layer."""
    words = f.list_of("layers_block_type", str, "text")
    if words is not None:
        words = former(words)
    elif "attn_layer_period" in t.defaults:
        period, offset = f.count("attn_layer_period"), f.count("attn_layer_offset", least=0)
        rest = range(f.layers("num_hidden_layers") - 3)
        words = [LINEAR, LINEAR, HYBRID]
        words += [HYBRID if i % period == offset else LINEAR for i in rest]
    else:
        words = [LINEAR]
        for before, times in _PERIODS:
            words += [*[LINEAR] * before, HYBRID] * times
        words += [LINEAR] * 2
    for word in words:
        if word not in (LINEAR, HYBRID):
            raise ConfigError(f"layers_block_type: {short(word)} is not {LINEAR} or {HYBRID}")
    depth = f.count("num_hidden_layers")
    if depth != len(words):
        f.notes.append(f"num_hidden_layers = {depth} is ignored: {len(words)} layers are listed")
    return words


def _attention(f: Fields, t: ModelType, d: int) -> FullAttention:
    """Attention of the shared block."""
    heads = f.count("num_attention_heads")
    head_dim, width = 2 * d // heads, 2 * d
    if t.head_dim != "quotient":
        head_dim = f.maybe("attention_head_dim", least=0) or head_dim
        given = f.maybe("attention_hidden_size", least=0) or width
        if given != width:
            raise ConfigError(f"attention_hidden_size = {given}: only 2 x hidden_size is counted")
    kv_heads = f.maybe("num_key_value_heads") or heads
    return FullAttention(heads, kv_heads, head_dim, input_dim=width)


def _adapters(f: Fields, t: ModelType, d: int, ffn: DenseFeedForward) -> int:
    """Weights of the low-rank adapters of one use of a shared block."""
    if "adapter_rank" not in t.defaults:
        return 0
    rank = f.count("adapter_rank")
    weights: int = rank * (d + 2 * ffn.d_ff)
    if f.flag("use_shared_attention_adapter", False):
        weights += 3 * rank * 4 * d  # queries, keys and values, of 2 d in and out each
    return weights


def _slots(f: Fields, hybrids: int) -> int:
    """Uses of shared blocks that the library makes adapters for.

    It lists them before it reads the layers by their other name, `layer_types`.
    """
    listed = f.list_of("hybrid_layer_ids", int, "layer numbers")
    if listed is not None:
        return len(listed)
    default = sum(times for _, times in _PERIODS)
    return default if f.named("layers_block_type") == "layer_types" else hybrids


def zamba(f: Fields, t: ModelType) -> Architecture:
    """``model_type = "zamba"`` and ``"zamba2"``."""
    d = f.count("hidden_size")
    ffn = dense(f, t)
    assert isinstance(ffn, DenseFeedForward)
    attention = _attention(f, t, d)
    mamba = Layer(STATE_MIXERS[t.mixers[LINEAR]](f, t), NoFeedForward(), 1)
    blocks = f.count("num_mem_blocks", 1)
    adapters = _adapters(f, t, d, ffn)
    outside = trunk(f, t)
    words = _words(f, t)
    hybrids = words.count(HYBRID)
    slots = _slots(f, hybrids)
    tied = bool(outside.tied_embeddings)
    stack: list[Layer] = []
    use = 0
    for word in words:
        if word == HYBRID:
            # The library shares no block unless it ties the embedding. Each block that holds
            # weights has the adapters of all uses of them, here or elsewhere.
            shared = tied and use >= blocks
            used = len(range(use % blocks, hybrids, blocks)) if tied else 1
            idle = 0 if shared else max(0, len(range(use % blocks, slots, blocks)) - used)
            block = Layer(attention, ffn, 3, shared, d * d + adapters, idle * adapters)
            stack.append(block)
            use += 1
        stack.append(mamba)
    if hybrids:
        f.notes.append(
            f"{hybrids} hybrid layers are counted as two each: the shared block, and Mamba after it"
        )
    return Architecture.of_layers(outside, stack)
