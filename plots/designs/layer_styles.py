"""How kinds of layer look, the same in every figure."""

from __future__ import annotations

from types import MappingProxyType

from modelsizer.plots.drawing.shares import Part
from modelsizer.plots.drawing.style import FAINT, FILLS
from modelsizer.problems.architecture.families import FEED_FORWARDS, MIXERS
from modelsizer.problems.designs.by_kind import DRAFT, GROWS, OTHER, OUTSIDE, WORDS

_COLOURS = MappingProxyType(
    {
        "full": FILLS[0],
        "window": FILLS[4],
        "latent": FILLS[3],
        "compressed": "#a6761d",
        "linear": FILLS[2],
        "mamba": FILLS[1],
        "convolution": FILLS[5],
        "dense": FAINT,
        "experts": "#3d3d3d",
        OUTSIDE: FILLS[6],
        OTHER: "#f2f2f2",
        DRAFT: "#c7b8dd",
    }
)
_SHORT = MappingProxyType(
    {
        "full": "full", "window": "window", "latent": "latent", "compressed": "compressed",
        "linear": "linear", "mamba": "state space", "convolution": "convolution",
        "dense": "dense", "experts": "experts", OUTSIDE: "embedding", OTHER: "other",
        DRAFT: "draft",
    }
)  # fmt: skip
_WORDS = MappingProxyType({**MIXERS, **FEED_FORWARDS, **WORDS})
_HOLDS_STATES = frozenset({"linear", "mamba", "convolution"})


def layer_part(family: str) -> Part:
    """Look of a family of mixer or feed-forward."""
    return Part(_WORDS[family], _SHORT[family], _COLOURS[family])


def _parts(kept: str, state: str) -> MappingProxyType[str, Part]:
    """Parts of a bar, hatched where the context is what costs."""
    found = {family: layer_part(family) for family in (*MIXERS, *FEED_FORWARDS, *WORDS)}
    for family in MIXERS:
        short = f"{_SHORT[family]} {state if family in _HOLDS_STATES else kept}"
        found[f"{family} {GROWS}"] = Part(short, short, _COLOURS[family], "////")
    return MappingProxyType(found)


IN_MEMORY, IN_FLOPS = _parts("cache", "states"), _parts("scores", "recurrence")
"""Parts of `modelsizer.problems.designs.by_kind.ByKind`, in the order of a bar."""
IN_BOTH = _parts("cache, scores", "states, recurrence")
"""The same for a legend of both."""
