"""Readers of configurations, by the names in ``types.toml``; each is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.fields import Fields
from modelsizer.problems.architecture.configs.model_types import ModelType

Reader = Callable[[Fields, ModelType], Architecture]

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "decoder": "decoder",
        "deepseek_v4": "deepseek_v4",
        "gemma4": "gemma4",
        "gpt2": "classic",
        "opt": "classic",
        "bloom": "classic",
        "falcon": "classic",
        "gemma3n": "gemma3n",
        "zamba": "zamba",
    }
)
"""Module beside this one that holds each reader, a function of that name."""


def reader(name: str) -> Reader:
    """The function of a name in the table of types."""
    module = import_module(f"{__package__}.{_MODULES[name]}")
    return cast("Reader", getattr(module, name))
