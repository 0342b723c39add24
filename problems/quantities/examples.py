"""Random architectures with every kind of layer, at which costs are tested."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.structures import BETWEEN, FULL_KINDS, Structure

Widths = dict[str, NDArray[np.int64]]

_ENDS = {
    "d_model": (128, 20_000),
    "vocab_size": (1_000, 300_000),
    "kv_heads": (1, 16),
    "head_dim": (32, 256),
    "window": (1, 16_384),
    "d_ff": (256, 80_000),
    "routed_experts": (64, 1_024),
    "active_experts": (1, 64),
    "expert_d_ff": (64, 20_000),
    "shared_experts": (0, 4),
    "kv_lora_rank": (128, 2_048),
    "q_lora_rank": (1, 2_048),
    "rope_dim": (32, 128),
    "nope_dim": (64, 256),
    "value_dim": (64, 256),
    "linear_heads": (1, 256),
    "linear_head_dim": (16, 128),
    "linear_state": (16, 256),
    "linear_key_dim": (16, 256),
    "linear_value_dim": (16, 256),
}
"""Ranges from which widths are drawn, wider than in any current model."""
_OTHERS = (1, 16)
_MULTIPLES = {"heads": "kv_heads", "linear_value_heads": "linear_key_heads"}
"""Widths that are multiples of another, where a structure has both."""
_TIED = "tied_embeddings"


def structures(block: str) -> Iterator[Structure]:
    """Structures of a block that have every kind of layer among them."""
    for between, attention in zip(BETWEEN, cycle(FULL_KINDS)):
        yield Structure(block, attention, between, dense=True, experts=True)


@cache
def ordered_pairs(structure: Structure, points: int, seed: int) -> tuple[Widths, Widths]:
    """Random widths, and others that are nowhere less, with embeddings untied where they differ.

    Of a row and its pair one width differs, by 1 or by more, or all may.

    Parameters
    ----------
    structure : Structure
    points : int
        Number of rows.
    seed : int

    Returns
    -------
    low, high : dict of str to array of shape (points,)
    """
    random, names = np.random.default_rng(seed), structure.widths
    low: Widths = {}
    high: Widths = {}
    for name in names:
        least, most = (0, 1) if name == _TIED else _ENDS.get(name, _OTHERS)
        low[name] = random.integers(least, most, points, endpoint=True)
        next_one = low[name] + (low[name] < most)
        further = random.integers(low[name], most, endpoint=True)
        high[name] = np.where(random.integers(0, 2, points) == 0, next_one, further)
    high[_TIED] = 0 * low[_TIED]
    for name, of in _MULTIPLES.items():
        if name in names and of in names:
            high[of] = low[of] * random.integers(1, 4, points, endpoint=True)
            low[name] = high[of] * random.integers(1, 16, points, endpoint=True)
            high[name] = low[name] + high[of] * random.integers(0, 3, points, endpoint=True)
    turn = np.arange(points) % (len(names) + 1)
    for position, name in enumerate(names):
        raised = (turn == position) | (turn == len(names))
        high[name] = np.where(raised, high[name], low[name])
    return low, high
