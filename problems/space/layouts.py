"""Parallel layouts of training over accelerators.

Among layouts with the same tensor and pipeline parallelism, the one with the most data parallelism
is never worse: no accelerator needs more memory (arXiv 1910.02054, section 5), training takes no
longer, and the cost of training is the same. So one layout for each pair of tensor and pipeline
parallelism suffices, and a proof over these holds for all layouts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from modelsizer.problems.tables.menus import Choice
from modelsizer.problems.tables.training import Training


@dataclass(frozen=True, slots=True)
class Layout:
    """Degrees of data, tensor and pipeline parallelism.

    They are integers; those of `columns` are arrays of shape (W,), for formulas.
    """

    data_parallel: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1

    @property
    def accelerators(self) -> int:
        """Number of accelerators that work."""
        return self.data_parallel * self.tensor_parallel * self.pipeline_parallel

    @property
    def rank(self) -> tuple[int, ...]:
        """Sort key of layouts with equal objectives: fast first, then simple."""
        return (-self.accelerators, self.pipeline_parallel, self.tensor_parallel)


def columns(layouts: Sequence[Layout], of: Any = slice(None), kind: type = object) -> Layout:
    """Layouts as one, whose degrees are arrays: of the layouts themselves, or those at indices.

    Parameters
    ----------
    layouts : sequence of Layout
    of : array of int, optional
        Index of the layout of each row.
    kind : type
        ``object`` for Python integers, or ``np.int64``.
    """
    degrees = zip(*map(astuple, layouts), strict=True)
    return Layout(*(np.array(each, dtype=kind)[of] for each in degrees))


MAX_LAYOUTS = 10**6
"""Products of data, tensor and pipeline parallelism that are looked at."""


def _ways(choice: Choice | None) -> list[int]:
    return [1] if choice is None else [int(n) for n in choice.numbers]


def layouts(training: Training) -> tuple[Layout, ...]:
    """Return the candidate layouts, in order of preference.

    Raises
    ------
    ValueError
        ``"@key message"``, if there are too few accelerators for any layout, or too many layouts.
    """
    most = training.accelerators
    sizes = {
        name: menu.size
        for name in ("data_parallel", "tensor_parallel", "pipeline_parallel")
        if (menu := getattr(training, name)) is not None
    }
    if math.prod(sizes.values()) > MAX_LAYOUTS:
        name = max(sizes, key=lambda key: sizes[key])
        raise ValueError(
            f"@training.{name} has {sizes[name]:,} values; the menus make more than "
            f"{MAX_LAYOUTS:,} parallel layouts. Take fewer"
        )
    found = []
    for tensor in _ways(training.tensor_parallel):
        for pipeline in _ways(training.pipeline_parallel):
            if training.data_parallel is None:
                data = 1 if most is None else most // (tensor * pipeline)
            else:
                fits = [
                    n for n in _ways(training.data_parallel)
                    if most is None or n * tensor * pipeline <= most
                ]  # fmt: skip
                data = max(fits, default=0)
            if data:
                found.append(Layout(data, tensor, pipeline))
    if not found:
        least = (
            min(_ways(training.data_parallel))
            * min(_ways(training.tensor_parallel))
            * min(_ways(training.pipeline_parallel))
        )
        raise ValueError(
            f"@training.accelerators {most} accelerators are too few: the smallest product of "
            f"data, tensor and pipeline parallel is {least}"
        )
    return tuple(sorted(found, key=lambda layout: layout.rank))
