"""Architectures for tests, from widths or from every row of a problem's tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import architecture_at, architecture_of
from modelsizer.problems.problem import Problem


def uniform(problem: Problem, *, block: str, layers: int, **widths: Any) -> Architecture:
    """An architecture of one kind of layer."""
    return architecture_of(problem, block, widths, [layers])


def listed(problem: Problem) -> Iterator[Architecture]:
    """Every design of a problem's tables, once for each layout that can split it."""
    for _, options in problem.options():
        for row in range(len(options)):
            for j in itertools.product(*map(range, options.depths.count[row])):
                yield architecture_at(problem, options, row, j)
