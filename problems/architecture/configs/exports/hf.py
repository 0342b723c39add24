"""Export an architecture as a ``config.json`` of Hugging Face transformers.

An architecture that was read from a configuration is written as that configuration, complete with
the defaults of its type and without what belongs to a checkpoint; a design, as its block's type.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.exports.features import first_difference
from modelsizer.problems.architecture.configs.exports.nearest import design_config, own_type
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config

_LIBRARY_TYPES = MappingProxyType({"kimi_k2": "deepseek_v3"})
"""Types that published files name and the library does not, and what they are there."""

_OF_A_CHECKPOINT = frozenset({"_name_or_path", "quantization_config", "transformers_version"})
"""Fields that tell of stored weights."""


@cache
def _classes() -> Mapping[str, str]:
    """Class of each type of the library."""
    found: Mapping[str, str] = tomllib.loads(
        (Path(__file__).parent / "classes.toml").read_text("utf-8")
    )
    return found


def to_huggingface(architecture: Architecture) -> dict[str, Any]:
    """Convert an architecture to a ``config.json`` of Hugging Face transformers.

    Parameters
    ----------
    architecture : Architecture
        Of a block of `modelsizer.problems.architecture.blocks`, or read from a configuration.

    Raises
    ------
    ConfigError
        If transformers has no such model; the message says what prevents it.
    """
    if architecture.config is not None:
        return _as_read(architecture)
    model_type = own_type(architecture.block)
    if architecture.block not in BLOCKS or model_type not in _classes():
        known = ", ".join(BLOCKS)
        raise ConfigError(f"block {architecture.block!r} cannot be exported to hf; known: {known}")
    found = design_config(architecture)
    return {"architectures": [_classes()[found["model_type"]]]} | found


def huggingface_text(architecture: Architecture) -> str:
    """Contents of the file that `to_huggingface` describes."""
    return json.dumps(to_huggingface(architecture), indent=2) + "\n"


def _as_read(architecture: Architecture) -> dict[str, Any]:
    """The configuration as it was read, without what belongs to a checkpoint; its type first."""
    fields = architecture.config or {}
    model_type = _LIBRARY_TYPES.get(fields["model_type"], fields["model_type"])
    usual = [_classes()[model_type]] if model_type in _classes() else None
    named = fields.get("architectures") or usual
    head = {"model_type": model_type} if named is None else {"architectures": named}
    rest = {key: fields[key] for key in fields if key not in _OF_A_CHECKPOINT}
    config = head | rest | {"model_type": model_type}
    again = read_config(config)
    if (again.trunk, again.groups) != (architecture.trunk, architecture.groups):
        raise ConfigError(
            f"{model_type} has no model of this shape: of what it would be and what it is, "
            f"{first_difference(architecture, again)}"
        )
    return config
