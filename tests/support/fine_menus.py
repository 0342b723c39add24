"""Finer menus than those of the library's problems, for tests that need many designs."""

from __future__ import annotations

from typing import Any

ONE_H100: dict[str, Any] = {
    "space.d_model": {"min": 1024, "max": 16384, "step": 128},
    "space.kv_heads": [1, 2, 4, 8, 16],
}
FIXED_2T: dict[str, Any] = {
    "space.layers": {"min": 8, "max": 128},
    "space.d_model": {"min": 1024, "max": 12288, "step": 128},
    "space.kv_heads": [4, 8],
    "space.ffn_ratio": 3.5,
    "space.aspect_ratio": {"min": 48, "max": 160},
}
CLUSTER: dict[str, Any] = {
    "space.layers": {"min": 24, "max": 128},
    "space.d_model": {"min": 4096, "max": 16384, "step": 256},
    "space.kv_heads": [8, 16],
    "space.ffn_ratio": [3.5, 4.0],
    "space.aspect_ratio": {"min": 1},
}
EXERCISE: dict[str, Any] = {
    "space.layers": {"min": 8, "max": 160},
    "space.d_model": {"min": 1024, "max": 16384, "step": 128},
    "space.head_dim": [64, 128],
}
FINE: dict[str, dict[str, Any]] = {
    "one-h100-1e24": ONE_H100,
    "fixed-2t-tokens": FIXED_2T,
    "h100-cluster-90-days": CLUSTER,
    "exercise-1e24": EXERCISE,
}
"""By the name of the problem."""
