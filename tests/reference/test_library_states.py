"""States and FLOPs of layers that hold a state, against the library and torch's counter."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.designs.description import describe
from tests.support.library.counting import library_config
from tests.support.library.drawing import random_config
from tests.support.library.recurrences import eager_difference
from tests.support.library.running import cached_values, forward_flops

TYPES = sorted(name for name, row in model_types().items() if row.linear)
NO_CACHE_OBJECT = "recurrent_gemma"
SMALL = 3_000_000
SEEDS = range(20)
MIXED = ["full_attention", "linear_attention", "linear_attention"]
WITH_ATTENTION: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [0], "num_hidden_layers": 3},
    "granitemoehybrid": {"layer_types": MIXED, "num_hidden_layers": 3},
}
"""Fields of types of which the draws rarely have attention, which the library's cache wants."""


@pytest.mark.reference
@pytest.mark.parametrize("kind", TYPES)
def test_states_and_flops(kind: str) -> None:
    pytest.importorskip("transformers")
    states = 0
    for seed in SEEDS:
        config = random_config(kind, seed) | WITH_ATTENTION.get(kind, {})
        ours = read_config(config)
        found = describe(ours, batch=2, sequence=24)
        if found.parameters.total > SMALL:
            continue
        differ = eager_difference(ours, library_config(config), 2, 24)
        try:
            flops = forward_flops(config)
            values, held = cached_values(config)
        except (RuntimeError, ValueError):  # the library cannot run it, or not with a cache
            continue
        assert flops == found.forward_flops + differ, config
        mixers = [(group.count, group.layer.attention) for group in ours.groups]
        assert sum(n * mixer.state_values() for n, mixer in mixers) == held, config
        if kind != NO_CACHE_OBJECT:
            assert sum(n * mixer.kv_values() for n, mixer in mixers) == values, config
        states += bool(held)
        if states == 3:
            break
    assert states
