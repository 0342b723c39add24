"""The output head of the class that `architectures` names, as transformers 5.24 has it.

``modeling_layers.py``: a classifier of sequences is a projection to the labels without bias
(`GenericForSequenceClassification`), one of tokens has a bias (`GenericForTokenClassification`),
answers to questions are two values with a bias (`GenericForQuestionAnswering`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from modelsizer.problems.architecture.architecture import Trunk
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.errors import short

_LANGUAGE = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForImageTextToText")
_SEQUENCE, _TOKEN = "ForSequenceClassification", "ForTokenClassification"
_ANSWER = "ForQuestionAnswering"
_BARE = "Model"
_REWARD = {"Qwen2ForRewardModel": 1, "Qwen2ForProcessRewardModel": 2}
"""Labels of the reward models of huggingface.co/Qwen, Qwen2.5-Math-RM and -PRM, by their code."""
_WHOLE_OMNI = "qwen2_5_omni"  # whose files name Qwen2_5OmniModel, which has the head
_OTHER_STEMS = ("hunyuandensev1", "hunyuanmoev1")  # words in another order
_USUAL_LABELS = 2  # transformers 5.24, configuration_utils.py: id2label where it is missing
_ANSWER_VALUES = 2  # start and end of the answer
FIELDS = ("architectures", "id2label", "num_labels", "token_classification_bias")


def _labels(f: Fields) -> int:
    names = f.take("id2label")
    if isinstance(names, Mapping) and names:
        return len(names)
    return f.count("num_labels", _USUAL_LABELS)


def headed(trunk: Trunk, config: Mapping[str, Any]) -> Trunk:
    """A trunk with the head of the class that the configuration names; a language model's if none.

    Raises
    ------
    ConfigError
        If the head of that class is not known.
    """
    names = config.get("architectures")
    if not names:
        return trunk
    name = names[0] if isinstance(names, list) else names
    if not isinstance(name, str):
        raise ConfigError(f"architectures must be a list of text, got {short(names)}")
    f = Fields(config, {})
    if name.endswith(_LANGUAGE):
        return trunk
    if name.endswith(_SEQUENCE):
        return replace(trunk, head=_labels(f), head_bias=False)
    if name.endswith(_TOKEN):
        bias = f.flag("token_classification_bias", True)
        return replace(trunk, head=_labels(f), head_bias=bias)
    if name.endswith(_ANSWER):
        return replace(trunk, head=_ANSWER_VALUES, head_bias=True)
    if name == "InternLM2ForRewardModel":
        return replace(trunk, head=1, head_bias=False)
    if name in _REWARD:
        # Between the stream and the labels is a square matrix with a bias.
        d, more, biases = trunk.d_model, trunk.extra_weights, trunk.extra_parameters
        head = replace(trunk, head=_REWARD[name], head_bias=True)
        return replace(head, extra_weights=more + d * d, extra_parameters=biases + d)
    if name.endswith(_BARE) and _stem(name) in _stems():
        return replace(trunk, head="none", head_bias=False)
    known = ", ".join(f"...{end}" for end in (*_LANGUAGE, _SEQUENCE, _TOKEN, _ANSWER))
    raise ConfigError(
        f"architectures: what {short(name)} adds to a {config.get('model_type')} is not known; "
        f"known: {known}, and the bare model"
    )


def of_the_text(config: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a whole model's head that its text part has, where that is no language model."""
    names, kind = config.get("architectures"), config.get("model_type")
    name = str(names[0]) if isinstance(names, list) and names else ""
    bare = name.endswith(_BARE) and kind in model_types() and _stem(name) == _plain(str(kind))
    if kind == _WHOLE_OMNI or not (bare or name.endswith((_SEQUENCE, _TOKEN, _ANSWER))):
        return {}
    return {field: config[field] for field in FIELDS if field in config}


def _plain(model_type: str) -> str:
    return model_type.replace("_", "").replace("-", "").lower().removesuffix("text")


def _stem(name: str) -> str:
    """The type in the name of a bare model's class, as llama in LlamaModel."""
    return _plain(name.removesuffix(_BARE))


@cache
def _stems() -> frozenset[str]:
    """Types as their bare classes name them; some types use the class of another."""
    return frozenset({*map(_plain, model_types()), *_OTHER_STEMS})
