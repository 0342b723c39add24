"""FLOPs of layers that hold a state, as `torch.utils.flop_counter` counts the library's eager code.

The eager code pads a sequence to chunks and works with matrix products inside and between them;
the counter sees these, and no product of single values. Ours are those of the recurrent form
(`modelsizer.problems.architecture.state_space`), so only the projections and the convolution are
the same; this module has what takes the place of the rest.
"""

from __future__ import annotations

from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import Mixer, mixers
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2

_CHUNK = 64  # of the library's delta rules


def _convolution(channels: int, taps: int, sequence: int) -> int:
    """A convolution over a sequence that is padded at both ends."""
    return 2 * channels * taps * (sequence + taps - 1)


def _mamba2(m: Mamba2, sequence: int, chunk: int) -> int:
    n = -(-sequence // chunk)
    state = m.mamba_heads * m.mamba_head_dim * m.state
    inside = n * chunk**2 * m.mamba_heads * (m.state + m.mamba_head_dim)
    # States of the chunks, their recurrence from chunk to chunk, and what the states give.
    return 2 * (inside + (2 * n * chunk + (n + 1) ** 2) * state)


def _delta(m: GatedDeltaNet, sequence: int) -> int:
    n = -(-sequence // _CHUNK)
    # Keys times keys and queries times keys; of Kimi's, products with the inverse instead.
    inside = m.key_dim + 2 * m.value_dim if m.channel_decay else 2 * m.key_dim + m.value_dim
    each = 3 * _CHUNK * m.key_dim * m.value_dim + _CHUNK**2 * inside
    return 2 * n * m.value_heads * each


def _lightning(m: LightningAttention, sequence: int, block: int) -> int:
    found, width = 0, m.state_head_dim
    for start in range(0, sequence, block):
        tokens = min(block, sequence - start)
        found += 2 * m.state_heads * width * (2 * tokens**2 + 2 * tokens * width)
    return found


def _eager(m: Mixer, config: Any, sequence: int) -> int:
    """What the counter counts of the convolution and recurrence of one sequence."""
    if isinstance(m, Mamba):
        return _convolution(m.inner, m.conv, sequence) + 2 * m.inner * m.state * sequence
    if isinstance(m, Mamba2):
        chunk = getattr(config, "chunk_size", None) or config.mamba_chunk_size
        channels = m.mamba_heads * m.mamba_head_dim + 2 * m.groups * m.state
        return _convolution(channels, m.conv, sequence) + _mamba2(m, sequence, chunk)
    if isinstance(m, GatedDeltaNet):
        channels = 2 * m.key_heads * m.key_dim + m.value_heads * m.value_dim
        return _convolution(channels, m.conv, sequence) + _delta(m, sequence)
    if isinstance(m, LightningAttention):
        return _lightning(m, sequence, config.block_size)
    if isinstance(m, ShortConvolution):
        return _convolution(m.width, m.conv, sequence)
    if isinstance(m, GatedRecurrence):
        return _convolution(m.inner, m.conv, sequence)
    return 0


def eager_difference(ours: Architecture, config: Any, batch: int, sequence: int) -> int:
    """What the counter counts more than ours of a pass over a batch of sequences."""
    return batch * sum(
        group.count * (_eager(part, config, sequence) - sequence * part.state_flops())
        for group in ours.groups
        for part in mixers(group.layer.attention)
    )
