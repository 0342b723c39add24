"""Families of mixers and of feed-forwards: what a picture or a report tells apart in a stack.

A layer's mixer may have several parts, each of a family of its own (Falcon-H1), and so may its
feed-forward (Gemma 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture, FeedForward, Layer, Mixer
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.compressed_attention import (
    BlockIndexer,
    Compressor,
    SharedKeyAttention,
)
from modelsizer.problems.architecture.feedforward import (
    MixtureOfExperts,
    NoFeedForward,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import NoAttention, mixers
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2

_OF_TYPE: dict[type, str] = {
    LatentAttention: "latent",
    SharedKeyAttention: "compressed",
    Compressor: "compressed",
    BlockIndexer: "compressed",
    GatedDeltaNet: "linear",
    LightningAttention: "linear",
    Mamba: "mamba",
    Mamba2: "mamba",
    GatedRecurrence: "mamba",
    ShortConvolution: "convolution",
}

MIXERS = MappingProxyType(
    {
        "full": "full attention",
        "window": "windowed attention",
        "latent": "latent attention",
        "compressed": "compressed attention",
        "linear": "linear attention",
        "mamba": "state space",
        "convolution": "convolution",
    }
)
"""Families of mixers, with their names in words."""
FEED_FORWARDS = MappingProxyType({"dense": "dense feed-forward", "experts": "experts"})
"""Families of feed-forwards, with their names in words."""


def mixer_family(part: Mixer) -> str:
    """Family of a mixer that is no combination of several: a key of `MIXERS`."""
    if isinstance(part, FullAttention):
        return "full" if part.window is None else "window"
    return _OF_TYPE[type(part)]


def mixer_parts(layer: Layer) -> Iterator[tuple[str, Mixer]]:
    """The parts of a layer's mixer, each with its family; nothing of a layer without one."""
    for part in mixers(layer.attention):
        if not isinstance(part, NoAttention):
            yield mixer_family(part), part


def _feed_forwards(ffn: FeedForward) -> Iterator[FeedForward]:
    for part in ffn.parts if isinstance(ffn, SeveralFeedForwards) else (ffn,):
        if not isinstance(part, NoFeedForward):
            yield part


def feed_forward_parts(layer: Layer) -> Iterator[tuple[str, FeedForward]]:
    """The parts of a layer's feed-forward, each with its family; nothing of a layer without one."""
    for part in _feed_forwards(layer.ffn):
        yield "experts" if isinstance(part, MixtureOfExperts) else "dense", part


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def families(layer: Layer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Families of a layer's mixer and of its feed-forward, each once."""
    return (
        _distinct(family for family, _ in mixer_parts(layer)),
        _distinct(family for family, _ in feed_forward_parts(layer)),
    )


def windows(architecture: Architecture) -> tuple[int, ...]:
    """The windows of the attention of an architecture, ascending, each once."""
    found = {
        int(part.window)
        for group in architecture.groups
        for _, part in mixer_parts(group.layer)
        if isinstance(part, FullAttention | SharedKeyAttention) and part.window is not None
    }
    return tuple(sorted(found))


def mixtures(architecture: Architecture) -> list[MixtureOfExperts]:
    """The mixtures of experts of an architecture, one of each kind of layer."""
    return [
        part
        for group in architecture.groups
        for _, part in feed_forward_parts(group.layer)
        if isinstance(part, MixtureOfExperts)
    ]


def runs(names: Sequence[str]) -> str:
    """Return a sequence in words, such as ``10 x (5 window, 1 full), 2 window``.

    The shortest period that repeats at least twice from the start is written once.
    """
    for period in range(1, len(names) // 2 + 1):
        if all(name == names[i % period] for i, name in enumerate(names)):
            break
    else:
        return _lengths(names)
    if period == 1:
        return _lengths(names)
    times, left = divmod(len(names), period)
    words = f"{times} x ({_lengths(names[:period])})"
    return f"{words}, {_lengths(names[:left])}" if left else words


def _lengths(names: Sequence[str]) -> str:
    return ", ".join(f"{len(list(run))} {name}" for name, run in groupby(names))
