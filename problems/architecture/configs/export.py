"""An architecture as a configuration that a framework accepts.

Each exporter writes for one framework, reads what it wrote back by that framework's own rules,
and refuses with a `ConfigError` rather than write what would build another model.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.export_hf import huggingface_text, to_huggingface
from modelsizer.problems.architecture.configs.export_litgpt import to_litgpt
from modelsizer.problems.architecture.configs.export_megatron import to_megatron
from modelsizer.problems.architecture.configs.export_nanogpt import to_nanogpt
from modelsizer.problems.architecture.configs.export_torchtitan import to_torchtitan

__all__ = [
    "EXPORTERS",
    "Exporter",
    "to_huggingface",
    "to_litgpt",
    "to_megatron",
    "to_nanogpt",
    "to_torchtitan",
]

Exporter = Callable[[Architecture], str]

EXPORTERS: MappingProxyType[str, Exporter] = MappingProxyType(
    {
        "hf": huggingface_text,
        "megatron": to_megatron,
        "torchtitan": to_torchtitan,
        "nanogpt": to_nanogpt,
        "litgpt": to_litgpt,
    }
)
"""The text of an architecture's file, by the name of the framework."""
