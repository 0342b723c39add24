"""Bounds are good, not only right: few blocks are read, and few designs are left to compare."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from tests.support.fine_menus import FIXED_2T, ONE_H100
from tests.support.shared import LAW_ALONE

LARGE: dict[str, Any] = {
    "space.layers": {"min": 4, "max": 256},
    "space.d_model": {"min": 512, "max": 16384, "step": 64},
    "space.vocab_size": {"min": 32000, "max": 256000, "step": 128},
    "space.ffn_ratio": {"min": 1, "max": 6, "step": 0.1},
}
"""Over two billion designs."""
MIXTURES: dict[str, Any] = {
    "objective.law": "ludziejewski-2025",  # which counts active parameters, and no leverage of them
    "space.layers": {"min": 8, "max": 128},
    "space.d_model": {"min": 1024, "max": 8192, "step": 64},
    "space.kv_heads": [2, 4, 8],
    "space.experts.routed": [0, 32, 64, 128, 256],
    "space.experts.active": [1, 2, 3, 4, 5, 6, 8, 10],
    "space.experts.granularity": [2, 3, 4, 5, 6, 7, 8, 10],
    "space.experts.shared": [0, 1, 2],
    "space.experts.dense_layers": [0, 1, 3],
}
"""56 million designs."""


@pytest.mark.parametrize(
    ("name", "settings", "left", "blocks"),
    [
        ("one-h100-1e24", ONE_H100 | LAW_ALONE, 4717, 0),
        ("one-h100-1e24", ONE_H100, 4996, 0),
        ("one-h100-1e24", {"objective.law": "kaplan-2020", "objective.shape": "none"}, 104, 0),
        ("phone-2gb", LAW_ALONE, 77, 0),
        ("phone-2gb", {}, 46, 0),
        ("served-10t-tokens", LAW_ALONE, 1300, 0),
        ("served-10t-tokens", {}, 1543, 0),
        ("fixed-2t-tokens", FIXED_2T | LARGE, 946, 34811),
        ("one-h100-1e24", ONE_H100 | LARGE, 38470, 70727),
        ("one-h100-1e24", ONE_H100 | LARGE | {"objective.law": "kaplan-2020"}, 1, 60099),
        ("mixture-30b-a3b", MIXTURES, 1485, 55925),
    ],
)
def test_the_search_looks_at_no_more_than_it_did(
    name: str, settings: dict[str, Any], left: int, blocks: int
) -> None:
    """Of as many as when this was written, a tenth more for rounding and better orders."""
    found = solve(Problem.load(name, settings), solver="bound")
    assert found.status == "optimal"
    assert found.statistics["left"] <= 1.1 * left
    assert found.statistics["blocks"] <= 1.1 * blocks
