"""Load an architecture from a configuration, the catalogue or a solved answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelsizer.problems import plain_values
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS, Block
from modelsizer.problems.architecture.choices import WIDTHS
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.describing import layer_dict
from modelsizer.problems.errors import ModelsizerError, did_you_mean, require_type, short
from modelsizer.problems.text_files import (
    UnreadableError,
    exists,
    read_standard_input,
    read_text,
)
from modelsizer.problems.visible import shortened

STANDARD_INPUT = "-"
_FLAG = "tied_embeddings"
_LONGEST_NAME = 200


class SourceError(ModelsizerError):
    """Raised if a source does not exist or is not a valid one."""


def load_architecture(source: str, say: Callable[[str], object] = warnings.warn) -> Architecture:
    """Load the architecture of a source.

    Parameters
    ----------
    source : str
        Path of a Hugging Face ``config.json`` or of an answer in JSON, ``-`` for either on standard
        input, or a name in the catalogue.
    say : callable
        Told of each field of a configuration that is null and whose default was taken.

    Raises
    ------
    ModelsizerError
        If it cannot be found, read or counted; the message names the source and the field.
    """
    require_type("source", source, str)
    standard = source == STANDARD_INPUT
    label = "standard input" if standard else shortened(source, _LONGEST_NAME)
    if standard or exists(Path(source)):
        try:
            text = read_standard_input() if standard else read_text(Path(source))
        except UnreadableError as error:
            raise SourceError(f"{label}: {error}") from None
        return from_json(text, label, say)
    from modelsizer.problems.architecture.models import models

    catalogue = models()
    if source in catalogue:
        return catalogue[source].architecture
    hint = did_you_mean(source, catalogue)
    raise SourceError(
        f"{label}: no such file, and no model of that name{hint}; `modelsizer models` lists them"
    )


def from_json(text: str, label: str, say: Callable[[str], object] = warnings.warn) -> Architecture:
    """Load the architecture of a ``config.json`` or of a solved answer.

    Raises
    ------
    ModelsizerError
        If the text is not a JSON object, or neither of the two.
    """
    try:
        content = plain_values.from_json(text)
    except ValueError as error:
        raise SourceError(f"{label}: {error}") from None
    if not isinstance(content, Mapping):
        raise SourceError(f"{label}: not a JSON object")
    try:
        if "architecture" in content and "model_type" not in content:
            return from_answer(content)
        return read_config(content, lambda note: say(f"{label}: {note}"))
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
    name = a.get("block")
    if not isinstance(name, str) or name not in BLOCKS:
        raise ConfigError(f"architecture.block = {short(name)} is unknown")
    try:
        return _built(BLOCKS[name], a)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"architecture.{error}") from None


def _built(block: Block, a: Mapping[str, Any]) -> Architecture:
    """An architecture of a block from the fields of an answer."""
    fields = Fields(a, {})
    widths = {name: fields.flag(name) if name == _FLAG else fields.count(name) for name in WIDTHS}
    trunk, kinds = block.parts(widths, fields.count("positions", 0, least=0))
    layers = fields.layers("layers")
    counts = [layers] if len(kinds) == 1 else _counts(kinds, a.get("groups"), layers)
    groups = (LayerGroup(kind, n) for kind, n in zip(kinds, counts, strict=True) if n)
    return Architecture(trunk, tuple(groups), block.name)


def _counts(kinds: Sequence[Layer], groups: object, layers: int) -> list[int]:
    """Layers of each kind, from the groups of an answer."""
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        raise ConfigError(f"groups must be a list of groups of layers, got {short(groups)}")
    known = [layer_dict(kind) for kind in kinds]
    counts = [0] * len(kinds)
    for group in groups:
        layer = {key: part for key, part in group.items() if key != "count"}
        if layer not in known:
            raise ConfigError(f"groups: {short(layer)} is no layer of this block")
        counts[known.index(layer)] += Fields(group, {}).layers("count")
    if sum(counts) != layers:
        raise ConfigError(f"groups hold {sum(counts)} of {layers} layers")
    return counts
