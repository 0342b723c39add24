"""Architectures for tests, from widths or from every row of a problem's tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.designs.costs import architecture_at, architecture_of
from modelsizer.problems.problem import Problem


def dense_layer(block: str, heads: int, kv_heads: int, head_dim: int, d_ff: int) -> Layer:
    """A layer of full attention and a dense feed-forward."""
    widths = {"heads": heads, "kv_heads": kv_heads, "head_dim": head_dim, "d_ff": d_ff}
    (layer,) = Structure(block).kinds(widths)
    return layer


def uniform(problem: Problem, *, block: str, layers: int, **widths: Any) -> Architecture:
    """An architecture of one kind of layer."""
    return architecture_of(problem, Structure(block), widths, [layers])


def listed(problem: Problem) -> Iterator[Architecture]:
    """Every design of a problem's tables, once for each layout that can split it."""
    for _, options in problem.options():
        for row in range(len(options)):
            for j in itertools.product(*map(range, options.depths.count[row])):
                yield architecture_at(problem, options, row, j)
