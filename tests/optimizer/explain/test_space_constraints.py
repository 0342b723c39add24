"""Menus continued beyond their ends."""

from __future__ import annotations

from modelsizer import Problem
from modelsizer.optimizer.explain.relaxer import Relaxer
from modelsizer.problems.tables.menus import Steps


def test_ends_of_the_space_reach_to_the_universe_in_their_own_steps() -> None:
    base = Problem.load("one-h100-1e24").with_settings(
        {"space.layers": {"min": 10, "max": 40, "step": 4}, "space.d_model": [2048, 3072, 4608]}
    )
    relaxer = Relaxer(base)
    wide = relaxer.problem([k for k in relaxer.keys if k.startswith("budgets")]).space
    assert isinstance(wide.layers, Steps)
    assert (wide.layers.numbers[0], wide.layers.numbers[-1]) == (2, 1022)
    assert set(base.space.layers.numbers) <= set(wide.layers.numbers)
    widths = wide.d_model.numbers  # on by 512, the gcd of 1024 and 1536; 2560 stays left out
    assert (widths[0], widths[-1]) == (512, 65536)
    assert 1536 in widths
    assert 2560 not in widths
    assert wide.aspect_ratio is None
    assert relaxer.problem(relaxer.keys).space == base.space
