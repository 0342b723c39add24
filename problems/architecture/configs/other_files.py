"""Tell which other file of a model's folder was given in place of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.errors import short

_FILES = {
    "peft_type": "the settings of an adapter",
    "weight_map": "the index of a checkpoint's weights",
    "image_processor_type": "the settings of an image processor",
    "feature_extractor_type": "the settings of a feature extractor",
    "processor_class": "the settings of a processor",
    "tokenizer_class": "the settings of a tokenizer",
    "added_tokens_decoder": "the settings of a tokenizer",
    "chat_template": "the settings of a tokenizer",
    "added_tokens": "a tokenizer",
    "bos_token": "the special tokens of a tokenizer",
    "eos_token": "the special tokens of a tokenizer",
    "_from_model_config": "the settings of generation",
    "do_sample": "the settings of generation",
    "max_new_tokens": "the settings of generation",
    "log_history": "the state of a training run",
    "train_micro_batch_size_per_gpu": "the settings of DeepSpeed",
    "zero_optimization": "the settings of DeepSpeed",
    "word_embedding_dimension": "the pooling of a sentence encoder",
    "_class_name": "the configuration of a diffusion model",
    "bits": "the settings of a quantisation",
    "quant_method": "the settings of a quantisation",
    "eos_token_id": "the settings of generation",
}
"""A field that only such a file has, where there is no model_type; the first that is present."""
_ADAPTED = "base_model_name_or_path"


def looks_like(content: Mapping[str, Any]) -> str:
    """What a JSON object without a model_type is, or empty if that cannot be told."""
    field = next((field for field in _FILES if field in content), None)
    if field is None:
        return ""
    model = content.get(_ADAPTED)
    if field == "peft_type" and isinstance(model, str) and model:
        return f"{_FILES[field]}: describe the model that it adapts, {short(model)}"
    return f"{_FILES[field]}: give the config.json beside it"
