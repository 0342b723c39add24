"""The space: every architecture that may be selected.

A *width option* is everything except the depth: block, vocabulary, widths and heads. Divisibility
and the aspect limits apply when options are created, so every design satisfies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.structures import BETWEEN, FULL_KINDS
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.tables.menus import (
    MAX_VALUE,
    Choice,
    Interval,
    Menu,
    Written,
    choice_parser,
    interval_parser,
    written_value,
)
from modelsizer.problems.typed_tables import Kind, Table, made

Ints = NDArray[np.int64]

DEFAULT_D_MODEL_STEP = 128
DEFAULT_HEAD_DIM = 128
DEFAULT_FFN_MULTIPLE = 256  # Llama's multiple_of (arXiv 2302.13971, reference code)
# Shazeer 2020 (arXiv 2002.05202) scales a gated feed-forward by 2/3 to keep its parameters.
DEFAULT_GATED_RATIO = Fraction(8, 3)
DEFAULT_PLAIN_RATIO = Fraction(4)
DEFAULT_EXPERT_MULTIPLE = 64
LEAST_KV_RANK, LEAST_ROPE, LEAST_NOPE, LEAST_VALUE = 128, 32, 64, 64
"""Least widths of latent attention: a latent of nothing is no attention, and no term of the loss
prices these widths down to nothing."""


def _entries(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _read_names(value: object) -> tuple[str, ...] | str:
    names = _entries(value)
    if not names:
        raise ValueError("the menu is empty; list at least one block")
    for name in names:
        if not isinstance(name, str) or name not in BLOCKS:
            hint = did_you_mean(str(name), BLOCKS)
            raise ValueError(f"unknown block {short(name)}{hint}; known: {', '.join(BLOCKS)}")
    return tuple(names) if isinstance(value, list | tuple) else str(value)


def _read_flags(value: object) -> tuple[bool, ...] | bool:
    flags = _entries(value)
    if not flags:
        raise ValueError("the menu is empty; write true, false or [true, false]")
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError(f"{short(value)} is not true, false or a list of them")
    return tuple(flags) if isinstance(value, list | tuple) else bool(value)


_read_aspects = choice_parser("aspect_ratio", whole=False)
_read_aspect_interval = interval_parser("count")


def _read_aspect(value: object) -> Menu | Interval:
    """An interval limits d_model / layers; a number or a list gives the allowed ratios."""
    if isinstance(value, Interval) or hasattr(value, "keys"):
        return _read_aspect_interval(value)
    menu = _read_aspects(value)
    assert isinstance(menu, Menu)
    return menu


def _names_of(what: str, known: tuple[str, ...]) -> Kind:
    """Kind of a word, or a list of words."""

    def read(value: object) -> tuple[str, ...] | str:
        names = _entries(value)
        if not names:
            raise ValueError(f"the menu is empty; list at least one of {', '.join(known)}")
        for name in names:
            if not isinstance(name, str) or name not in known:
                hint = did_you_mean(str(name), known)
                raise ValueError(
                    f"{short(name)} is no {what}{hint}; write one of {', '.join(known)}"
                )
        return tuple(names) if isinstance(value, list | tuple) else str(value)

    return Kind(read, _as_list)


def _as_list(value: Any) -> object:
    return list(value) if isinstance(value, tuple) else value


def _choice(
    what: str, *, whole: bool = True, step: int | None = 1, zero: bool = False, least: int = 0
) -> Kind:
    read = choice_parser(what, whole=whole, default_step=step, zero=zero)

    def at_least(value: object) -> Choice:
        menu = read(value)
        below = [n for n in menu.numbers[:2] if n < least and not (zero and n == 0)]
        if below:
            raise ValueError(f"{below[0]} is too small; {what} must be at least {least}")
        return menu

    return written_value(at_least)


class LatentSpace(Table):
    """``[space.latent]``: multi-head latent attention (DeepSeek-V2, arXiv 2405.04434).

    Defaults are the published widths (section 3.1.2). Smaller ones than the least here are no
    attention that anyone has trained, and a search would take them for free.

    Parameters
    ----------
    heads
        Query heads, independent of d_model.
    kv_lora_rank, q_lora_rank
        Widths of the latents; a `q_lora_rank` of 0 projects queries directly.
    rope_dim, nope_dim, value_dim
        Widths of a head's rotary part, of the rest of its query and key, and of its value.
    """

    heads: Annotated[Choice, _choice("latent.heads")]
    kv_lora_rank: Annotated[Choice, _choice("kv_lora_rank", least=LEAST_KV_RANK)] = Menu(
        (512,), fixed=True
    )
    q_lora_rank: Annotated[Choice, _choice("q_lora_rank", zero=True)] = Menu((1536,), fixed=True)
    rope_dim: Annotated[Choice, _choice("rope_dim", least=LEAST_ROPE)] = Menu((64,), fixed=True)
    nope_dim: Annotated[Choice, _choice("nope_dim", least=LEAST_NOPE)] = Menu((128,), fixed=True)
    value_dim: Annotated[Choice, _choice("value_dim", least=LEAST_VALUE)] = Menu((128,), fixed=True)


class ExpertsSpace(Table):
    """``[space.experts]``: mixtures of experts in place of the dense feed-forward.

    Parameters
    ----------
    routed, active
        Experts of a layer, and those of them that a token uses; 0 routed offers the dense design.
    granularity, d_ff
        G = 2 d_model / d_ff (Tian et al. 2025, arXiv 2507.17702), or the width of an expert.
    ffn_multiple
        The width is the nearest multiple of it to 2 d_model / G, ties up.
    shared
        Shared experts, each as wide as a routed one.
    dense_layers
        First layers that keep the dense feed-forward.
    """

    routed: Annotated[Choice, _choice("experts.routed", zero=True)]
    active: Annotated[Choice, _choice("experts.active")]
    granularity: Annotated[Choice | None, _choice("granularity", whole=False, step=None)] = None
    d_ff: Annotated[Choice | None, _choice("experts.d_ff")] = None
    ffn_multiple: Annotated[Choice | None, _choice("experts.ffn_multiple")] = None
    shared: Annotated[Choice, _choice("experts.shared", zero=True)] = Menu((0,), fixed=True)
    dense_layers: Annotated[Choice, _choice("dense_layers", zero=True)] = Menu((0,), fixed=True)


class LinearSpace(Table):
    """``[space.linear]``: widths of layers that hold a state in place of a cache.

    Defaults are those of Qwen3-Next's gated delta net and of Nemotron-H's Mamba-2.

    Parameters
    ----------
    key_heads, value_heads, key_dim, value_dim
        Of ``between = "gated-deltanet"``.
    heads, head_dim, state, groups
        Of ``between = "mamba2"``.
    conv
        Taps of the convolution of either.
    """

    key_heads: Annotated[Choice, _choice("key_heads")] = Menu((16,), fixed=True)
    value_heads: Annotated[Choice, _choice("value_heads")] = Menu((32,), fixed=True)
    key_dim: Annotated[Choice, _choice("key_dim")] = Menu((128,), fixed=True)
    value_dim: Annotated[Choice, _choice("value_dim")] = Menu((128,), fixed=True)
    heads: Annotated[Choice, _choice("linear.heads")] = Menu((128,), fixed=True)
    head_dim: Annotated[Choice, _choice("linear.head_dim")] = Menu((64,), fixed=True)
    state: Annotated[Choice, _choice("state")] = Menu((128,), fixed=True)
    groups: Annotated[Choice, _choice("groups")] = Menu((8,), fixed=True)
    conv: Annotated[Choice, _choice("conv")] = Menu((4,), fixed=True)


class Space(Table):
    """The designs that may be selected; ``[space]`` of a problem file.

    Every whole-number key takes a number, a list or ``{min, max, step}``.

    Parameters
    ----------
    layers, d_model, vocab_size
        Depth, width (with a default step of 128 in ranges), rows of the embedding.
    head_dim, heads
        With neither, head_dim is 128. With `head_dim` alone heads = d_model / head_dim, and with
        `heads` alone head_dim = d_model / heads; widths that are not divisible are left out. With
        both, ``heads x head_dim`` need not equal d_model.
    kv_heads, kv_group
        Key and value heads, or query heads per kv head; values that do not divide the heads are
        left out. With neither, heads / 8, heads / 4 and heads; heads alone in blocks of families
        that have no other (``gpt2``, ``gpt-neox``).
    d_ff, ffn_ratio, ffn_multiple
        Hidden width, or a ratio times d_model rounded to the nearest multiple (ties up). With
        neither, a ratio of 8/3 for a gated block and 4 for a plain one.
    tied_embeddings, block
        A value, or a list to choose from.
    aspect_ratio
        Limits ``{min, max}`` of d_model / layers, inclusive; or a list of the allowed ratios.
    attention
        Of the full layers: "grouped", "latent", or a list of both; without it, the block's own,
        which most often is grouped.
    full_every, full_layers
        One layer in so many is a full layer; or the numbers of full layers. With neither, the
        pattern of the block, which most often has full layers alone.
    between, window
        What stands between full layers, a word or a list; tokens that a windowed layer sees.
        Without them, those of the block's pattern; windows where it has none.
    latent, experts, linear
        Tables of latent attention, of mixtures of experts, and of layers with a state.
    """

    layers: Annotated[Choice, _choice("layers")]
    d_model: Annotated[Choice, _choice("d_model", step=DEFAULT_D_MODEL_STEP)]
    head_dim: Annotated[Choice | None, _choice("head_dim")] = None
    heads: Annotated[Choice | None, _choice("heads")] = None
    kv_heads: Annotated[Choice | None, _choice("kv_heads")] = None
    kv_group: Annotated[Choice | None, _choice("kv_group")] = None
    d_ff: Annotated[Choice | None, _choice("d_ff")] = None
    ffn_ratio: Annotated[Choice | None, _choice("ffn_ratio", whole=False, step=None)] = None
    ffn_multiple: Annotated[Choice | None, _choice("ffn_multiple")] = None
    vocab_size: Annotated[Choice, _choice("vocab_size")]
    tied_embeddings: Annotated[bool | tuple[bool, ...], Kind(_read_flags, _as_list)] = False
    block: Annotated[str | tuple[str, ...], Kind(_read_names, _as_list)] = "llama"
    aspect_ratio: Annotated[Written | None, written_value(_read_aspect)] = None
    attention: Annotated[
        str | tuple[str, ...] | None,
        _names_of("attention of full layers", FULL_KINDS),
    ] = None
    full_every: Annotated[Choice | None, _choice("full_every")] = None
    full_layers: Annotated[Choice | None, _choice("full_layers")] = None
    between: Annotated[
        str | tuple[str, ...] | None,
        _names_of("layer between full ones", BETWEEN),
    ] = None
    window: Annotated[Choice | None, _choice("window")] = None
    latent: LatentSpace | None = None
    experts: ExpertsSpace | None = None
    linear: LinearSpace = made(LinearSpace)
    _longest: int = MAX_VALUE

    @property
    def longest_context(self) -> int:
        """The longest context that a token may see, in training or serving.

        A window at least as long does nothing, so it is not offered.
        """
        return self._longest

    def within(self, longest: int) -> Space:
        """The space of a problem whose longest context is given."""
        if longest == self._longest:
            return self
        found = self.model_copy()
        found.__dict__["_longest"] = longest
        return found

    def menu(self, key: str) -> Any:
        """What a key of ``[space]`` or of a table in it offers; None if it is not given.

        Parameters
        ----------
        key : str
            Such as ``"d_model"`` or ``"experts.routed"``.
        """
        table, _, name = key.rpartition(".")
        held = getattr(self, table) if table else self
        return None if held is None else getattr(held, name)

    def with_menus(self, menus: Mapping[str, Any]) -> Space:
        """The space with other menus under such keys, not validated."""
        changed: dict[str, Any] = {}
        for key, menu in menus.items():
            table, _, name = key.rpartition(".")
            if not table:
                changed[name] = menu
                continue
            held = changed.get(table, getattr(self, table))
            changed[table] = held.model_copy(update={name: menu})
        return self.model_copy(update=changed)
