"""Whether an architecture is a design of a problem's space."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import WIDTHS
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.costs import architecture_at
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.options import listed, options
from modelsizer.problems.tables.menus import Choice, Menu
from modelsizer.problems.tables.space import Space


def is_design(problem: Problem, architecture: Architecture) -> bool:
    """Whether the space offers an architecture under one of the parallel layouts.

    Only options with its own sizes are listed, so that a large menu takes no longer than a small
    one.
    """
    sizes = architecture_dict(architecture)
    space = _pinned(problem.space, sizes)
    if space is None:
        return False
    for split in problem.splits:
        for table in options(space, split):
            alike = np.all([table[name] == sizes[name] for name in WIDTHS], axis=0)
            for row in np.flatnonzero(alike):
                ends = [range(int(n)) for n in table.depths.count[row]]
                for j in product(*ends):
                    if architecture_at(problem, table, int(row), j) == architecture:
                        return True
    return False


def _pinned(space: Space, sizes: dict[str, Any]) -> Space | None:
    """The space with each menu cut to one value; None if a menu does not offer it."""
    cut: dict[str, Any] = {}
    for name in ("layers", *WIDTHS, "block"):
        given, value = getattr(space, name), sizes[name]
        if given is None:
            continue
        if isinstance(given, Choice):
            offered, cut[name] = value in given.numbers, Menu((value,))
        else:
            offered, cut[name] = value in listed(given), value
        if not offered:
            return None
    return space.model_copy(update=cut)
