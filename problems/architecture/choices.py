"""The choices of a design, one row each, with all that the program needs to know of a choice.

``docs/reference/adding.md`` lists what else a new choice affects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Any, Literal

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.choice_values import (
    code_of,
    dense_full_layers,
    dense_layers,
    is_dense,
    is_full,
    is_windowed,
    number_of,
    of_experts,
    of_heads,
    of_layers,
    of_mixer,
    shared_experts,
    widest_window,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.records import dataclass

Breadth = Literal["narrow", "wide", "offered", "all", "none"]


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
    breadth : {"narrow", "wide", "offered", "all", "none"}
        The narrowest tables of designs that include it as a column; "offered" if they do where a
        space offers several values of it.
    words : tuple of str
        Words that its values, 0, 1, ..., stand for, if it is no number.
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
    words: tuple[str, ...] = ()

    def value(self, architecture: Architecture) -> Any:
        """Its value in an architecture: a number, a word, or true or false."""
        found = self.of(architecture)
        return self.words[found] if self.words else found


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
        menus={
            "heads": "heads = d_model / head_dim here: fix d_model or head_dim",
            "latent.heads": "",
        },
        growth={"heads": Fraction(1, 3)},
        law=True,
        breadth="narrow",
    ),
    DesignChoice(
        "kv_heads",
        of_layers(lambda layer: of_heads(layer, "kv_heads")),
        short="kv",
        tie=4,
        menus={
            "kv_heads": "kv_heads are a share of the heads here: offer space.kv_heads",
            "kv_group": "",
        },
        growth={"kv_heads": Fraction(1, 4)},
        law=True,
        ratios={"kv_group": ("heads", "kv_heads")},
        breadth="narrow",
    ),
    DesignChoice(
        "head_dim",
        of_layers(lambda layer: of_heads(layer, "head_dim")),
        short="hd",
        tie=3,
        menus={"head_dim": "head_dim is 128, or d_model / heads where heads are offered"},
        growth={"head_dim": Fraction(1, 3)},
        law=True,
        breadth="wide",
    ),
    DesignChoice(
        "d_ff",
        of_layers(lambda layer: layer.ffn.d_ff if is_dense(layer) else 0),
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
    DesignChoice(
        "attention",
        code_of([lambda layer: isinstance(layer.attention, LatentAttention)]),
        tie=16,
        width=False,
        menus={"attention": ""},
        words=("grouped", "latent"),
        breadth="offered",
    ),
    DesignChoice(
        "full_layers",
        number_of(is_full),
        tie=9,
        width=False,
        menus={"full_every": "", "full_layers": ""},
        breadth="offered",
    ),
    DesignChoice(
        "between",
        code_of(
            [
                is_windowed,
                lambda layer: isinstance(layer.attention, GatedDeltaNet),
                lambda layer: isinstance(layer.attention, Mamba2),
            ]
        ),
        width=False,
        menus={"between": ""},
        words=("", "window", "gated-deltanet", "mamba2"),
        breadth="offered",
    ),
    DesignChoice(
        "window", widest_window, short="w", tie=10, menus={"window": ""}, breadth="offered"
    ),
    DesignChoice(
        "routed_experts",
        of_experts(lambda ffn: ffn.experts),
        short="e",
        tie=11,
        menus={"experts.routed": ""},
        breadth="offered",
    ),
    DesignChoice(
        "active_experts",
        of_experts(lambda ffn: ffn.active),
        short="k",
        tie=12,
        menus={"experts.active": ""},
        breadth="offered",
    ),
    DesignChoice(
        "expert_d_ff",
        of_experts(lambda ffn: ffn.d_ff),
        short="eff",
        tie=13,
        menus={
            "experts.d_ff": "expert_d_ff = 2 d_model / granularity here: fix experts.granularity",
            "experts.granularity": "experts.d_ff is offered instead",
            "experts.ffn_multiple": "",
        },
        breadth="offered",
    ),
    DesignChoice(
        "shared_experts",
        of_experts(shared_experts),
        short="s",
        tie=14,
        menus={"experts.shared": ""},
        breadth="offered",
    ),
    DesignChoice(
        "dense_layers",
        dense_layers,
        tie=15,
        width=False,
        menus={"experts.dense_layers": ""},
        breadth="offered",
    ),
    *(
        DesignChoice(
            name,
            of_mixer(LatentAttention, name),
            short=short,
            tie=17 + position,
            menus={f"latent.{name}": ""},
            breadth="offered",
        )
        for position, (name, short) in enumerate(
            (
                ("kv_lora_rank", "r"),
                ("q_lora_rank", "qr"),
                ("rope_dim", "rope"),
                ("nope_dim", "nope"),
                ("value_dim", "v"),
            )
        )
    ),
    DesignChoice("dense_full_layers", dense_full_layers, tie=22, width=False, breadth="none"),
    *(
        DesignChoice(
            f"linear_{name}",
            of_mixer(kinds, field_),
            tie=23 + position,
            menus={f"linear.{name}": ""},
            breadth="offered",
        )
        for position, (name, kinds, field_) in enumerate(
            (
                ("key_heads", (GatedDeltaNet,), "key_heads"),
                ("value_heads", (GatedDeltaNet,), "value_heads"),
                ("key_dim", (GatedDeltaNet,), "key_dim"),
                ("value_dim", (GatedDeltaNet,), "value_dim"),
                ("heads", (Mamba2,), "mamba_heads"),
                ("head_dim", (Mamba2,), "mamba_head_dim"),
                ("state", (Mamba2,), "state"),
                ("groups", (Mamba2,), "groups"),
                ("conv", (GatedDeltaNet, Mamba2), "conv"),
            )
        )
    ),
    DesignChoice("block", lambda a: a.block, width=False, menus={"block": ""}),
)
"""Every choice, in the order of the JSON architecture."""

BY_NAME: Mapping[str, DesignChoice] = {choice.name: choice for choice in CHOICES}
WIDTHS = tuple(choice.name for choice in CHOICES if choice.width)
"""Choices that a width option fixes, except its block."""
ZERO_APART = ("q_lora_rank",)
"""Widths of which 0 is another kind of layer: costs increase from 1 on, and may be more at 0."""
ORDERED = tuple(c for c in CHOICES if c.free == "ordered")
UNORDERED = tuple(c for c in CHOICES if c.free == "unordered")
MENUS = tuple(key for choice in CHOICES for key in choice.menus)
"""Keys of ``[space]`` whose values can be pinned or forbidden."""
SIZES = tuple(choice.name for choice in CHOICES if choice.law)
"""Choices that are sizes and so have a logarithm."""
SHOWN = tuple(choice.name for choice in CHOICES if choice.breadth != "none")
"""Choices in the JSON architecture and in lists of designs."""
WIDE = tuple(choice.name for choice in CHOICES if choice.breadth in ("wide", "narrow"))
OFFERED = tuple(choice for choice in CHOICES if choice.breadth == "offered")
"""Choices that are columns of tables of designs where a space offers several values of them."""
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
