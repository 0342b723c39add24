"""Experts that the tokens of a step reach, in expectation."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer.problems.architecture.feedforward import MixtureOfExperts


def test_experts_reached_grow_with_the_batch() -> None:
    ffn = MixtureOfExperts(128, 64, 4)
    each = 3 * 64 * 128
    routed = [ffn.read_weights(64, n) - 64 * 64 for n in (1, 16, 10_000)]
    assert routed[0] == 4 * each
    assert 4 * each < routed[1] < 64 * each
    assert routed[2] == pytest.approx(64 * each, rel=1e-9)


def test_experts_reached_never_fall() -> None:
    for tokens in (1, 2, 3, 17, 256, 8192, 10**6):
        more_routed = np.arange(8, 3000)
        more_active = np.arange(1, 65)
        for routed, active in (
            (more_routed, 0 * more_routed + 8),
            (0 * more_active + 64, more_active),
        ):
            ffn = MixtureOfExperts(0 * routed + 1536, routed, active)
            read = ffn.read_experts(0 * routed + 4096, tokens)
            assert (np.diff(read) >= 0).all()
            alone = MixtureOfExperts(1536, int(routed[40]), int(active[40]))
            assert alone.read_experts(4096, tokens) == read[40]
