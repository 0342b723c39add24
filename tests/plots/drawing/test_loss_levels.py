"""Steps of colour of losses show small models and the best ones at once."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer.plots.drawing.loss_levels import gap_edges


@pytest.mark.parametrize("seed", range(20))
def test_edges_hold_every_loss_and_tell_many_apart(seed: int) -> None:
    random = np.random.default_rng(seed)
    spread = 10.0 ** random.uniform(-3, 1)
    loss = 1.7 + spread * random.random(300) ** random.uniform(0.5, 4)
    loss[::7] = np.nan
    edges = gap_edges(loss)
    gaps = loss[np.isfinite(loss)] - np.nanmin(loss)
    assert edges[0] == 0 and (np.diff(edges) > 0).all() and len(edges) <= 13
    assert gaps.max() <= edges[-1] < 2.6 * gaps.max()
    assert all(f"{edge:e}"[0] in "125" for edge in edges[1:])
    counts, _ = np.histogram(gaps, edges)
    assert (counts[1:] > 0).mean() > 0.7  # few colours stand for nothing
    assert counts.max() < 0.75 * len(gaps)  # and none for almost everything


def test_one_loss_and_none() -> None:
    assert len(gap_edges([2.0, 2.0])) == len(gap_edges([2.0])) == len(gap_edges([np.nan])) == 2
    assert gap_edges([2.0, 2.00003]).max() >= 3e-5
