"""Common parts of the exporters: a stack of layers as frameworks see it, and their errors.

A framework's settings hold for all layers of a model, except that some layers may have a window and
some may have experts. `stack_of` reads an architecture that way, and names what prevents it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.configs.exports.families import activation, traits
from modelsizer.problems.architecture.configs.exports.features import Has, absent, difference
from modelsizer.problems.architecture.configs.exports.nearest import type_and_fields
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.records import dataclass


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
    family, config = type_and_fields(architecture)
    known = list(families)
    kind = activation(family, config)
    lacking = [trait for trait in traits(family, config) if trait not in able]
    lacking += absent(architecture, has)
    lacking += [] if kind in activations else [f"activation {kind}"]
    lacks = [f"{framework} has no {', no '.join(lacking)}"] if lacking else []
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
    family, config = type_and_fields(architecture)
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
        where = difference("attention", *attentions[:2])
        yield f"its layers have one attention, apart from windows, got several: {where}"
    for kind, words in ((DenseFeedForward, "dense feed-forward"), (MixtureOfExperts, "mixture")):
        if len({layer.ffn for layer in kinds if isinstance(layer.ffn, kind)}) > 1:
            yield f"its layers have one {words}, got several"
    if len({layer.norms for layer in kinds}) > 1:
        yield "its layers have one number of normalisations, got several"


def refuse(framework: str, obstacles: Iterable[str]) -> None:
    """Raise an error that names all obstacles, if there are any.

    Raises
    ------
    ConfigError
    """
    found = list(obstacles)
    if found:
        raise ConfigError(f"cannot be exported to {framework}: {'; '.join(found)}")


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
