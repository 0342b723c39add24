"""Export an architecture as a configuration for a framework.

Each exporter writes for one framework, reads the result back by that framework's own rules, and
raises `ConfigError` rather than write a configuration of another model.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.exports.hf import huggingface_text, to_huggingface
from modelsizer.problems.architecture.configs.exports.litgpt import to_litgpt
from modelsizer.problems.architecture.configs.exports.megatron import to_megatron
from modelsizer.problems.architecture.configs.exports.nanogpt import to_nanogpt
from modelsizer.problems.architecture.configs.exports.torchtitan import to_torchtitan
from modelsizer.problems.architecture.configs.exports.training import (
    TrainingSettings,
    with_training,
)
from modelsizer.problems.errors import ModelsizerError, did_you_mean, require_type

__all__ = [
    "EXPORTERS",
    "Exporter",
    "export",
    "exporter",
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
"""Functions that write an architecture's file, by the name of the framework."""


def exporter(framework: str) -> Exporter:
    """Return the exporter of a framework.

    Raises
    ------
    ModelsizerError
        If there is none; the message lists the known frameworks.
    """
    if framework not in EXPORTERS:
        hint = did_you_mean(framework, EXPORTERS)
        raise ModelsizerError(
            f"unknown framework {framework!r}{hint}; known: {', '.join(EXPORTERS)}"
        )
    return EXPORTERS[framework]


def export(
    architecture: Architecture,
    framework: str = "hf",
    training: TrainingSettings | None = None,
) -> str:
    """Write an architecture as a configuration for a framework.

    Parameters
    ----------
    architecture : Architecture
    framework : {"hf", "megatron", "torchtitan", "nanogpt", "litgpt"}
    training : TrainingSettings, optional
        Batch and learning rate, for files that have a place for them.

    Returns
    -------
    str
        Contents of the framework's file.

    Raises
    ------
    ModelsizerError
        If the framework is unknown, or cannot express the architecture.

    Examples
    --------
    >>> import json
    >>> from modelsizer import export, load_architecture
    >>> json.loads(export(load_architecture("llama-3-8b")))["num_hidden_layers"]
    32
    """
    require_type("architecture", architecture, Architecture)
    require_type("framework", framework, str)
    text = exporter(framework)(architecture)
    return text if training is None else with_training(text, framework, training)
