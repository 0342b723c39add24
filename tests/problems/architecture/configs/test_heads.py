"""Heads of the classes that `architectures` names."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from tests.support.shared import case

D = 64
BASE = {"model_type": "llama", "hidden_size": D, "num_attention_heads": 4, "vocab_size": 100}
THREE = {"id2label": {"0": "a", "1": "b", "2": "c"}}


@pytest.mark.parametrize(
    ("fields", "head"),
    [
        ({}, 100 * D),
        ({"architectures": None}, 100 * D),
        ({"architectures": ["LlamaForCausalLM"]}, 100 * D),
        ({"architectures": ["LlamaModel"]}, 0),
        ({"architectures": ["LlamaForSequenceClassification"]}, 2 * D),
        ({"architectures": ["LlamaForSequenceClassification"], "num_labels": 1}, D),
        ({"architectures": ["LlamaForSequenceClassification"], **THREE}, 3 * D),
        ({"architectures": ["LlamaForTokenClassification"], **THREE}, 3 * D + 3),
        ({"architectures": ["LlamaForQuestionAnswering"], **THREE}, 2 * D + 2),
    ],
)
def test_the_head_is_that_of_the_class(fields: dict[str, Any], head: int) -> None:
    found = count_parameters(read_config(BASE | fields))
    assert found.lm_head == head
    assert found.total - head == count_parameters(read_config(BASE)).total - 100 * D


def test_a_classifier_has_no_tied_head() -> None:
    tied = BASE | {"tie_word_embeddings": True, "architectures": ["LlamaForSequenceClassification"]}
    assert count_parameters(read_config(tied)).lm_head == 2 * D


def test_a_wrapper_that_classifies() -> None:
    whole = {"model_type": "gemma3", "text_config": {"hidden_size": D, "vocab_size": 100}, **THREE}
    named = whole | {"architectures": ["Gemma3ForSequenceClassification"]}
    assert count_parameters(read_config(named)).lm_head == 3 * D
    assert count_parameters(read_config(whole)).lm_head == 0  # tied


@pytest.mark.parametrize("name", ["LlamaForCausalLMEagle3", "DFlashDraftModel", "LlamaForReward"])
def test_a_class_with_an_unknown_head_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"architectures: what '{name}' adds to a llama"):
        read_config(BASE | {"architectures": [name]})


def test_a_published_reward_model() -> None:
    assert count_parameters(read_config(case("llama8b_seqcls.json"))).total == 7_504_928_768


@pytest.mark.parametrize("name", ["LlamaModel", "HunYuanDenseV1Model", "Gemma3TextModel"])
def test_a_bare_model_may_be_of_another_type(name: str) -> None:
    config = {"model_type": "llama", "architectures": [name]}
    assert read_config(config).trunk.head == "none"


@pytest.mark.parametrize(
    ("kind", "name", "head"),
    [("llava", "LlavaModel", "none"), ("llava", "LlavaForConditionalGeneration", "lm"),
     ("internvl_chat", "InternVLChatModel", "lm"), ("qwen2_5_omni", "Qwen2_5OmniModel", "lm")],
)  # fmt: skip
def test_the_head_of_a_text_part_is_that_of_the_whole(kind: str, name: str, head: str) -> None:
    config = {"model_type": kind, "architectures": [name], "text_config": {"model_type": "llama"}}
    assert read_config(config).trunk.head == head


@pytest.mark.parametrize(("name", "labels"), [("ForRewardModel", 1), ("ForProcessRewardModel", 2)])
def test_reward_models_of_qwen(name: str, labels: int) -> None:
    bare, whole = (
        count_parameters(read_config({"model_type": "qwen2", "architectures": [f"Qwen2{end}"]}))
        for end in ("Model", name)
    )
    assert whole.total - bare.total == 4096 * 4096 + 4096 + labels * (4096 + 1)
