"""How choices are read off an architecture, whose integers may be arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import MixtureOfExperts
from modelsizer.problems.architecture.mixers import Count, WithoutScores


def present(count: Count, value: Count, otherwise: Count = 0) -> Count:
    """Select `value` where there are layers, `otherwise` where there are none."""
    if isinstance(value, int) and isinstance(otherwise, int) and value == otherwise:
        return value
    if isinstance(count, np.ndarray):
        return np.where(count > 0, value, otherwise)
    return value if count > 0 else otherwise


def of_layers(get: Callable[[Layer], Count]) -> Callable[[Architecture], Count]:
    """Function that reads a value from the first group that has layers with such a value."""

    def read(architecture: Architecture) -> Count:
        found: Count = 0
        for group in reversed(architecture.groups):
            value = get(group.layer)
            found = present(present(group.count, value), value, found)
        return found

    return read


def of_mixer(kinds: type | tuple[type, ...], name: str) -> Callable[[Architecture], Count]:
    """Function that reads a field of the first mixer of a kind; None counts as 0."""

    def read(layer: Layer) -> Count:
        value = getattr(layer.attention, name) if isinstance(layer.attention, kinds) else None
        return 0 if value is None else value

    return of_layers(read)


def of_heads(layer: Layer, name: str) -> Count:
    """A width of heads; latent attention shares one latent among all of its heads."""
    return 0 if isinstance(layer.attention, LatentAttention) else getattr(layer.attention, name)


def of_experts(read: Callable[[MixtureOfExperts], Count]) -> Callable[[Architecture], Count]:
    """Function that reads a value from the first mixture of experts."""
    return of_layers(
        lambda layer: read(layer.ffn) if isinstance(layer.ffn, MixtureOfExperts) else 0
    )


def number_of(holds: Callable[[Layer], bool]) -> Callable[[Architecture], Count]:
    """Function that counts the layers of the kinds for which something holds."""
    return lambda architecture: sum(g.count for g in architecture.groups if holds(g.layer))


def code_of(codes: Sequence[Callable[[Layer], bool]]) -> Callable[[Architecture], Count]:
    """Function that gives 1 + the position of the first test that a kind with layers passes."""

    def read(architecture: Architecture) -> Count:
        found: Count = 0
        for code, holds in reversed([*enumerate(codes, start=1)]):
            found = present(number_of(holds)(architecture), code, found)
        return found

    return read


def widest_window(architecture: Architecture) -> Count:
    """Return the widest window of an architecture's layers; 0 if no layer has one."""
    found: Count = 0
    for group in architecture.groups:
        window = getattr(group.layer.attention, "window", None)
        mine = present(group.count, 0 if window is None else window)
        arrays = isinstance(mine, np.ndarray) or isinstance(found, np.ndarray)
        found = np.maximum(found, mine) if arrays else max(found, mine)
    return found


def is_windowed(layer: Layer) -> bool:
    """Whether attention sees only a window."""
    return isinstance(layer.attention, FullAttention) and layer.attention.window is not None


def is_full(layer: Layer) -> bool:
    """Whether attention sees the whole context."""
    return not isinstance(layer.attention, WithoutScores) and not is_windowed(layer)


def is_dense(layer: Layer) -> bool:
    """Whether the feed-forward is no mixture of experts."""
    return not isinstance(layer.ffn, MixtureOfExperts)


def is_mixture(architecture: Architecture) -> bool:
    """Whether some layers have experts."""
    return not all(is_dense(group.layer) for group in architecture.groups)


def dense_layers(architecture: Architecture) -> Count:
    """Dense layers beside layers of experts."""
    dense = number_of(is_dense)(architecture)
    return present(architecture.layers - dense, dense)


def dense_full_layers(architecture: Architecture) -> Count:
    """Full layers among the dense ones beside layers of experts."""
    both = number_of(lambda layer: is_dense(layer) and is_full(layer))(architecture)
    return present(architecture.layers - number_of(is_dense)(architecture), both)


def shared_experts(ffn: MixtureOfExperts) -> Count:
    """Shared experts, each as wide as a routed one."""
    return ffn.shared_d_ff // (ffn.d_ff + (ffn.d_ff == 0))
