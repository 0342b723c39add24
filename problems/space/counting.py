"""Count the designs of a space without listing repetitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelsizer.problems.space.options import listed, options
from modelsizer.problems.space.splits import Split, divided, divides
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Menu
from modelsizer.problems.tables.space import Space


@dataclass(frozen=True, slots=True)
class Counted:
    """Size of a space.

    Parameters
    ----------
    designs : int
        Distinct architectures that at least one layout can split.
    pairs : int
        Pairs of an architecture and a layout that can split it.
    """

    designs: int
    pairs: int


def count_designs(space: Space, splits: Sequence[Split]) -> Counted:
    """Count the designs of a space.

    Vocabularies divided by the same layouts, and tied and untied embeddings, have the same widths
    and depths, so these are counted once and multiplied.

    Parameters
    ----------
    space : Space
    splits : sequence of Split
        Divisibility required by each parallel layout.
    """
    ties = len(listed(space.tied_embeddings))
    alike: Counter[tuple[bool, ...]] = Counter()
    example: dict[tuple[bool, ...], int] = {}
    for vocabulary in map(int, space.vocab_size.numbers):
        fits = tuple(all(vocabulary % ways == 0 for ways in split.ways) for split in splits)
        alike[fits] += 1
        example[fits] = vocabulary
    found = Counted(0, 0)
    for fits, vocabulary in example.items():
        times = alike[fits] * ties
        one = space.model_copy(update={"vocab_size": Menu((vocabulary,)), "tied_embeddings": False})
        able = [split for split, fit in zip(splits, fits, strict=True) if fit]
        if able:
            designs, pairs = _count(one, able)
            found = Counted(found.designs + times * designs, found.pairs + times * pairs)
    return found


def _count(space: Space, splits: Sequence[Split]) -> tuple[int, int]:
    designs = pairs = 0
    for table in options(space):
        of_each = [divided(table, split).designs for split in splits]
        pairs += sum(of_each)
        designs += of_each[0] if len(splits) == 1 else _union(table, splits)
    return designs, pairs


def _union(table: Options, splits: Sequence[Split]) -> int:
    """Count the designs of a table that at least one split can divide."""
    # For each row the splits that its widths allow; among these only the stages differ.
    stages = sorted({split.stages for split in splits})
    allowed = np.zeros((len(table), len(stages)), dtype=bool)
    for split in splits:
        allowed[:, stages.index(split.stages)] |= divides(split, table)
    depths = table.depths
    axes = depths.count.shape[1]
    runs = np.column_stack([depths.first, depths.each, depths.count, allowed])
    distinct, times = np.unique(runs, axis=0, return_counts=True)
    total = 0
    for run, repeats in zip(distinct, times, strict=True):
        each, count, able = np.split(run[1:], [axes, 2 * axes])
        layers = run[0] + np.tensordot(each, np.indices(count.tolist()), axes=1)
        fits = np.zeros(layers.shape, dtype=bool)
        for divisor, ok in zip(stages, able, strict=True):
            if ok:
                fits |= layers % divisor == 0
        total += int(repeats) * int(fits.sum())
    return total
