"""Common parts of the exporters: sizes of a uniform dense architecture, and their errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.fields import ConfigError

_OTHER_NAMES = MappingProxyType({"gemma3_text": "gemma3", "gpt_neox": "gpt-neox"})
"""Types of a ``config.json`` that correspond to a named block of another name."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of an architecture in which every layer belongs to one block.

    Parameters
    ----------
    block : str
        Name in `modelsizer.problems.architecture.blocks`.
    layers, d_model, heads, kv_heads, head_dim, d_ff, vocab_size : int
    positions : int
        Rows of learned positions; 0 for rotary ones.
    tied : bool
        Whether the output head is the embedding.
    parameters : int
        All parameters.
    """

    block: str
    layers: int
    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int
    positions: int
    tied: bool
    parameters: int

    @property
    def heads_span_the_model(self) -> bool:
        """Whether ``heads * head_dim = d_model``, which some frameworks assume."""
        return self.heads * self.head_dim == self.d_model


def sizes_of(
    architecture: Architecture,
    framework: str,
    blocks: Iterable[str],
    why_not: Mapping[str, str] = MappingProxyType({}),
) -> Sizes:
    """Sizes of an architecture, if a framework can express it.

    Parameters
    ----------
    architecture : Architecture
    framework : str
        Name of the framework, for messages.
    blocks : iterable of str
        Blocks that the framework supports.
    why_not : mapping of str to str
        For other blocks, what the framework lacks.

    Raises
    ------
    ConfigError
        If the block is not supported, or some layer differs from that block's.
    """
    name, blocks = _OTHER_NAMES.get(architecture.block, architecture.block), list(blocks)
    if name not in blocks:
        reason = f": {why_not[name]}" if name in why_not else ""
        raise ConfigError(
            f"block {architecture.block!r} cannot be exported to {framework}{reason}; "
            f"known: {', '.join(blocks)}"
        )
    if len(architecture.groups) != 1:
        raise ConfigError("only stacks of one kind of layer are exported so far")
    block, trunk, layer = BLOCKS[name], architecture.trunk, architecture.groups[0].layer
    attention, ffn = layer.attention, layer.ffn
    plain_layer = block.layer(attention.heads, attention.kv_heads, attention.head_dim, ffn.d_ff)
    plain_trunk = block.trunk(
        trunk.d_model, trunk.vocab_size, trunk.tied_embeddings, trunk.positions
    )
    for place, found, plain in (
        ("attention", attention, plain_layer.attention),
        ("ffn", ffn, plain_layer.ffn),
        ("layer", layer, plain_layer),
        ("trunk", trunk, plain_trunk),
    ):
        if found != plain:
            raise ConfigError(
                f"{_difference(place, found, plain)}: only {name} blocks without changes are "
                f"exported to {framework}"
            )
    return Sizes(
        block=name,
        layers=int(architecture.layers),
        d_model=int(trunk.d_model),
        heads=int(attention.heads),
        kv_heads=int(attention.kv_heads),
        head_dim=int(attention.head_dim),
        d_ff=int(ffn.d_ff),
        vocab_size=int(trunk.vocab_size),
        positions=int(trunk.positions),
        tied=bool(trunk.tied_embeddings),
        parameters=int(count_parameters(architecture).total),
    )


def _difference(place: str, found: Any, plain: Any) -> str:
    """First field that differs from the block's."""
    if type(found) is not type(plain):
        return f"{place} is of kind {type(found).__name__}"
    for field in dataclasses.fields(found):
        value, usual = getattr(found, field.name), getattr(plain, field.name)
        if value != usual:
            return f"{place}.{field.name} = {value!r} where the block has {usual!r}"
    return f"{place} is another"


def refuse(framework: str, obstacles: Iterable[str]) -> None:
    """Raise an error that names all obstacles, if there are any.

    Raises
    ------
    ConfigError
    """
    found = list(obstacles)
    if found:
        raise ConfigError(f"cannot be exported to {framework}: {'; '.join(found)}")


def rotary_obstacles(sizes: Sizes, fraction: float = 1.0) -> list[str]:
    """Obstacles of rotary positions, which act on pairs of values and need an even width."""
    turned = int(fraction * sizes.head_dim)
    if turned >= 2 and turned % 2 == 0:
        return []
    part = "" if fraction == 1.0 else f" of which {turned} are turned"
    return [
        f"rotary positions turn an even number of values, got head_dim = {sizes.head_dim}{part}"
    ]


def check_count(framework: str, written: int, sizes: Sizes) -> None:
    """Check that the framework would build the intended model from the file.

    Raises
    ------
    ConfigError
        If the parameters differ.
    """
    if written != sizes.parameters:
        raise ConfigError(
            f"{framework} would build {written:,} parameters from this configuration, and the "
            f"architecture has {sizes.parameters:,}: it is not exported"
        )
