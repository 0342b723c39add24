"""The type of Hugging Face transformers that has a design's layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.configs.exports.families import (
    activation,
    neutral,
    rotary_fraction,
    traits,
)
from modelsizer.problems.architecture.configs.exports.features import first_difference, missing
from modelsizer.problems.architecture.configs.exports.routers import plain_router
from modelsizer.problems.architecture.configs.exports.writing import (
    SEPARATE,
    builder,
    fields_of,
    separate,
    states,
)
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.model_types import ModelType, model_types
from modelsizer.problems.records import dataclass

OWN_TYPES = MappingProxyType(
    {
        "gemma3": "gemma3_text",
        "gpt-neox": "gpt_neox",
        "deepseek": "deepseek_v3",
        "qwen3-moe": "qwen3",
        "gpt-oss": "gpt_oss",
        "qwen3-next": "qwen3_next",
        "nemotron-h": "nemotron_h",
    }
)
"""Named blocks whose `model_type` has another name."""

_OTHERS = (
    *("llama", "ministral", "mistral", "qwen2", "qwen3", "youtu"),
    *("mixtral", "qwen2_moe", "qwen3_moe", "mellum", "glm4_moe", "dots1", "deepseek_v3"),
    *("qwen3_next", "bamba", "granitemoehybrid", "olmo2", "olmo3", "flex_olmo", "olmo_hybrid"),
)
"""Types that a design of another block may be, the better known first of those that hold it."""


_PADDED = ("flex_olmo", "olmo_hybrid")
"""Types whose token of padding, 100277, may be none of a design's vocabulary."""

_TOLD = 2  # types at the least distance that an error names
_FAR = 100  # more than any number of differences


def own_type(block: str) -> str:
    """The `model_type` of a named block, or of a configuration's."""
    return OWN_TYPES.get(block, block)


def type_and_fields(architecture: Architecture) -> tuple[str, Mapping[str, Any]]:
    """The `model_type` of an architecture, and its configuration.

    That which it was read from; of a design, that of the nearest type, or its block's with no
    fields where no type has its layers.
    """
    if architecture.config is not None or architecture.block not in BLOCKS:
        return own_type(architecture.block), architecture.config or {}
    try:
        config = design_config(architecture)
    except ConfigError:
        return own_type(architecture.block), {}
    return config["model_type"], config


def design_config(architecture: Architecture) -> dict[str, Any]:
    """The configuration of a design, of the first type that has its layers.

    Parameters
    ----------
    architecture : Architecture
        Of a named block that the general reader of configurations reads.

    Raises
    ------
    ConfigError
        If no type has them; the message names what the nearest type lacks, or has besides.
    """
    apart: list[_Tried] = []
    for t in _candidates(architecture):
        found = _tried(t, architecture)
        if not found.distance:
            return found.config
        apart.append(found)
    apart.sort(key=lambda found: found.distance)
    nearest = [found for found in apart if found.distance == apart[0].distance][:_TOLD]
    nearest += [found for found in apart if not found.lacks and found not in nearest][:1]
    words = "; ".join(found.words for found in nearest)
    raise ConfigError(f"cannot be exported to hf: {words}")


def _candidates(architecture: Architecture) -> Iterator[ModelType]:
    """The block's own type, and those that differ from it in nothing but what sizes show.

    Types with state-space or linear layers are for designs that have them: the library checks the
    sizes of layers that a model does not have too.
    """
    types, own = model_types(), own_type(architecture.block)
    yield types[own]
    usual = traits(own, {}), activation(own, {})
    mixers = [group.layer.attention for group in architecture.groups]
    for name in _OTHERS:
        plain = neutral(name)
        same = (traits(name, plain), activation(name, plain)) == usual
        if name != own and same and states(types[name]) <= set(map(builder, mixers)):
            yield types[name]


@dataclass(frozen=True, slots=True)
class _Tried:
    """A configuration of a type, and in how many things it differs from a design.

    Parameters
    ----------
    config : dict
    distance : int
        0 if it is the design.
    words : str
        What differs.
    lacks : bool
        Whether the type lacks something, or only has more than the design.
    """

    config: dict[str, Any]
    distance: int = 0
    words: str = ""
    lacks: bool = True


def _tried(t: ModelType, architecture: Architecture) -> _Tried:
    """Write a design as a type, and compare what is read of it."""
    if obstacles := _multi_head(t, architecture):
        return _Tried({}, len(obstacles), "; ".join(obstacles))
    stack = architecture.stack()
    if stack is None:
        raise ConfigError("cannot be exported to hf: the order of its kinds of layer is not known")
    layers = separate(stack) if t.layers == SEPARATE else stack
    wanted = Architecture.of_layers(architecture.trunk, layers)
    config: dict[str, Any] = {"model_type": t.name}
    config |= fields_of(t, architecture.trunk, layers)
    own = own_type(architecture.block)
    if t.name != own and (turned := rotary_fraction(own, {})) != rotary_fraction(t.name, {}):
        config["partial_rotary_factor"] = turned
    config |= neutral(t.name, int(BY_NAME["head_dim"].of(architecture)) or 1)
    if t.name in _PADDED:
        config["pad_token_id"] = None
    if "experts" in t.feed_forwards.values():
        config |= plain_router(t.name)
    try:
        found = read_config(config)
    except ConfigError as error:
        return _Tried(config, 1 if states(t) else _FAR, f"{t.name}: {error}")
    if found.trunk == wanted.trunk and found.stack() == wanted.stack():
        return _Tried(config)
    lost, more = missing(wanted, found), missing(found, wanted)
    if lost:
        return _Tried(config, len(lost) + len(more), f"{t.name} has no {', no '.join(lost)}")
    if more:
        return _Tried(config, len(more), f"{t.name} always has {' and '.join(more)}", lacks=False)
    return _Tried(
        config,
        1,
        f"{t.name} has no model of this shape: of what it would be and what it is, "
        f"{first_difference(wanted, found)}",
    )


def _multi_head(t: ModelType, architecture: Architecture) -> list[str]:
    """What prevents types whose heads make up d_model, each with a kv head."""
    attention = architecture.groups[0].layer.attention
    if (t.heads != "multi" and t.reader != "gpt2") or not isinstance(attention, FullAttention):
        return []
    heads, kv_heads, width = attention.heads, attention.kv_heads, attention.head_dim
    found = []
    if kv_heads != heads:
        found.append(f"{t.name} has a kv head for each head, got kv_heads = {kv_heads} of {heads}")
    if heads * width != (d_model := architecture.trunk.d_model):
        found.append(f"{t.name} has heads x head_dim = d_model, got {heads} x {width} on {d_model}")
    return found
