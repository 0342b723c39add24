"""Common parts of the exporters: a stack of layers as frameworks see it, and their errors.

A framework's settings hold for all layers of a model, except that some layers may have a window and
some may have experts. `stack_of` reads an architecture that way, and names what prevents it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.configs.exports.families import activation, traits
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

Has = Mapping[type, Collection[str]]
"""What a framework has: classes of parts of a layer, and their optional fields that it can set."""

MODEL_TYPES = MappingProxyType({"gemma3": "gemma3_text", "gpt-neox": "gpt_neox"})
"""Named blocks whose `model_type` has another name."""

_PARTS = MappingProxyType(
    {
        "FullAttention": "attention of heads",
        "LatentAttention": "latent attention",
        "Mamba": "Mamba layers",
        "Mamba2": "Mamba-2 layers",
        "GatedDeltaNet": "gated delta networks",
        "GatedRecurrence": "gated linear recurrences",
        "LightningAttention": "lightning attention",
        "ShortConvolution": "short convolutions",
        "NoAttention": "layers without attention",
        "NoFeedForward": "layers without feed-forward",
        "Several": "layers with several token mixers",
        "SharedKeyAttention": "attention whose key is its value",
        "SeveralFeedForwards": "layers with several feed-forwards",
        "MixtureOfExperts": "mixtures of experts",
    }
)
_FIELDS = MappingProxyType(
    {
        "window": "sliding windows",
        "sinks": "attention sinks",
        "gate": "gates of the attention's output",
        "qkv_bias": "biases of queries, keys and values",
        "output_bias": "bias of the attention's output",
        "indexer": "sparse attention by an indexer",
        "bias": "biases of feed-forwards and latents",
        "gated": "feed-forwards without a gate",
        "shared_d_ff": "shared experts",
        "shared_gate": "gate of the shared experts",
        "router_bias": "bias of the router",
        "expert_bias": "biases of experts",
        "positions": "learned positions",
        "head": "model without a language head",
        "head_bias": "bias of the output head",
        "norm_bias": "LayerNorm",
        "norm_scale": "normalisations without a scale",
        "embedding_width": "embedding narrower than the model",
        "tied_embeddings": "tied embeddings",
        "latent": "experts that work in a latent",
        "value_dim": "values of another width than keys",
        "shares_cache": "layers that share a cache",
        "extra_weights": "weights besides attention and feed-forward",
        "extra_parameters": "parameters besides attention and feed-forward",
        "extra_embedding": "further embeddings",
        "shared_bias": "biases of shared experts",
        "shared": "layers that share their weights",
        "activation": "activations with learned parameters",
        "qk_norm_dim": "norms of queries and keys of another width than a head",
        "gate_bias": "gates of the attention's output without a bias",
        "channel_decay": "decays of each channel",
        "decay_rank": "decays through a bottleneck",
        "gate_rank": "gates through a bottleneck",
        "extra_flops": "computation besides attention and feed-forward",
        "head_gate": "gates of heads",
        "value_is_key": "values that are the keys",
        "input_dim": "attention of an input wider than the model",
        "latent_bias": "biases of the projections of a latent",
        "Mamba2.conv": "convolutions of another number of taps than 4",
        "Mamba2.bias": "biases of Mamba-2 projections",
        "conv_bias": "convolutions without a bias",
        "Trunk.norms": "normalisation of the embedding, and always one at the end",
        "Layer.norms": "layers with another number of normalisations than 2",
    }
)
_QK_NORMS = MappingProxyType(
    {
        "head": "norms of each query and key head",
        "head_with_bias": "norms of each query and key head with a bias",
        "full": "norms of queries and keys over all heads",
    }
)


@dataclass(frozen=True, slots=True)
class Stack:
    """An architecture whose layers differ in their windows and in having experts alone.

    Parameters
    ----------
    family : str
        `model_type` of its family.
    trunk : Trunk
    attention : FullAttention or LatentAttention
        That of every layer, without its window.
    windows : tuple of int
        Window of each layer; 0 for none.
    dense : DenseFeedForward or None
        That of the layers without experts.
    mixture : MixtureOfExperts or None
        That of the layers with experts.
    routed : tuple of bool
        Whether each layer has experts.
    norms : int
        Normalisations of d_model in a layer.
    activation : str
        Kind of activation of the feed-forwards.
    config : mapping
        Configuration that it was read from; empty if it was not.
    parameters : int
        All parameters.
    """

    family: str
    trunk: Trunk
    attention: Any
    windows: tuple[int, ...]
    dense: DenseFeedForward | None
    mixture: MixtureOfExperts | None
    routed: tuple[bool, ...]
    norms: int
    activation: str
    config: Mapping[str, Any]
    parameters: int

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.routed)

    @property
    def d_ff(self) -> int:
        """Width of the dense feed-forwards, or of an expert if there are none."""
        ffn = self.dense or self.mixture
        assert ffn is not None
        return int(ffn.d_ff)

    @property
    def window(self) -> int:
        """The window of the layers that have one; 0 if none has."""
        return max(self.windows)

    @property
    def dense_first(self) -> int | None:
        """Number of layers before the first with experts, or None if a dense one follows it."""
        first = self.routed.index(True) if any(self.routed) else self.layers
        return first if all(self.routed[first:]) else None

    @property
    def heads_span_the_model(self) -> bool:
        """Whether ``heads * head_dim = d_model``, which some frameworks assume."""
        return bool(self.attention.heads * self.attention.head_dim == self.trunk.d_model)


def check_parts(
    architecture: Architecture,
    framework: str,
    families: Iterable[str],
    has: Has,
    able: Collection[str] = (),
    activations: Collection[str] = ("silu",),
    why: str = "",
) -> None:
    """Check that a framework has a type, the parts of its layers and what else it has.

    Parameters
    ----------
    architecture : Architecture
    framework : str
        Name of the framework, for messages.
    families : iterable of str
        Model types that the framework has.
    has : mapping
        Parts of layers that it has; Layer and Trunk among them.
    able : collection of str
        Traits of `modelsizer.problems.architecture.configs.exports.families` that it has.
    activations : collection of str
        Kinds of activation that it has.
    why : str
        Why it has no other types, if that is said of all at once.

    Raises
    ------
    ConfigError
        If it lacks something; the message names what is missing.
    """
    family = MODEL_TYPES.get(architecture.block, architecture.block)
    config, known = architecture.config or {}, list(families)
    kind = activation(family, config)
    absent = [trait for trait in traits(family, config) if trait not in able]
    absent += _absent(architecture, has)
    absent += [] if kind in activations else [f"activation {kind}"]
    lacks = [f"{framework} has no {', no '.join(absent)}"] if absent else []
    if family not in known:
        reason = why or "".join(lacks) or f"it is of none of the types that {framework} has"
        raise ConfigError(
            f"{architecture.block!r} cannot be exported to {framework}: {reason}; "
            f"known: {', '.join(known)}"
        )
    refuse(framework, lacks)


def layers_of(architecture: Architecture, framework: str) -> list[Layer]:
    """The layers, first to last.

    Raises
    ------
    ConfigError
        If their order is not known.
    """
    stack = architecture.stack()
    if stack is None:
        raise ConfigError(
            f"cannot be exported to {framework}: the order of its kinds of layer is not known"
        )
    return stack


def stack_of(architecture: Architecture, framework: str) -> Stack:
    """Read an architecture whose parts a framework has (`check_parts`) as the framework sees it.

    Raises
    ------
    ConfigError
        If its layers differ in what frameworks set once for all, or their order is not known.
    """
    family = MODEL_TYPES.get(architecture.block, architecture.block)
    config = architecture.config or {}
    stack = layers_of(architecture, framework)
    windows = [getattr(layer.attention, "window", None) or 0 for layer in stack]
    refuse(framework, _differing(stack, windows))
    dense = next((x.ffn for x in stack if isinstance(x.ffn, DenseFeedForward)), None)
    mixture = next((x.ffn for x in stack if isinstance(x.ffn, MixtureOfExperts)), None)
    return Stack(
        family=family,
        trunk=architecture.trunk,
        attention=_without_window(stack[0].attention),
        windows=tuple(windows),
        dense=dense,
        mixture=mixture,
        routed=tuple(isinstance(layer.ffn, MixtureOfExperts) for layer in stack),
        norms=stack[0].norms,
        activation=activation(family, config),
        config=config,
        parameters=int(count_parameters(architecture).total),
    )


def _without_window(attention: Any) -> Any:
    plain = getattr(attention, "window", None) is None
    return attention if plain else dataclasses.replace(attention, window=None)


def _differing(stack: Sequence[Layer], windows: Sequence[int]) -> Iterator[str]:
    """What differs between layers that a framework builds alike."""
    kinds = set(stack)
    if len({window for window in windows if window}) > 1:
        yield f"its windows have one size, got {sorted(set(windows) - {0})}"
    attentions = list(dict.fromkeys(_without_window(layer.attention) for layer in stack))
    if len(attentions) > 1:
        where = _difference("attention", *attentions[:2])
        yield f"its layers have one attention, apart from windows, got several: {where}"
    for kind, words in ((DenseFeedForward, "dense feed-forward"), (MixtureOfExperts, "mixture")):
        if len({layer.ffn for layer in kinds if isinstance(layer.ffn, kind)}) > 1:
            yield f"its layers have one {words}, got several"
    if len({layer.norms for layer in kinds}) > 1:
        yield "its layers have one number of normalisations, got several"


def _absent(architecture: Architecture, has: Has) -> list[str]:
    """Parts and fields of an architecture that a framework lacks, each once."""
    found: dict[str, None] = {}
    parts: list[Any] = [architecture.trunk]
    for group in architecture.groups:
        parts += [group.layer.attention, group.layer.ffn, group.layer]
    for part in parts:
        name = type(part).__name__
        if type(part) not in has:
            found[_PARTS.get(name, name)] = None
            continue
        for field in dataclasses.fields(part):
            value, usual = getattr(part, field.name), field.default
            chosen = usual is not dataclasses.MISSING and value != usual
            if field.name == "qk_norm_dim":
                chosen = part.qk_norm != "none" and value not in (None, part.head_dim)
            if chosen and not {field.name, f"{field.name}={value}"} & set(has[type(part)]):
                found[_words(name, field.name, value)] = None
    return list(found)


def _words(part: str, field: str, value: Any) -> str:
    if field == "qk_norm":
        return _QK_NORMS[value]
    usual = f"{part}.{field} = {value!r}"
    return _FIELDS.get(f"{part}.{field}", _FIELDS.get(field, usual))


def refuse(framework: str, obstacles: Iterable[str]) -> None:
    """Raise an error that names all obstacles, if there are any.

    Raises
    ------
    ConfigError
    """
    found = list(obstacles)
    if found:
        raise ConfigError(f"cannot be exported to {framework}: {'; '.join(found)}")


def first_difference(wanted: Architecture, found: Architecture) -> str:
    """The first field of trunk or layers in which two architectures differ."""
    if found.trunk != wanted.trunk:
        return _difference("trunk", found.trunk, wanted.trunk)
    for there, here in zip(found.groups, wanted.groups, strict=False):
        for place in ("attention", "ffn"):
            parts = getattr(there.layer, place), getattr(here.layer, place)
            if parts[0] != parts[1]:
                return _difference(place, *parts)
        if there != here:
            return _difference("layer", there.layer, here.layer)
    return "it has other layers"


def _difference(place: str, found: Any, wanted: Any) -> str:
    if type(found) is not type(wanted):
        return f"{place} is of kind {type(found).__name__} and {type(wanted).__name__}"
    for field in dataclasses.fields(found):
        value, usual = getattr(found, field.name), getattr(wanted, field.name)
        if value != usual:
            return f"{place}.{field.name} is {value!r} and {usual!r}"
    return f"numbers of layers with this {place}"


def rotary_obstacles(stack: Stack, fraction: float = 1.0) -> list[str]:
    """Obstacles of rotary positions, which act on pairs of values and need an even width."""
    if isinstance(stack.attention, LatentAttention):
        width, words = int(stack.attention.rope_dim), "qk_rope_head_dim"
    else:
        width, words = int(stack.attention.head_dim), "head_dim"
    turned = int(fraction * width)
    if turned >= 2 and turned % 2 == 0:
        return []
    part = "" if fraction == 1.0 else f" of which {turned} are turned"
    return [f"rotary positions turn an even number of values, got {words} = {width}{part}"]


def norm_obstacles(stack: Stack, norms: int) -> list[str]:
    """An obstacle if a layer has not so many normalisations of d_model."""
    if stack.norms == norms:
        return []
    return [f"its {stack.family} has {norms} normalisations a layer, got {stack.norms}"]


def check_count(framework: str, written: int, parameters: int) -> None:
    """Check that the framework would build the intended model from the file.

    Raises
    ------
    ConfigError
        If the parameters differ.
    """
    if written != parameters:
        raise ConfigError(
            f"{framework} would build {written:,} parameters from this configuration, and the "
            f"architecture has {parameters:,}: it is not exported"
        )
