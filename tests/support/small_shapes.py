"""A small space, and the listing of its shapes of one size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer import Problem
from modelsizer.optimizer.surveys.depth_width import depth_width
from modelsizer.optimizer.surveys.depth_width_rows import DepthWidth

TABLES: dict[str, Any] = {
    "name": "small",
    "space": {
        "layers": {"min": 8, "max": 40},
        "d_model": {"min": 1024, "max": 2048, "step": 128},
        "head_dim": [64, 128],
        "kv_heads": [4, 8],
        "ffn_ratio": [2.6667, 3.3, 4.0],
        "vocab_size": 32000,
    },
    "training": {"sequence_length": 4096},
    "serving": {"accelerator": "H100-SXM", "batch_size": 32, "context_length": 8192},
    "budgets": {"training_flops": 1e22, "kv_cache": "20 GB"},
    "objective": {"ablations": "none"},
}
SIZE = 800_000_000
TOLERANCE = 0.04


def problem(settings: Mapping[str, object]) -> Problem:
    return Problem.from_tables(TABLES).with_settings(settings)


def shapes(settings: Mapping[str, object] | None = None, layers: int | None = None) -> DepthWidth:
    """The shapes of `SIZE`, of a habitual depth too."""
    return depth_width(problem(settings or {}), SIZE, TOLERANCE, layers)
