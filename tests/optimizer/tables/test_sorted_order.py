"""Rows sorted by several keys at once, against NumPy's sort by each in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelsizer.optimizer.tables.sorted_order import packed, sorted_order


def keys_of(seed: int) -> list[NDArray[Any]]:
    """Keys of few and of many values, of every kind, some constant, some too large to join."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(0, 300))
    makers = (
        lambda: rng.integers(0, 4, rows).astype(np.uint8),
        lambda: rng.integers(-(2**61), 2**61, rows) * rng.integers(0, 2, rows),
        lambda: rng.choice([0.1, 0.2, -np.inf, np.inf], rows),
        lambda: np.broadcast_to(7, rows),
        lambda: rng.integers(0, 2**32, rows).astype(np.uint32) // 2**30,
        lambda: np.full(rows, 2**70, dtype=object) + rng.integers(0, 2, rows),
    )
    return [makers[int(i)]() for i in rng.integers(0, len(makers), int(rng.integers(1, 7)))]


@pytest.mark.parametrize("seed", range(60))
def test_order_is_that_of_lexsort(seed: int) -> None:
    keys = keys_of(seed)
    ranks = [np.unique(key, return_inverse=True)[1] for key in keys]
    assert (sorted_order(keys) == np.lexsort(ranks[::-1])).all()


def test_integers_of_few_values_are_one_key() -> None:
    rng = np.random.default_rng(0)
    keys = [rng.integers(0, 1000, 50) for _ in range(6)]
    assert len(packed(keys)) == 1
    assert len(packed([*keys, rng.integers(0, 1000, 50)])) == 2
