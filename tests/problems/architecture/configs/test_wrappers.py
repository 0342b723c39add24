"""Configurations of models with a text model beside vision or audio."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read, read_config

TEXT = {"model_type": "gemma3_text", "hidden_size": 128, "num_hidden_layers": 3}


def test_the_text_part_is_read_and_the_rest_is_named() -> None:
    found = read({"model_type": "gemma3", "text_config": TEXT, "vision_config": {"hidden_size": 8}})
    assert found.architecture == read_config(TEXT)
    assert found.architecture.block == "gemma3_text"
    assert found.architecture.whole is not None
    assert found.architecture.whole.model_type == "gemma3"
    assert [part.name for part in found.architecture.whole.parts] == ["vision"]


def test_a_wrapper_of_no_known_type_is_read_by_its_text_part() -> None:
    for key in ("text_config", "llm_config", "language_config"):
        assert read_config({"model_type": "new_vl", key: TEXT}) == read_config(TEXT)


def test_fields_beside_the_parts_are_of_the_text_model() -> None:
    flat = {"model_type": "qwen2_5_vl", "hidden_size": 64, "num_attention_heads": 4,
            "num_key_value_heads": 2, "vision_config": {"depth": 2}}  # fmt: skip
    text = {k: v for k, v in flat.items() if k != "vision_config"}
    assert read_config(flat) == read_config(text | {"model_type": "qwen2_5_vl_text"})


def test_fields_beside_the_parts_are_not_read_where_the_library_does_not() -> None:
    found = read({"model_type": "gemma3", "hidden_size": 64, "vision_config": {}})
    assert found.architecture == read_config({"model_type": "gemma3_text"})
    assert found.notes[0].startswith("text_config is missing: the defaults of gemma3_text")


def test_the_whole_says_whether_the_embedding_is_tied() -> None:
    whole = {"model_type": "qwen3_vl", "text_config": {"tie_word_embeddings": False}}
    assert not read_config(whole).trunk.tied_embeddings
    assert read_config(whole | {"tie_word_embeddings": True}).trunk.tied_embeddings


def test_a_text_part_without_a_type_is_refused_where_none_is_known() -> None:
    with pytest.raises(ConfigError, match="text_config of model_type 'new_vl' has no model_type"):
        read({"model_type": "new_vl", "text_config": {"hidden_size": 64}})
