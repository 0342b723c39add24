"""Roots of a grid: the choices in which costs do not rise, with the menus of the others."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.axes import Axis, HiddenWidths
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME, ORDERED, UNORDERED
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import BETWEEN_WIDTHS, LATENT, Structure
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.heads import head_menus, kv_menu
from modelsizer.problems.space.options import menu_of
from modelsizer.problems.space.stacks import (
    dense_counts,
    patterns,
    stacks_by_pattern,
    structures,
    windows,
)
from modelsizer.problems.tables.menus import Choice, integers
from modelsizer.problems.tables.space import (
    DEFAULT_EXPERT_MULTIPLE,
    DEFAULT_FFN_MULTIPLE,
    DEFAULT_GATED_RATIO,
    DEFAULT_PLAIN_RATIO,
    Space,
)
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LAYERS = "layers"
PATTERN, DENSE_LAYERS = "pattern", "dense_layers"
KV, KV_GROUP = "kv_heads", "kv_group"
HIDDEN = {"d_ff": ("ffn_ratio", "ffn_multiple"), "expert_d_ff": ("granularity", "expert_multiple")}
"""Hidden widths, with the names of the menus of their ratio to d_model and of their multiple."""


@dataclass(frozen=True, slots=True)
class Root:
    """Unordered choices, with the menus of the others.

    Parameters
    ----------
    structure : Structure
    fixed : dict of str to int
        Values of the unordered choices.
    numbered : bool
        Whether the pattern is the number of full layers; otherwise one layer in so many is full.
    axes : dict of str to Axis
    hidden : dict of str to HiddenWidths
        Hidden widths that follow from a ratio; of others the widths themselves are a menu.
    stacks : Depths
        All numbers of layers.
    first, many : array of shape (patterns, numbers of dense layers)
        Rows of `stacks` of each pair.
    """

    structure: Structure
    fixed: dict[str, int]
    numbered: bool
    axes: dict[str, Axis]
    hidden: dict[str, HiddenWidths]
    stacks: Depths
    first: Ints
    many: Ints

    def rows(self, pattern: Ints, dense: Ints, keep: Bools) -> tuple[Ints, Ints]:
        """Return every row of `stacks` of some pairs.

        Parameters
        ----------
        pattern, dense : array of shape (n,)
            Indices of patterns and of numbers of dense layers.
        keep : array of bool, shape (n,)
            Of which to return rows.

        Returns
        -------
        of : array of shape (R,)
            Index of the pair.
        row : array of shape (R,)
        """
        many = np.where(keep, self.many[pattern, dense], 0)
        of = np.repeat(np.arange(len(pattern)), many)
        within = np.arange(len(of)) - (np.cumsum(many) - many)[of]
        return of, self.first[pattern[of], dense[of]] + within

    def pattern_of(self, counts: Ints) -> tuple[int, int] | None:
        """Return the indices of pattern and dense layers that give some numbers of layers."""
        apart = counts - self.stacks.start
        step = self.stacks.step[:, :, 0]
        times = (apart // np.maximum(step, 1)).max(axis=1)
        meets = (step * times[:, None] == apart).all(axis=1)
        row = np.flatnonzero(meets & (times >= 0) & (times < self.stacks.count[:, 0]))
        if not len(row):
            return None
        found = np.flatnonzero((self.first <= row[0]) & (row[0] < self.first + self.many))
        pattern, dense = divmod(int(found[0]), self.first.shape[1])
        return pattern, dense


def vocabularies_rise(problem: Problem) -> bool:
    """Whether a larger vocabulary holds no less text a token, as far as a problem says."""
    rates = problem.settings.tokenizer
    return rates is None or rates.falling


def roots_of(problem: Problem) -> Iterator[Root]:
    """Yield the roots of a space.

    Vocabularies are a menu where text a token rises with them, which bounds FLOPs of text
    (`modelsizer.optimizer.search.corners`), and otherwise a root each.
    """
    space = problem.space
    stages = {split.stages for split in problem.splits}
    apart = UNORDERED if vocabularies_rise(problem) else (*UNORDERED, BY_NAME["vocab_size"])
    menus = [menu_of(space, choice) for choice in apart]
    names = [choice.name for choice in apart]
    for structure in structures(space):
        axes, hidden = _widths(space, structure)
        depths, first, many = _stacks(space, structure, axes)
        reached = np.unique(depths.layers(*_every(depths)))
        layers = [n for n in reached.tolist() if any(n % s == 0 for s in stages)]
        if not layers:
            continue
        axes[LAYERS] = Axis.of(np.array(layers, dtype=np.int64))
        numbered = space.full_layers is not None
        for values in product(*menus):
            fixed = {name: int(value) for name, value in zip(names, values, strict=True)}
            for some in _by_sign(axes):
                free = {name: axis for name, axis in some.items() if name not in fixed}
                yield Root(structure, fixed, numbered, free, hidden, depths, first, many)


def _every(depths: Depths) -> tuple[Ints, Ints]:
    """Row and index of every stack."""
    row = np.repeat(np.arange(len(depths)), depths.count[:, 0])
    before = np.cumsum(depths.count[:, 0]) - depths.count[:, 0]
    return row, (np.arange(len(row)) - before[row])[:, None]


def _by_sign(axes: dict[str, Axis]) -> Iterator[dict[str, Axis]]:
    """Separate a query rank of 0, which projects queries directly, from others."""
    rank = axes.get("q_lora_rank")
    if rank is None or rank.values[0] > 0 or len(rank) == 1:
        yield axes
        return
    for part in (rank.values[:1], rank.values[1:]):
        yield axes | {"q_lora_rank": Axis.of(part)}


def _stacks(space: Space, structure: Structure, axes: dict[str, Axis]) -> tuple[Depths, Ints, Ints]:
    """Return the stacks by pattern and dense layers, and add the menus of these to `axes`."""
    depths, pattern, dense = stacks_by_pattern(space, structure)
    kinds = np.array(patterns(space, structure) if structure.between else [1], dtype=np.int64)
    counts = np.array(dense_counts(space, structure), dtype=np.int64)
    if not structure.between:
        pattern = np.ones_like(pattern)
    order = np.lexsort((dense, pattern))
    key = np.searchsorted(kinds, pattern) * len(counts) + np.searchsorted(counts, dense)
    many = np.bincount(key, minlength=len(kinds) * len(counts))
    shape = (len(kinds), len(counts))
    axes[PATTERN], axes[DENSE_LAYERS] = Axis.of(kinds), Axis.of(counts)
    first = np.cumsum(many) - many
    return depths.take(order), first.reshape(shape), many.reshape(shape)


def _widths(space: Space, structure: Structure) -> tuple[dict[str, Axis], dict[str, HiddenWidths]]:
    """Return the menus of a structure's widths, and its hidden widths."""
    found = {choice.name: Axis.of(menu_of(space, choice)) for choice in ORDERED}
    found["d_model"] = Axis.of(integers(space.d_model))
    if structure.attention == "latent":
        found |= {name: Axis.of(integers(space.menu(f"latent.{name}"))) for name in LATENT}
    else:
        found |= _grouped(space, structure.block)
    if structure.between == "window":
        found["window"] = Axis.of(windows(space, structure.block))
    else:
        for name in BETWEEN_WIDTHS[structure.between]:
            menu = integers(space.menu(name.replace("linear_", "linear.", 1)))
            found[name] = Axis.of(menu)
    hidden: dict[str, HiddenWidths] = {}
    if structure.dense:
        plain = BLOCKS[structure.block].gated
        ratio = DEFAULT_GATED_RATIO if plain else DEFAULT_PLAIN_RATIO
        ratios = [ratio]
        if space.ffn_ratio is not None:
            ratios = [exact(ratio) for ratio in space.ffn_ratio.numbers]
        _add_hidden(
            "d_ff", space.d_ff, ratios, space.ffn_multiple, DEFAULT_FFN_MULTIPLE, found, hidden
        )
    if structure.experts:
        experts = space.experts
        assert experts is not None
        given = () if experts.granularity is None else experts.granularity.numbers
        ratios = sorted(2 / exact(granularity) for granularity in given)
        _add_hidden(
            "expert_d_ff", experts.d_ff, ratios, experts.ffn_multiple, DEFAULT_EXPERT_MULTIPLE,
            found, hidden,
        )  # fmt: skip
        routed = integers(experts.routed)
        found["routed_experts"] = Axis.of(routed[routed > 0])
        found["active_experts"] = Axis.of(integers(experts.active))
        found["shared_experts"] = Axis.of(integers(experts.shared))
    return found, hidden


def _add_hidden(
    name: str,
    menu: Choice | None,
    ratios: list[Fraction],
    multiples: Choice | None,
    usual: int,
    axes: dict[str, Axis],
    hidden: dict[str, HiddenWidths],
) -> None:
    """Add the menus of a hidden width: of the width itself, or of a ratio and a multiple."""
    if menu is not None:
        axes[name] = Axis.of(integers(menu))
        return
    each = np.array([usual], dtype=np.int64) if multiples is None else integers(multiples)
    ratio, multiple = HIDDEN[name]
    axes[ratio], axes[multiple] = Axis.of_ratios(ratios), Axis.of(each)
    hidden[name] = HiddenWidths(ratios, each)


def _grouped(space: Space, block: str) -> dict[str, Axis]:
    """Return the menus of grouped attention: of heads and head_dim that of one may follow."""
    first, second = head_menus(space)
    found = {"heads" if space.heads is not None else "head_dim": Axis.of(first)}
    if space.heads is not None and space.head_dim is not None:
        found["head_dim"] = Axis.of(second)
    key, menu = kv_menu(space, block)
    found[key] = Axis.of(integers(menu), falling=key == KV_GROUP)
    return found
