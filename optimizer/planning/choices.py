"""Choices that runs vary besides size, tokens and depth: each width that a law sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, TypeVar

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.rounding import nearest_multiples
from modelsizer.problems.tables.space import DEFAULT_FFN_MULTIPLE, Space
from modelsizer.problems.units import exact

FFN_RATIOS = (Fraction(1), Fraction(2), Fraction(8, 3), Fraction(4), Fraction(8))
"""Values of d_ff / d_model if the space leaves none open: those of gated blocks, 8/3, and of plain
ones, 4 (Shazeer 2020, arXiv 2002.05202), half and twice of these, and a narrow one."""
HEAD_DIMS = (64, 128, 256)
"""Values from published models, if the space leaves none open."""
LEAST_HEADS = 2
_MOST_VALUES = 5  # greatest number of values of one choice
_LEAST_VALUES = 3  # least number of values: a coefficient, its exponent and E need three
_SAME = 0.1  # relative difference within which two ratios count as equal
NAMES = ("head_dim", "kv_heads", "d_ff", "vocab_size")
_SEES: Mapping[str, tuple[str, ...]] = {
    "head_dim": ("head_dim", "heads"),
    "kv_heads": ("kv_heads", "kv_group"),
    "d_ff": ("d_ff", "ffn_ratio"),
    "vocab_size": ("vocab_size",),
}
"""Features of a form that depend on each choice."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Choice:
    """The settings of a config other than width and depth."""

    head_dim: int
    kv_heads: int
    d_ff: int
    vocab_size: int


@dataclass(frozen=True, slots=True)
class Choices:
    """Settings available at each width; the target's own, if the law does not depend on them.

    Parameters
    ----------
    head_dims, vocab_sizes : tuple of int
    ffn_ratios : tuple of Fraction
    ffn_multiple : int
        d_ff is rounded to a multiple of this.
    kv_heads : tuple of int
    kv_groups : tuple of float
        Query heads per kv head. If neither is given, every divisor of the heads is allowed.
    most : mapping
        Greatest number of values for each of `NAMES`.
    """

    head_dims: tuple[int, ...]
    ffn_ratios: tuple[Fraction, ...]
    ffn_multiple: int
    kv_heads: tuple[int, ...]
    kv_groups: tuple[float, ...]
    vocab_sizes: tuple[int, ...]
    most: Mapping[str, int]

    def of(self, d_model: int) -> tuple[Choice, ...]:
        """Every choice at a width."""
        found = [
            Choice(head_dim, kv_heads, d_ff, vocab_size)
            for head_dim in self._head_dims(d_model)
            for kv_heads, d_ff, vocab_size in product(
                self._kv_heads(d_model // head_dim), self._d_ffs(d_model), self.vocab_sizes
            )
        ]
        return tuple(dict.fromkeys(found))

    def at(self, d_model: int, shares: Mapping[str, float]) -> Choice | None:
        """The choice at relative positions in each list, 0 first, 1 last; None without heads."""
        if not (head_dims := self._head_dims(d_model)):
            return None
        head_dim = _at(head_dims, shares.get("head_dim", 0.0))
        return Choice(
            head_dim,
            _at(self._kv_heads(d_model // head_dim), shares.get("kv_heads", 0.0)),
            _at(self._d_ffs(d_model), shares.get("d_ff", 0.0)),
            _at(self.vocab_sizes, shares.get("vocab_size", 0.0)),
        )

    def many(self, name: str) -> int:
        """Number of values of one of `NAMES`, for wide models if it depends on the width."""
        if name == "kv_heads":
            return len(self.kv_heads or self.kv_groups) or self.most[name]
        lists: Mapping[str, Sequence[Any]] = {
            "head_dim": self.head_dims,
            "d_ff": self.ffn_ratios,
            "vocab_size": self.vocab_sizes,
        }
        return len(lists[name])

    def shares_of(self, target: Architecture) -> dict[str, float]:
        """Relative positions of an architecture's values, as `at` takes them."""
        layer: Any = target.groups[0].layer
        attention, trunk = layer.attention, target.trunk
        return {
            "head_dim": _share(self.head_dims, attention.head_dim),
            "kv_heads": _share(self._kv_heads(attention.heads), attention.kv_heads),
            "d_ff": _share(self.ffn_ratios, layer.ffn.d_ff / trunk.d_model),
            "vocab_size": _share(self.vocab_sizes, trunk.vocab_size),
        }

    def _head_dims(self, d_model: int) -> tuple[int, ...]:
        return tuple(h for h in self.head_dims if d_model % h == 0 and d_model // h >= LEAST_HEADS)

    def _d_ffs(self, d_model: int) -> tuple[int, ...]:
        found = (
            int(nearest_multiples(np.array([d_model]), ratio, self.ffn_multiple)[0])
            for ratio in self.ffn_ratios
        )
        return tuple(dict.fromkeys(max(d_ff, self.ffn_multiple) for d_ff in found))

    def _kv_heads(self, heads: int) -> tuple[int, ...]:
        """Divisors of the heads: all, or those nearest to the wanted ratios."""
        divisors = [k for k in range(1, heads + 1) if heads % k == 0]
        groups = [*(heads / k for k in self.kv_heads), *self.kv_groups]
        if not groups:
            return evenly(divisors, self.most["kv_heads"])
        found = {
            min(divisors, key=lambda k: (abs(math.log(heads / k / group)), -k)) for group in groups
        }
        return tuple(sorted(found))


def varied(seen: frozenset[str]) -> tuple[str, ...]:
    """Which of `NAMES` to vary for a law that depends on these features."""
    return tuple(name for name in NAMES if not seen.isdisjoint(_SEES[name]))


def choices_of(space: Space, target: Architecture, seen: frozenset[str], most: int) -> Choices:
    """What runs may vary: menus of the space with several values, or values around the target's.

    Parameters
    ----------
    space : Space
    target : Architecture
        Dense and uniform.
    seen : frozenset of str
        Features of the form to be learnt.
    most : int
        Approximate limit of choices per width; above it, each choice has fewer values.
    """
    layer: Any = target.groups[0].layer
    attention, trunk = layer.attention, target.trunk
    ratio = Fraction(int(layer.ffn.d_ff), int(trunk.d_model))
    menu = space.ffn_multiple
    multiple = int(menu.numbers[0]) if menu is not None else DEFAULT_FFN_MULTIPLE
    open_ = varied(seen)
    many = _many(open_, most)
    head_dims: tuple[int, ...] = (int(attention.head_dim),)
    ratios: tuple[Fraction, ...] = (ratio,)
    vocab_sizes: tuple[int, ...] = (int(trunk.vocab_size),)
    kv_heads: tuple[int, ...] = ()
    kv_groups: tuple[float, ...] = (attention.heads / attention.kv_heads,)
    if "head_dim" in open_:
        listed = _several(space.head_dim) or _with(HEAD_DIMS, head_dims[0])
        head_dims = evenly([int(v) for v in listed], many["head_dim"])
    if "d_ff" in open_:
        widths = [exact(v) / int(trunk.d_model) for v in _several(space.d_ff)]
        listed = [exact(v) for v in _several(space.ffn_ratio)] or widths or _with(FFN_RATIOS, ratio)
        ratios = evenly(listed, many["d_ff"])
    if "kv_heads" in open_:
        kv_heads = evenly([int(v) for v in _several(space.kv_heads)], many["kv_heads"])
        kv_groups = evenly([float(v) for v in _several(space.kv_group)], many["kv_heads"])
    if "vocab_size" in open_:
        listed = _several(space.vocab_size) or vocab_sizes
        vocab_sizes = evenly([int(v) for v in listed], many["vocab_size"])
    return Choices(head_dims, ratios, multiple, kv_heads, kv_groups, vocab_sizes, many)


def _many(open_: Sequence[str], most: int) -> dict[str, int]:
    """Numbers of values whose product is at most `most`, but at least three each."""
    many = dict.fromkeys(NAMES, 1) | dict.fromkeys(open_, _MOST_VALUES)
    while math.prod(many.values()) > most:
        largest = max(many, key=lambda name: many[name])
        if many[largest] <= _LEAST_VALUES:
            break
        many[largest] -= 1
    return many


def _several(menu: Any) -> Sequence[Any]:
    """Values of a menu that has several; empty otherwise."""
    found = () if menu is None else menu.numbers
    return found if len(found) > 1 else ()


def _with(named: Sequence[_T], own: _T) -> Sequence[_T]:
    """Add the target's value to the listed ones, unless it nearly equals one of them."""
    values: Sequence[Any] = named
    if any(abs(float(own / v) - 1) < _SAME for v in values):
        return named
    return sorted([*values, own])


def evenly(values: Sequence[_T], most: int) -> tuple[_T, ...]:
    """Select at most so many values, including both ends."""
    if len(values) <= most:
        return tuple(values)
    return tuple(values[round(i)] for i in np.linspace(0, len(values) - 1, most))


def _at(values: Sequence[_T], share: float) -> _T:
    return values[round(share * (len(values) - 1))]


def _share(values: Sequence[Any], own: float) -> float:
    """Relative position of the value nearest in ratio, first value 0, last 1."""
    nearest = min(range(len(values)), key=lambda i: abs(math.log(float(values[i]) / own)))
    return nearest / max(len(values) - 1, 1)
