"""The choices of a design, one row each, with all that the program needs to know of a choice.

``docs/adding.md`` lists what else a new choice affects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.mixers import Count

Breadth = Literal["narrow", "wide", "all", "none"]


@dataclass(frozen=True, slots=True)
class DesignChoice:
    """One choice of a design.

    Parameters
    ----------
    name : str
        Key of the JSON architecture, heading of tables, column of width options, and key of
        ``[space]`` if listed in `menus`.
    of : callable
        Function that reads its value from an architecture, whose integers may be arrays (a count
        of 0 then marks a group that a row lacks); returns 0 if the architecture has no such value.
    short : str
        Short name in the names of a program's columns; empty if the choice is not part of them.
    tie : int or None
        Position in the tie rule, after the parameters; smaller values come first.
    width : bool
        Whether a width option fixes it; numbers of layers and the block are not widths.
    free : {"ordered", "unordered"} or None
        Whether its menu multiplies the width options regardless of other choices, and whether costs
        increase with it, so that a range is bounded by its ends. None if it follows from others.
    menus : mapping of str to str
        Keys of ``[space]`` that offer it, each with the error message for pinning it when a problem
        does not offer it; an empty message selects a generic one.
    growth : mapping of str to Fraction
        Growth of a layer's costs per step along its menu: approximate exponents of widths. Block
        searches first split the side along which costs vary most.
    law : bool
        Whether loss laws may depend on it.
    ratios : mapping of str to (str, str)
        Ratios with other choices that loss laws may depend on, ``{name: (over, under)}``.
    breadth : {"narrow", "wide", "all", "none"}
        The narrowest tables of designs that include it as a column.
    """

    name: str
    of: Callable[[Architecture], Any]
    short: str = ""
    tie: int | None = None
    width: bool = True
    free: Literal["ordered", "unordered"] | None = None
    menus: Mapping[str, str] = field(default_factory=dict)
    growth: Mapping[str, Fraction] = field(default_factory=dict)
    law: bool = False
    ratios: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    breadth: Breadth = "all"


def present(count: Count, value: Count, otherwise: Count = 0) -> Count:
    """Select `value` where there are layers, `otherwise` where there are none."""
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


def _window(layer: Layer) -> Count:
    return getattr(layer.attention, "window", None) or 0


def _widest_window(architecture: Architecture) -> Count:
    found: Count = 0
    for group in architecture.groups:
        mine = present(group.count, _window(group.layer))
        arrays = isinstance(mine, np.ndarray) or isinstance(found, np.ndarray)
        found = np.maximum(found, mine) if arrays else max(found, mine)
    return found


def _full_layers(architecture: Architecture) -> Count:
    return sum(g.count for g in architecture.groups if not _has_window(g.layer))


def _has_window(layer: Layer) -> bool:
    return isinstance(layer.attention, FullAttention) and layer.attention.window is not None


CHOICES = (
    DesignChoice(
        "layers",
        lambda a: a.layers,
        short="L",
        tie=1,
        width=False,
        menus={"layers": ""},
        law=True,
        breadth="narrow",
    ),
    DesignChoice(
        "d_model",
        lambda a: a.trunk.d_model,
        short="d",
        tie=2,
        menus={"d_model": ""},
        growth={"d_model": Fraction(2)},  # a layer holds about 4 to 12 d_model^2 weights
        law=True,
        ratios={"aspect_ratio": ("d_model", "layers")},
        breadth="narrow",
    ),
    DesignChoice(
        "heads",
        of_layers(lambda layer: layer.attention.heads),
        short="h",
        tie=6,
        menus={"heads": "heads = d_model / head_dim here: fix d_model or head_dim"},
        growth={"heads": Fraction(1, 3)},
        law=True,
        breadth="narrow",
    ),
    DesignChoice(
        "kv_heads",
        of_layers(lambda layer: layer.attention.kv_heads),
        short="kv",
        tie=4,
        menus={
            "kv_heads": "kv_heads follow from the heads here: offer space.kv_heads",
            "kv_group": "",
        },
        growth={"kv_heads": Fraction(1, 4)},
        law=True,
        ratios={"kv_group": ("heads", "kv_heads")},
        breadth="narrow",
    ),
    DesignChoice(
        "head_dim",
        of_layers(lambda layer: layer.attention.head_dim),
        short="hd",
        tie=3,
        menus={"head_dim": "head_dim is 128, or d_model / heads where heads are offered"},
        growth={"head_dim": Fraction(1, 3)},
        law=True,
        breadth="wide",
    ),
    DesignChoice(
        "d_ff",
        of_layers(lambda layer: layer.ffn.d_ff),
        short="ff",
        tie=5,
        menus={
            "d_ff": "d_ff = ffn_ratio x d_model here: fix ffn_ratio or d_model",
            "ffn_ratio": "ffn_ratio is the block's own, or d_ff is offered instead",
            "ffn_multiple": "",
        },
        growth={"d_ff": Fraction(1), "d_model": Fraction(-1)},
        law=True,
        ratios={"ffn_ratio": ("d_ff", "d_model")},
        breadth="narrow",
    ),
    DesignChoice(
        "vocab_size",
        lambda a: a.trunk.vocab_size,
        tie=7,
        free="ordered",
        menus={"vocab_size": ""},
        growth={"vocab_size": Fraction(1, 4)},
        law=True,
    ),
    DesignChoice(
        "tied_embeddings",
        lambda a: a.trunk.tied_embeddings,
        tie=8,
        free="unordered",
        menus={"tied_embeddings": ""},
    ),
    DesignChoice("full_layers", _full_layers, tie=9, width=False, breadth="none"),
    DesignChoice("window", _widest_window, tie=10, width=False, breadth="none"),
    DesignChoice("block", lambda a: a.block, width=False, menus={"block": ""}),
)
"""Every choice, in the order of the JSON architecture."""

BY_NAME: Mapping[str, DesignChoice] = {choice.name: choice for choice in CHOICES}
WIDTHS = tuple(choice.name for choice in CHOICES if choice.width)
"""Choices that a width option fixes, except its block."""
ORDERED = tuple(c for c in CHOICES if c.free == "ordered")
UNORDERED = tuple(c for c in CHOICES if c.free == "unordered")
MENUS = tuple(key for choice in CHOICES for key in choice.menus)
"""Keys of ``[space]`` whose values can be pinned or forbidden."""
SIZES = tuple(choice.name for choice in CHOICES if choice.law)
"""Choices that are sizes and so have a logarithm."""
SHOWN = tuple(choice.name for choice in CHOICES if choice.breadth != "none")
"""Choices in the JSON architecture and in lists of designs."""
WIDE = tuple(choice.name for choice in CHOICES if choice.breadth in ("wide", "narrow"))
NARROW = tuple(choice.name for choice in CHOICES if choice.breadth == "narrow")
"""Columns of tables of designs that have little room."""

_TIES = sorted((c for c in CHOICES if c.tie is not None), key=lambda c: c.tie or 0)
TIE_RULE = tuple(choice.name for choice in _TIES)
"""Tie rule for designs of equal objective and parameters: the first choice that differs."""


def tie_key(architecture: Architecture, parameters: Count) -> tuple[Count, ...]:
    """Sort key for designs of equal objective; the smallest comes first.

    Parameters
    ----------
    architecture : Architecture
        Its integers may be arrays; the entries are then arrays too.
    parameters : int or array
        Total number of parameters.
    """
    return (parameters, *(choice.of(architecture) * 1 for choice in _TIES))
