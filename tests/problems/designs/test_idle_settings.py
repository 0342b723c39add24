"""Settings of what a model does not have."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.idle_settings import idle_in_model


@pytest.mark.parametrize(
    ("model", "key", "what"),
    [
        ("llama-3-8b", "serving.weight_bits.experts", "weights of experts"),
        ("gpt2", "serving.weight_bytes.head", "weights of head"),
        ("llama-3-8b", "serving.state_bytes", "states"),
        ("falcon-mamba-7b", "serving.kv_bits", "cache"),
    ],
)
def test_what_a_model_has_not_is_named(model: str, key: str, what: str) -> None:
    found = idle_in_model(load_architecture(model), [key, "serving.batch_size"])
    assert found == (f"{key} changes no figure: the model has no {what}",)


@pytest.mark.parametrize("model", ["jamba-v0.1", "qwen3-next-80b-a3b"])
def test_a_hybrid_mixture_has_every_part(model: str) -> None:
    keys = ["serving.weight_bits.experts", "serving.kv_bits", "serving.state_bytes"]
    assert not idle_in_model(load_architecture(model), keys)
