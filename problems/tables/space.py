"""The space: every architecture that may be selected.

A *width option* is everything except the depth: block, vocabulary, widths and heads. Divisibility
and the aspect limits apply when options are created, so every design satisfies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    choice_form,
    choice_parser,
    interval_parser,
    written_value,
)
from modelsizer.problems.typed_keys import Kind, made
from modelsizer.problems.typed_tables import Table
from modelsizer.problems.value_forms import Amount, AnyOf, Boolean, Limit, OneOf, OneOrMore, Within

Ints = NDArray[np.int64]

DEFAULT_D_MODEL_STEP = 128
DEFAULT_HEAD_DIM = 128
DEFAULT_FFN_MULTIPLE = 256  # Llama's multiple_of (arXiv 2302.13971, reference code)
# Shazeer 2020 (arXiv 2002.05202) scales a gated feed-forward by 2/3 to keep its parameters.
DEFAULT_GATED_RATIO = Fraction(8, 3)
DEFAULT_PLAIN_RATIO = Fraction(4)
PUBLISHED_WINDOWS = tuple(block.window for block in BLOCKS.values())
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


_FLAGS = OneOrMore("", [True, False], Boolean(), "none")
_ASPECT = AnyOf(
    "d_model / layers",
    {"min": 64, "max": 160},
    (OneOrMore(of=Amount(range=Within(above=0, most=MAX_VALUE)), ranges="none"), Limit()),
)


def _names_form(example: str, known: Iterable[str]) -> OneOrMore:
    return OneOrMore("", example, OneOf(known=tuple(known)), "none")


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

    return Kind(read, _as_list, _names_form(known[-1], known))


def _as_list(value: Any) -> object:
    return list(value) if isinstance(value, tuple) else value


def _choice(
    what: str,
    example: object,
    *,
    unit: str = "",
    whole: bool = True,
    step: int | None = 1,
    zero: bool = False,
    least: int = 0,
) -> Kind:
    read = choice_parser(what, whole=whole, default_step=step, zero=zero)
    form = choice_form(unit, example, whole=whole, default_step=step, zero=zero, least=least)

    def at_least(value: object) -> Choice:
        menu = read(value)
        below = [n for n in menu.numbers[:2] if n < least and not (zero and n == 0)]
        if below:
            raise ValueError(f"{below[0]} is too small; {what} must be at least {least}")
        return menu

    return written_value(at_least, form=form)


class LatentSpace(Table):
    """``[space.latent]``: multi-head latent attention (DeepSeek-V2, arXiv 2405.04434).

    Defaults are the published widths (section 3.1.2). Smaller ones than the least here are no
    attention that anyone has trained, and a search would take them for free.

    Parameters
    ----------
    heads
        Query heads, independent of d_model.
    kv_lora_rank
        Width of the latent of keys and values, which is what is cached.
    q_lora_rank
        Width of the latent of queries; 0 projects queries directly.
    rope_dim
        Width of a head's rotary part.
    nope_dim
        Width of the rest of a head's query and key.
    value_dim
        Width of a head's value.
    """

    heads: Annotated[Choice, _choice("latent.heads", [32, 64, 128])]
    kv_lora_rank: Annotated[Choice, _choice("kv_lora_rank", [256, 512], least=LEAST_KV_RANK)] = (
        Menu((512,), fixed=True)
    )
    q_lora_rank: Annotated[Choice, _choice("q_lora_rank", [0, 1536], zero=True)] = Menu(
        (1536,), fixed=True
    )
    rope_dim: Annotated[Choice, _choice("rope_dim", 64, least=LEAST_ROPE)] = Menu((64,), fixed=True)
    nope_dim: Annotated[Choice, _choice("nope_dim", 128, least=LEAST_NOPE)] = Menu(
        (128,), fixed=True
    )
    value_dim: Annotated[Choice, _choice("value_dim", 128, least=LEAST_VALUE)] = Menu(
        (128,), fixed=True
    )


class ExpertsSpace(Table):
    """``[space.experts]``: mixtures of experts in place of the dense feed-forward.

    Parameters
    ----------
    routed
        Routed experts of a layer; 0 offers the dense design.
    active
        Routed experts that a token uses.
    granularity
        G = 2 d_model / d_ff of an expert (Tian et al. 2025, arXiv 2507.17702).
    d_ff
        Hidden width of an expert, in place of `granularity`.
    ffn_multiple
        The width of an expert is the nearest multiple of it to 2 d_model / G, ties up; 64 by
        default.
    shared
        Shared experts, each as wide as a routed one.
    dense_layers
        First layers that keep the dense feed-forward.
    """

    routed: Annotated[Choice, _choice("experts.routed", [64, 128, 256], zero=True)]
    active: Annotated[Choice, _choice("experts.active", [4, 8])]
    granularity: Annotated[
        Choice | None, _choice("granularity", [2, 4, 8], whole=False, step=None)
    ] = None
    d_ff: Annotated[Choice | None, _choice("experts.d_ff", [768, 1536])] = None
    ffn_multiple: Annotated[Choice | None, _choice("experts.ffn_multiple", 128)] = None
    shared: Annotated[Choice, _choice("experts.shared", [0, 1], zero=True)] = Menu((0,), fixed=True)
    dense_layers: Annotated[Choice, _choice("dense_layers", [0, 1, 3], zero=True)] = Menu(
        (0,), fixed=True
    )


class LinearSpace(Table):
    """``[space.linear]``: widths of layers that hold a state in place of a cache.

    Defaults are those of Qwen3-Next's gated delta net and of Nemotron-H's Mamba-2.

    Parameters
    ----------
    key_heads, value_heads
        Heads of keys (`key_heads`) and of values (`value_heads`) where
        ``between = "gated-deltanet"``.
    key_dim, value_dim
        Width of a head's key (`key_dim`) and of its value (`value_dim`) where
        ``between = "gated-deltanet"``.
    heads, head_dim
        Number of heads (`heads`) and width of each (`head_dim`) where ``between = "mamba2"``.
    state, groups
        Values of the state of each channel (`state`), and groups of heads that share its
        projections (`groups`), where ``between = "mamba2"``.
    conv
        Taps of the convolution before the state.
    """

    key_heads: Annotated[Choice, _choice("key_heads", [8, 16])] = Menu((16,), fixed=True)
    value_heads: Annotated[Choice, _choice("value_heads", [16, 32])] = Menu((32,), fixed=True)
    key_dim: Annotated[Choice, _choice("key_dim", 128)] = Menu((128,), fixed=True)
    value_dim: Annotated[Choice, _choice("value_dim", 128)] = Menu((128,), fixed=True)
    heads: Annotated[Choice, _choice("linear.heads", [64, 128])] = Menu((128,), fixed=True)
    head_dim: Annotated[Choice, _choice("linear.head_dim", 64)] = Menu((64,), fixed=True)
    state: Annotated[Choice, _choice("state", [64, 128])] = Menu((128,), fixed=True)
    groups: Annotated[Choice, _choice("groups", 8)] = Menu((8,), fixed=True)
    conv: Annotated[Choice, _choice("conv", 4)] = Menu((4,), fixed=True)


class Space(Table):
    """The designs that may be selected; ``[space]`` of a problem file.

    Every whole-number key takes a number, a list or ``{min, max, step}``.

    Parameters
    ----------
    layers
        Depth: layers of the stack.
    d_model
        Width of the residual stream; ranges have a default step of 128.
    vocab_size
        Rows of the embedding: the size of the vocabulary.
    head_dim
        Width of a head; 128 where `heads` is not given either. With `head_dim` alone heads =
        d_model / head_dim, and widths that are not divisible are left out. With both, ``heads x
        head_dim`` need not equal d_model.
    heads
        Query heads of a layer. With `heads` alone head_dim = d_model / heads, and widths that are
        not divisible are left out. With both, ``heads x head_dim`` need not equal d_model.
    kv_heads
        Key and value heads of a layer; values that do not divide the heads are left out. Without
        `kv_heads` and `kv_group`, heads / 8, heads / 4 and heads; heads alone in blocks of families
        that have no other (``gpt2``, ``gpt-neox``).
    kv_group
        Query heads for each key and value head, in place of `kv_heads`.
    d_ff
        Hidden width of the feed-forward, in place of `ffn_ratio`.
    ffn_ratio
        Hidden width of the feed-forward over d_model, before it is rounded to `ffn_multiple`. By
        default 8/3 for a gated block and 4 for a plain one.
    ffn_multiple
        Hidden widths that follow from `ffn_ratio` are the nearest multiple of it, ties up; 256 by
        default.
    tied_embeddings
        Whether the output head is the embedding; or a list to choose from.
    block
        Family whose layers are built: normalisations, biases, activation and pattern of layers; or
        a list to choose from.
    aspect_ratio
        Limits ``{min, max}`` of d_model / layers, inclusive; or a list of the allowed ratios.
    attention
        Attention of the full layers: "grouped", "latent", or a list of both; by default the
        block's own, which most often is grouped.
    full_every
        One layer in so many sees the whole context. Without `full_every` and `full_layers`, the
        pattern of the block, which most often has such layers alone.
    full_layers
        Number of layers that see the whole context, in place of `full_every`.
    between
        What stands between full layers, a word or a list; by default what the block's pattern has,
        and windows where it has none.
    window
        Tokens that a windowed layer sees; by default those of the block's pattern.
    latent
        Widths of latent attention.
    experts
        Mixtures of experts in place of the dense feed-forward.
    linear
        Widths of layers that hold a state in place of a cache.
    """

    layers: Annotated[Choice, _choice("layers", {"min": 16, "max": 96, "step": 4}, unit="layers")]
    d_model: Annotated[
        Choice, _choice("d_model", {"min": 2048, "max": 8192}, step=DEFAULT_D_MODEL_STEP)
    ]
    head_dim: Annotated[Choice | None, _choice("head_dim", [64, 128])] = None
    heads: Annotated[Choice | None, _choice("heads", [16, 32, 64])] = None
    kv_heads: Annotated[Choice | None, _choice("kv_heads", [4, 8])] = None
    kv_group: Annotated[Choice | None, _choice("kv_group", [4, 8])] = None
    d_ff: Annotated[Choice | None, _choice("d_ff", [8192, 14336])] = None
    ffn_ratio: Annotated[
        Choice | None, _choice("ffn_ratio", [2.6667, 3.5, 4.0], whole=False, step=None)
    ] = None
    ffn_multiple: Annotated[Choice | None, _choice("ffn_multiple", 256)] = None
    vocab_size: Annotated[Choice, _choice("vocab_size", [32000, 128256], unit="tokens")]
    tied_embeddings: Annotated[bool | tuple[bool, ...], Kind(_read_flags, _as_list, _FLAGS)] = False
    block: Annotated[
        str | tuple[str, ...], Kind(_read_names, _as_list, _names_form("qwen3", BLOCKS))
    ] = "llama"
    aspect_ratio: Annotated[Written | None, written_value(_read_aspect, form=_ASPECT)] = None
    attention: Annotated[
        str | tuple[str, ...] | None,
        _names_of("attention of full layers", FULL_KINDS),
    ] = None
    full_every: Annotated[Choice | None, _choice("full_every", [4, 6], unit="layers")] = None
    full_layers: Annotated[Choice | None, _choice("full_layers", [8, 12], unit="layers")] = None
    between: Annotated[
        str | tuple[str, ...] | None,
        _names_of("layer between full ones", BETWEEN),
    ] = None
    window: Annotated[Choice | None, _choice("window", [1024, 4096], unit="tokens")] = None
    latent: LatentSpace | None = None
    experts: ExpertsSpace | None = None
    linear: LinearSpace = made(LinearSpace)
    _longest: int = MAX_VALUE

    @property
    def longest_context(self) -> int:
        """The longest context that a token may see, in training or serving.

        A window at least as long does nothing, so it is not offered. A context that is longer than
        every window is as good as any other one, and not told from it.
        """
        return self._longest

    def within(self, longest: int) -> Space:
        """The space of a problem whose longest context is given."""
        given = PUBLISHED_WINDOWS if self.window is None else self.window.numbers
        longest = min(longest, int(max(given)) + 1)  # so that spaces that offer the same are equal
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
