"""Files that the page saves of an answer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.configs.exports.export import export
from modelsizer.problems.architecture.configs.exports.training import settings_of
from modelsizer.problems.errors import ProblemError

FILES = MappingProxyType(
    {
        "hf": "config.json",
        "megatron": "model.sh",
        "torchtitan": "design.py",
        "nanogpt": "config.py",
        "litgpt": "model.yaml",
    }
)
"""Name of the file that each framework reads."""


def config_dict(result: Result, framework: str) -> dict[str, Any]:
    """The configuration of an answer, with a name for its file.

    Raises
    ------
    ProblemError
        If there is no design.
    ModelsizerError
        If there is no such framework, or it has no place for the design.
    """
    if result.design is None:
        raise ProblemError.of("", "no design keeps every limit, so there is nothing to export")
    suggested = result.figures()["hyperparameters"]
    training = settings_of(suggested, result.problem.training.sequence_length)
    text = export(result.design.architecture, framework, training)
    return {"name": FILES.get(framework, f"{framework}.txt"), "text": text}
