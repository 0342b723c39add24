"""Gemma 4's sizes of single layers, as transformers writes them since 5.24."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read, read_config

CONFIG: dict[str, Any] = {
    "model_type": "gemma4_text", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 200,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 80,
    "layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8,
    "num_kv_shared_layers": 0, "hidden_size_per_layer_input": 0, "attention_k_eq_v": True,
}  # fmt: skip


def test_sizes_by_layer_equal_those_by_kind() -> None:
    by_kind = CONFIG | {"global_head_dim": 32, "num_global_key_value_heads": 1}
    sizes = {"head_dim": 32, "num_key_value_heads": 1}
    for key in ("1", "01"):
        by_layer = read(CONFIG | {"per_layer_config": {key: sizes}})
        assert not by_layer.notes
        assert by_layer.architecture.groups == read_config(by_kind).groups


@pytest.mark.parametrize("listed", [{"5": {"head_dim": 32}}, {"1": {"skip": ["mlp"]}}, {"x": {}}])
def test_what_is_not_counted_is_refused(listed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^per_layer_config: .* is not counted"):
        read_config(CONFIG | {"per_layer_config": listed})


def test_sizes_by_layer_of_another_type_are_refused() -> None:
    config = {"model_type": "llama", "per_layer_config": {"0": {"intermediate_size": 8}}}
    with pytest.raises(ConfigError, match=r"^per_layer_config cannot be counted"):
        read_config(config)
