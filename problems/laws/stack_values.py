"""Features of whole stacks of layers that a law may depend on.

Each is the mean over the layers of what one layer has, but for the parameters of a token and
shares. A mean, so that one layer of experts among dense ones does not count as a mixture
throughout. A dense layer is a mixture of one expert that every token uses: `routed`, `active` and
`activation` are 1, and its `granularity` is that of its own width. `activation` is of all layers
together: the mean of shares of 2 % and one of 100 % would be that of the one.

==================  ==============================================================================
active_parameters   parameters that a token uses, embeddings too
routed              experts of a layer that a router chooses among
active              those of them that a token uses
granularity         2 d_model over the width of an expert
activation          (active + shared) over (routed + shared) experts: hidden units of the
                    feed-forwards that a token uses, over all of them
window              tokens that a layer attends to in training; ``sequence_length`` in a full one
full_share          full layers over all layers
experts             all experts over active ones, shared ones among both
==================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import active_parameters
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.mixers import Mixer, NoAttention, Several, WithoutScores
from modelsizer.problems.laws.layer_means import (
    Ends,
    layer_shares,
    mean_between,
    mean_of,
    shares_of,
)
from modelsizer.problems.laws.mixtures import activation_between, doubles, mixture_of

Floats = Any
WINDOW = "window"
ACTIVE_PARAMETERS = "active_parameters"
FULL_SHARE = "full_share"
GRANULARITY = "granularity"
ACTIVATION = "activation"
EXPERTS = "experts"
_AT = "@"


def attention(group: LayerGroup) -> Mixer:
    """Return the mixer of a group; of several side by side, the first with attention."""
    mixer = group.layer.attention
    parts = mixer.parts if isinstance(mixer, Several) else (mixer,)
    return next((part for part in parts if not isinstance(part, WithoutScores)), parts[0])


def is_linear(group: LayerGroup) -> bool:
    """Whether layers hold a state in place of attention."""
    mixer = attention(group)
    return isinstance(mixer, WithoutScores) and not isinstance(mixer, NoAttention)


def window(group: LayerGroup) -> Any:
    """Window of a group's layers, 0 for none in an array; None for layers that never have one."""
    mixer = attention(group)
    return mixer.window if isinstance(mixer, FullAttention) else None


def is_full(group: LayerGroup) -> Floats:
    """1 where the attention of a group's layers sees the whole context, otherwise 0."""
    if isinstance(attention(group), WithoutScores):
        return 0.0
    width = window(group)
    return 1.0 if width is None else doubles(np.asarray(width) == 0)


def _routed(few: LayerGroup, many: LayerGroup, _: Ends, __: int) -> Ends:
    fewest, most = mixture_of(few.layer.ffn), mixture_of(many.layer.ffn)
    if fewest is None or most is None:
        return 1.0, 1.0
    return doubles(fewest.experts), doubles(most.experts)


def _active(few: LayerGroup, many: LayerGroup, _: Ends, __: int) -> Ends:
    fewest, most = mixture_of(few.layer.ffn), mixture_of(many.layer.ffn)
    if fewest is None or most is None:
        return 1.0, 1.0
    return doubles(fewest.active), doubles(most.active)


def _activation(few: LayerGroup, many: LayerGroup) -> Ends:
    fewest, most = mixture_of(few.layer.ffn), mixture_of(many.layer.ffn)
    return (1.0, 1.0) if fewest is None or most is None else activation_between(fewest, most)


def _hidden_units(group: LayerGroup) -> Floats:
    """Hidden units of the feed-forwards of a group's layers together."""
    experts, count = mixture_of(group.layer.ffn), doubles(group.count)
    if experts is None:
        return count * doubles(group.layer.ffn.d_ff)
    held = doubles(experts.experts) * doubles(experts.d_ff) + doubles(experts.shared_d_ff)
    return count * np.where(count > 0, held, 0.0)


def _experts(few: LayerGroup, many: LayerGroup, _: Ends, __: int) -> Ends:
    least, most = _activation(few, many)
    return 1.0 / most, 1.0 / least


def _granularity(few: LayerGroup, many: LayerGroup, width: Ends, _: int) -> Ends:
    ends = []
    for group in (few, many):
        experts = mixture_of(group.layer.ffn)
        ends.append(np.maximum(doubles((experts or group.layer.ffn).d_ff), 1.0))
    return 2.0 * width[0] / ends[1], 2.0 * width[1] / ends[0]


def _window(few: LayerGroup, many: LayerGroup, _: Ends, tokens: int) -> Ends:
    least, most = window(few), window(many)
    if least is None or most is None:
        return float(tokens), float(tokens)
    low, high = doubles(least), doubles(most)
    none = (low == 0) & (high == 0)  # 0 stands for no window
    shortest = np.where(none, tokens, np.minimum(np.maximum(low, 1.0), tokens))
    return shortest, np.where((low == 0) | (high == 0), tokens, np.minimum(high, tokens))


_MEANS: Mapping[str, Callable[[LayerGroup, LayerGroup, Ends, int], Ends]] = {
    "routed": _routed,
    "active": _active,
    GRANULARITY: _granularity,
    WINDOW: _window,
    EXPERTS: _experts,
}
OWN = (ACTIVE_PARAMETERS, "routed", "active", GRANULARITY, ACTIVATION, WINDOW, FULL_SHARE)
"""Features that a law of one's own may name."""
STACK_VALUES = (*OWN, EXPERTS)


def trained_on(name: str, sequence_length: int) -> str:
    """The window of layers in training on sequences of so many tokens, as a name.

    Examples
    --------
    >>> trained_on("window", 4096), trained_on("layers", 4096)
    ('window@4096', 'layers')
    """
    return f"{WINDOW}{_AT}{sequence_length}" if name == WINDOW else name


def base_name(name: str) -> str:
    """The feature without the tokens of `trained_on`."""
    return name.partition(_AT)[0]


def is_stack_value(name: str) -> bool:
    """Whether a feature is of whole stacks."""
    return base_name(name) in STACK_VALUES


def stack_value(name: str, designs: Architecture) -> Floats:
    """Compute a feature of designs, whose integers may be arrays.

    Raises
    ------
    ValueError
        If it is the window of layers and the name does not say how long sequences are.
    """
    base, tokens = _read(name)
    if base == ACTIVE_PARAMETERS:
        return _active_parameters(designs)
    if base == FULL_SHARE:
        return mean_of(designs, [is_full(group) for group in designs.groups])
    if base == ACTIVATION:
        return _mean_activation(designs)
    width = doubles(designs.trunk.d_model)
    of = _MEANS[base]
    return mean_of(designs, [of(g, g, (width, width), tokens)[0] for g in designs.groups])


def stack_between(name: str, low: Architecture, high: Architecture) -> Ends:
    """Lower and upper bounds on a feature over boxes of designs, but for `ACTIVE_PARAMETERS`.

    These do not rise with every width: queries without a latent, of rank 0, may weigh more than
    those with one.

    Parameters
    ----------
    name : str
    low, high : Architecture
        The same kinds of layer, with the least and the greatest value of each integer.
    """
    base, tokens = _read(name)
    if base == FULL_SHARE:
        shares = layer_shares(low, high)
        groups = zip(low.groups, high.groups, shares, strict=True)
        full = [(is_full(g) * is_full(h), s) for g, h, s in groups]
        least = sum((one * s[0] for one, s in full), start=np.float64(0))
        most = sum((one * s[1] for one, s in full), start=np.float64(0))
        return least, np.minimum(most, 1.0)
    pairs = zip(low.groups, high.groups, strict=True)
    if base == ACTIVATION:
        few, many = ([_hidden_units(group) for group in side.groups] for side in (low, high))
        return mean_between(shares_of(few, many), [_activation(*pair) for pair in pairs])
    width = doubles(low.trunk.d_model), doubles(high.trunk.d_model)
    values = [_MEANS[base](few, many, width, tokens) for few, many in pairs]
    return mean_between(layer_shares(low, high), values)


def _mean_activation(designs: Architecture) -> Floats:
    """Hidden units that a token uses over all of them; 1 where there are none."""
    used: Floats = 0.0
    held: Floats = 0.0
    for group in designs.groups:
        units = _hidden_units(group)
        used, held = used + units * _activation(group, group)[0], held + units
    return np.where(held > 0, used / np.maximum(held, 1.0), 1.0)


def _read(name: str) -> tuple[str, int]:
    base, _, tokens = name.partition(_AT)
    if base == WINDOW and not tokens:
        raise ValueError(
            f"{WINDOW}: a full layer attends to the whole sequence, and nothing says how long it is"
        )
    return base, int(tokens or 0)


def _active_parameters(designs: Architecture) -> Floats:
    affine = active_parameters(designs.trunk, designs.kinds)
    total: Floats = doubles(affine.base)
    for group, each in zip(designs.groups, affine.per_layer, strict=True):
        total = total + np.where(
            doubles(group.count) > 0, doubles(group.count) * doubles(each), 0.0
        )
    return total / affine.denominator
