"""Read the architecture of an answer back, from the JSON of `modelsizer solve` and `describe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS, Block
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.describing import architecture_dict, layer_dict
from modelsizer.problems.architecture.structures import (
    BETWEEN,
    FULL_KINDS,
    Structure,
    order_of,
)
from modelsizer.problems.errors import short

_FLAG = "tied_embeddings"
_MAY_BE_ZERO = ("q_lora_rank", "shared_experts")


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
    config = a.get("config")
    if isinstance(config, Mapping):
        return read_config(config)
    name = a.get("block")
    if not isinstance(name, str) or name not in BLOCKS:
        raise ConfigError(f"architecture.block = {short(name)} is unknown")
    try:
        return _built(BLOCKS[name], a)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"architecture.{error}") from None


def _built(block: Block, a: Mapping[str, Any]) -> Architecture:
    """An architecture of a block from the fields of an answer.

    Raises
    ------
    ConfigError
        If a field is missing or no value of it, or contradicts the others.
    """
    fields, structure = Fields(a, {}), _structure(block, a)
    names = structure.widths
    widths: dict[str, Any] = {
        name: fields.flag(name)
        if name == _FLAG
        else fields.count(name, least=0 if name in _MAY_BE_ZERO else 1)
        for name in names
    }
    trunk, kinds = structure.parts(widths, fields.count("positions", 0, least=0))
    layers = fields.layers("layers")
    listed = a.get("groups")
    known = len(kinds) == 1 and listed is None
    counts = [layers] if known else _counts(kinds, listed, layers)
    groups = (LayerGroup(kind, n) for kind, n in zip(kinds, counts, strict=True) if n)
    every = fields.maybe("full_every")
    periods = (every,) if every else () if fields.written("full_every") else None
    found = Architecture(trunk, tuple(groups), block.name, order_of(structure, counts, periods))
    for name, value in architecture_dict(found).items():
        if name in a and a[name] != value:
            raise ConfigError(f"{name} = {short(a[name])} contradicts the rest, which has {value}")
    return found


def _structure(block: Block, a: Mapping[str, Any]) -> Structure:
    """Kinds of layer of an answer; answers of earlier versions name none."""
    attention, between = a.get("attention") or FULL_KINDS[0], a.get("between") or ""
    if attention not in FULL_KINDS:
        raise ConfigError(
            f"attention must be one of {', '.join(FULL_KINDS)}, got {short(attention)}"
        )
    if between not in ("", *BETWEEN):
        raise ConfigError(
            f"between must be null or one of {', '.join(BETWEEN)}, got {short(between)}"
        )
    dense, experts = a.get("d_ff") is not None, bool(a.get("routed_experts"))
    return Structure(block.name, attention, between, dense or not experts, experts)


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
