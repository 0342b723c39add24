"""Parallel layouts of training over accelerators.

Among layouts with the same tensor and pipeline parallelism, the one with the most data parallelism
is never worse: no accelerator needs more memory (arXiv 1910.02054, section 5), training takes no
longer, and the cost of training is the same. So one layout for each pair of tensor and pipeline
parallelism suffices, and a proof over these holds for all layouts. Expert parallelism takes its
ways from those of data parallelism, which are a multiple of them
(`modelsizer.problems.costs.training_memory`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import Choice, Menu
from modelsizer.problems.tables.training import DEGREES, Training


@dataclass(frozen=True, slots=True)
class Layout:
    """Degrees of data, tensor and pipeline parallelism, and the setup whose layout it is.

    Degrees are integers; those of `columns` are arrays of shape (W,), for formulas. The setup is a
    position in `modelsizer.problems.problem.Problem.setups`: 0 where no settings offer a choice.
    """

    data_parallel: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    setup: int = 0

    @property
    def degrees(self) -> dict[str, int]:
        """Degrees of parallelism by name."""
        return {name: getattr(self, name) for name in DEGREES}

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

    Notes
    -----
    The setup is that of the first layout: what is computed must not differ by those of the others.
    """
    degrees = [(one.data_parallel, one.tensor_parallel, one.pipeline_parallel) for one in layouts]
    data, tensor, pipeline = np.array(degrees, dtype=kind).T[:, of]
    return Layout(data, tensor, pipeline, layouts[0].setup)


@dataclass(frozen=True, slots=True)
class LayoutArrays:
    """Layouts as arrays of shape (layouts,): what is asked of many is asked of these.

    Parameters
    ----------
    setup : array
    accelerators : array
    degrees : tuple of array
        Of data, tensor and pipeline parallelism.
    """

    setup: NDArray[np.int64]
    accelerators: NDArray[np.int64]
    degrees: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, layouts: Sequence[Layout]) -> LayoutArrays:
        """Return the arrays of some layouts."""
        as_one = columns(layouts, kind=np.int64)
        setup = np.array([one.setup for one in layouts], dtype=np.int64)
        return cls(
            setup, np.asarray(as_one.accelerators), tuple(map(np.asarray, as_one.degrees.values()))
        )


MAX_LAYOUTS = 10**6
"""Products of data, tensor and pipeline parallelism that are looked at."""


def _ways(choice: Choice | None) -> list[int]:
    return [1] if choice is None else [int(n) for n in choice.numbers]


MOST_TENSOR = 8
"""Tensor parallelism that is offered by default: within a node, most of which have 8 accelerators
(Narayanan et al. 2021, arXiv 2104.04473, takeaway 1)."""
MOST_PIPELINE = 64
"""Pipeline parallelism that is offered by default: that of the largest model there (table 1)."""


def offered_by_default(training: Training) -> dict[str, Menu]:
    """Menus of tensor and pipeline parallelism where several accelerators have no layout.

    Powers of two; empty where the file gives some ways of parallelism, names no accelerator or not
    how many, and with a single one.
    """
    most = training.accelerators
    if training.device is None or most is None or most == 1 or training.ways:
        return {}
    ends = {"tensor_parallel": MOST_TENSOR, "pipeline_parallel": MOST_PIPELINE}
    return {
        name: Menu(tuple(2**k for k in range(min(end, most).bit_length())))
        for name, end in ends.items()
    }


def layouts(training: Training) -> tuple[Layout, ...]:
    """Return the candidate layouts, in order of preference.

    Those of `offered_by_default` where the file gives no ways of parallelism.

    Raises
    ------
    ValueError
        ``"@key message"``, if there are too few accelerators for any layout, or too many layouts.
    """
    given = offered_by_default(training) or training.ways
    data, tensor, pipeline = (given.get(name) for name in DEGREES)
    experts = training.expert_parallel, training.expert_tensor_parallel
    return _layouts(training.accelerators, data, tensor, pipeline, experts)


def _least_data(experts: tuple[int, int | None], tensor: int) -> int:
    """Number of data-parallel ways that expert parallelism takes, or of which it takes multiples.

    Parameters
    ----------
    experts : (int, int or None)
        Expert parallelism, and tensor parallelism of an expert; that of the layout if None.
    tensor : int
        Tensor parallelism of the layout.
    """
    ways, slices = experts
    if slices is None:
        return ways
    return ways * slices // math.gcd(ways * slices, tensor)


@lru_cache(maxsize=16)
def _layouts(
    most: int | None,
    data: Choice | None,
    tensor: Choice | None,
    pipeline: Choice | None,
    experts: tuple[int, int | None] = (1, None),
) -> tuple[Layout, ...]:
    menus = {"data_parallel": data, "tensor_parallel": tensor, "pipeline_parallel": pipeline}
    sizes = {name: menu.size for name, menu in menus.items() if menu is not None}
    if math.prod(sizes.values()) > MAX_LAYOUTS:
        name = max(sizes, key=lambda key: sizes[key])
        raise ValueError(
            f"@training.{name} has {sizes[name]:,} values; the menus make more than "
            f"{MAX_LAYOUTS:,} parallel layouts. Take fewer"
        )
    found: list[Layout] = []
    least = math.inf
    for t, p in product(_ways(tensor), _ways(pipeline)):
        each = _least_data(experts, t)
        if data is None:
            d = each if most is None else most // (t * p) // each * each
            least = min(least, each * t * p)
        else:
            able = [n for n in _ways(data) if n % each == 0]
            d = max((n for n in able if most is None or n * t * p <= most), default=0)
            least = min([least, *(n * t * p for n in able[:1])])
        if d:
            found.append(Layout(d, t, p))
    if least == math.inf:
        assert data is not None
        raise ValueError(_undivided(experts, _ways(data), _ways(tensor)))
    if not found:
        raise ValueError(
            f"@training.accelerators {most} accelerators are too few: the smallest product of "
            f"data, tensor and pipeline parallel is {least}"
        )
    return tuple(sorted(found, key=lambda layout: layout.rank))


def _undivided(experts: tuple[int, int | None], data: list[int], tensor: list[int]) -> str:
    """Why no data parallelism of a menu is a multiple of the ways of expert parallelism."""
    ways, slices = experts
    least = min(_least_data(experts, t) for t in tensor)
    offered = f"data_parallel = {data[0]}" if len(data) == 1 else "any data_parallel offered"
    if slices is not None:
        ways, offered = ways * slices, f"{offered} x tensor_parallel"
    with_slices = "" if slices is None else " x expert_tensor_parallel"
    return (
        f"@training.expert_parallel expert_parallel{with_slices} = {ways} does not divide "
        f"{offered}, from which it takes its ways; offer a multiple of {least}"
    )
