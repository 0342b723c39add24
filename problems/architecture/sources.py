"""Load an architecture from a configuration, the catalogue or a solved answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import WIDTHS
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.describing import layer_dict
from modelsizer.problems.errors import ModelsizerError, did_you_mean

STANDARD_INPUT = "-"


class SourceError(ModelsizerError):
    """Raised if a source does not exist or is not a valid one."""


def load_architecture(source: str) -> Architecture:
    """Load the architecture of a source.

    Parameters
    ----------
    source : str
        Path of a Hugging Face ``config.json`` or of an answer in JSON, ``-`` for either on standard
        input, or a name in the catalogue.

    Raises
    ------
    ModelsizerError
        If it cannot be found, read or counted; the message names the source and the field.
    """
    if source == STANDARD_INPUT:
        return from_json(sys.stdin.read(), "standard input")
    path = Path(source)
    if path.exists():
        try:
            return from_json(path.read_text("utf-8-sig"), source)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8 text"
            raise SourceError(f"{source}: {reason}") from None
    from modelsizer.problems.architecture.models import models

    catalogue = models()
    if source in catalogue:
        return catalogue[source].architecture
    hint = did_you_mean(source, catalogue)
    raise SourceError(f"{source}: no such file, and no model of that name in the catalogue{hint}")


def from_json(text: str, label: str) -> Architecture:
    """Load the architecture of a ``config.json`` or of a solved answer.

    Raises
    ------
    ModelsizerError
        If the text is not a JSON object, or neither of the two.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"{label}: not valid JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise SourceError(f"{label}: not a JSON object")
    try:
        if "architecture" in content and "model_type" not in content:
            return from_answer(content)
        return read_config(content)
    except ModelsizerError as error:
        raise SourceError(f"{label}: {error}") from None


def from_answer(answer: Mapping[str, Any]) -> Architecture:
    """Load the architecture from the JSON that `modelsizer solve` and `describe` write.

    Raises
    ------
    ConfigError
        If it contains no architecture, or its block is unknown.
    """
    a = answer["architecture"]
    if not isinstance(a, Mapping):
        raise ConfigError("the answer holds no architecture: the problem was not solved")
    block = BLOCKS.get(str(a.get("block")))
    if block is None:
        raise ConfigError(f"architecture.block = {a.get('block')!r} is unknown")
    try:
        trunk, kinds = block.parts({name: a[name] for name in WIDTHS}, a.get("positions", 0))
        counts = [a["layers"]] if len(kinds) == 1 else _counts(kinds, a)
        groups = (LayerGroup(kind, n) for kind, n in zip(kinds, counts, strict=True) if n)
        return Architecture(trunk, tuple(groups), block.name)
    except KeyError as error:
        raise ConfigError(f"architecture.{error.args[0]} is missing") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _counts(kinds: Sequence[Layer], a: Mapping[str, Any]) -> list[int]:
    """Layers of each kind, from the groups of an answer."""
    known = [layer_dict(kind) for kind in kinds]
    counts = [0] * len(kinds)
    for group in a["groups"]:
        layer = {key: part for key, part in group.items() if key != "count"}
        if layer not in known:
            raise ConfigError(f"architecture.groups: {layer} is no layer of block {a['block']!r}")
        counts[known.index(layer)] += int(group["count"])
    if sum(counts) != a["layers"]:
        raise ConfigError(f"architecture.groups hold {sum(counts)} of {a['layers']} layers")
    return counts
