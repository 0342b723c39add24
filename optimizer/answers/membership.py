"""Whether an architecture is a design of a problem's space."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME, CHOICES
from modelsizer.problems.designs.costs import architecture_at
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.options import options
from modelsizer.problems.space.stacks import listed
from modelsizer.problems.tables.menus import Choice, Menu
from modelsizer.problems.tables.space import Space


def is_design(problem: Problem, architecture: Architecture) -> bool:
    """Whether the space offers an architecture under one of the parallel layouts.

    Only options with its own sizes are listed, so that a large menu takes no longer than a small
    one.
    """
    sizes = {choice.name: choice.of(architecture) for choice in CHOICES}
    space = _pinned(problem.space, architecture)
    if space is None:
        return False
    for split in problem.splits:
        for table in options(space, split):
            alike = np.all([table[n] == sizes[n] for n in table.structure.widths], axis=0)
            for row in np.flatnonzero(alike):
                ends = [range(int(n)) for n in table.depths.count[row]]
                for j in product(*ends):
                    if architecture_at(problem, table, int(row), j) == architecture:
                        return True
    return False


_DERIVED = frozenset(
    {"kv_group", "ffn_ratio", "ffn_multiple", "full_every", "full_layers",
     "experts.granularity", "experts.ffn_multiple"}
)  # fmt: skip
"""Keys whose values are not those of the choice that they offer."""


def _pinned(space: Space, architecture: Architecture) -> Space | None:
    """The space with menus cut to the values of a design; None if a menu does not offer one."""
    cut: dict[str, Any] = {}
    latent = BY_NAME["attention"].of(architecture) > 0
    for choice in CHOICES:
        for key in choice.menus:
            given, value = space.menu(key), choice.value(architecture)
            of_other = choice.name == "heads" and key.startswith("latent.") != latent
            # A flag may be false; any other choice is 0 or empty where the design has none.
            absent = value in (0, "") and choice.name != "tied_embeddings"
            if given is None or key in _DERIVED or of_other or absent:
                continue
            if isinstance(given, Choice):
                offered, cut[key] = value in given.numbers, Menu((value,))
            else:
                offered, cut[key] = value in listed(given), value
            if not offered:
                return None
    return space.with_menus(cut)
