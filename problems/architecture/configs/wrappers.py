"""Configurations of models that hold a text model beside others: vision, audio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Part, Whole
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.heads import of_the_text
from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.architecture.configs.quantization.keys import QUANTISED
from modelsizer.problems.errors import short

_TEXT_KEYS = ("text_config", "llm_config", "language_config", "thinker_config")
"""Keys of the text model's own configuration, in the library and in published files."""
_TIED = "tie_word_embeddings"
_END = "_config"
_VISION = "vision"
_NO_PARTS = {*_TEXT_KEYS, *QUANTISED, "generation_config", "rope_config",
             "auto_config"}  # fmt: skip


def text_part(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The configuration of the text model inside another, or None if this is of a text model.

    The embedding is tied where the whole says so; where it says nothing, the text part decides.

    Raises
    ------
    ConfigError
        If the text part has no type that is known.
    """
    name, types = config.get("model_type"), model_types()
    row = types.get(name) if isinstance(name, str) else None
    if row is not None and not row.text:
        return None
    key = _text_key(config)
    if key is not None:
        found = dict(config[key])
    elif row is not None:
        found = _beside_the_parts(config) if row.flat else {}
    else:
        return None
    if "model_type" not in found:
        own = f"{name}_text" if row is None else row.text
        if own not in types:
            raise ConfigError(f"{key} of model_type {short(name)} has no model_type of its own")
        found["model_type"] = own
    if isinstance(config.get(_TIED), bool):
        found[_TIED] = config[_TIED]
    for name in (*QUANTISED, "dtype", "torch_dtype"):
        if config.get(name) and not found.get(name):
            found[name] = config[name]
    found |= of_the_text(config)
    return text_part(found) or found


def _text_key(config: Mapping[str, Any]) -> str | None:
    """The key that holds the text model's own configuration."""
    held = (key for key in _TEXT_KEYS if isinstance(config.get(key), Mapping) and config[key])
    return next(held, None)


def _beside_the_parts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the text model that files from before transformers 4.50 hold beside the parts."""
    others = (*parts_of(config), "model_type", "architectures")
    return {name: value for name, value in config.items() if name not in others}


def text_note(config: Mapping[str, Any]) -> tuple[str, ...]:
    """What is said of a whole model whose configuration has none of its text model."""
    row = model_types().get(str(config.get("model_type")))
    if row is None or row.flat or _text_key(config) is not None:
        return ()
    return (f"{_TEXT_KEYS[0]} is missing: the defaults of {row.text} are taken, as the library "
            "takes them; no field beside it is read",)  # fmt: skip


def parts_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the configurations of the models beside the text model."""
    return tuple(
        key
        for key, value in config.items()
        if key.endswith(_END) and key not in _NO_PARTS and isinstance(value, Mapping)
    )


def whole_of(config: Mapping[str, Any], text: int) -> Whole:
    """The model that holds the text part of a configuration.

    Parameters
    ----------
    config : mapping
    text : int
        Width of the text model.
    """
    from modelsizer.problems.architecture.configs.vision import vision_parameters

    names = [key.removesuffix(_END) for key in parts_of(config)]
    alone = not set(names) - {_VISION}
    counted = vision_parameters(config, text) if alone else None
    parts = [Part(name, counted if name == _VISION else None) for name in names or [_VISION]]
    return Whole(str(config.get("model_type")), tuple(parts))
