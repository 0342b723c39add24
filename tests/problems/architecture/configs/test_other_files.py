"""A file that is no configuration is told by what it is."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"peft_type": "LORA", "r": 8, "base_model_name_or_path": "org/model"},
         "this is the settings of an adapter: describe the model that it adapts, 'org/model'"),
        ({"metadata": {"total_size": 2}, "weight_map": {}},
         "this is the index of a checkpoint's weights: give the config.json beside it"),
        ({"do_sample": True, "bos_token_id": 1},
         "this is the settings of generation: give the config.json beside it"),
        ({"tokenizer_class": "LlamaTokenizer"},
         "this is the settings of a tokenizer: give the config.json beside it"),
        ({"hidden_size": 64}, "model_type is missing: is this a Hugging Face config.json?"),
        ({}, "model_type is missing: is this a Hugging Face config.json?"),
    ],
)  # fmt: skip
def test_other_files_are_named(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_config(content)
    assert str(error.value) == message
