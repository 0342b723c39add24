"""Parameters and FLOPs of published models, to the unit."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import (
    count_parameters,
    forward_flops,
    training_flops_per_token,
)
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from tests.support.architectures import dense_layer
from tests.support.shared import reference_json

BLOCK_OF = {
    "llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma": "llama",
    "gemma2": "gemma2", "olmo2": "olmo2", "gpt2": "gpt2", "gpt_neox": "gpt-neox",
}  # fmt: skip
NAMES = (
    "gpt2", "gpt2-medium", "llama-7b", "llama-30b", "llama-2-70b", "llama-3-8b", "llama-3-70b",
    "llama-3.2-1b", "smollm2-135m", "smollm2-1.7b", "mistral-7b", "qwen2.5-0.5b", "qwen2.5-3b",
    "qwen2.5-7b", "qwen2.5-14b", "qwen3-0.6b", "qwen3-8b", "gemma-2b", "gemma-2-9b",
    "pythia-1.4b", "pythia-6.9b", "olmo2-7b",
)  # fmt: skip


def architecture(config: dict[str, Any]) -> Architecture:
    """Dense models of the blocks that exist so far, from Hugging Face's field names."""
    kind = config["model_type"]
    block = BLOCKS[BLOCK_OF[kind]]
    d = config.get("hidden_size", config.get("n_embd", 768))
    layers = config.get("num_hidden_layers", config.get("n_layer", 12))
    heads = config.get("num_attention_heads", config.get("n_head", 12))
    layer = dense_layer(
        block.name,
        heads,
        config.get("num_key_value_heads", heads),
        config.get("head_dim", d // heads),
        config.get("intermediate_size", 4 * d),
    )
    tied = config.get("tie_word_embeddings", kind in ("gpt2", "gemma", "gemma2"))
    trunk = block.trunk(d, config.get("vocab_size", 50257), tied, 1024)
    return Architecture(trunk, (LayerGroup(layer, layers),), block.name)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_to_the_unit(name: str) -> None:
    models = {m["name"]: m for m in reference_json("real_models.json")["models"]}
    found = count_parameters(architecture(models[name]["config"]))
    want = models[name]["params"]
    for component, count in want.items():
        assert getattr(found, component) == count, component
    assert found.active == want["total"]


def test_flops_equal_counted_ones() -> None:
    for run in reference_json("flop_counts.json")["runs"]:
        model = architecture(run["config"])
        kinds = model.kinds
        counts = model.counts
        tokens = run["batch"] * run["seq_len"]
        forward = forward_flops(model.trunk, kinds, run["seq_len"]).at(counts)
        training = training_flops_per_token(model.trunk, kinds, run["seq_len"], "exact").at(counts)
        assert forward * tokens == run["fwd_flops"]
        assert training * tokens == run["fwd_bwd_flops"]
