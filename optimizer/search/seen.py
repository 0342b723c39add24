"""What laws see of designs, over boxes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.search.corners import ACTIVE, Corners
from modelsizer.optimizer.search.stacks import kind_ranges
from modelsizer.optimizer.tables.grid import Ends
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.laws.features import (
    Features,
    Seen,
    from_parts,
    grows_with_depth,
    is_of_stack,
    parts_of,
    range_of_stack,
    ranges_of,
)

Floats = NDArray[np.float64]


def ranges_seen(names: Collection[Seen], corners: Corners) -> tuple[Features, Features]:
    """Return lower and upper bounds on features of laws over boxes of designs."""
    ends, none = corners.ends, np.zeros(len(corners))
    of_stack = {name: _of_stack(corners, name) for name in parts_of(names) if is_of_stack(name)}

    def value(high: bool, name: Seen) -> Floats:
        if name in of_stack:
            return np.asarray(of_stack[name][high], dtype=float)
        held = ends.high if high else ends.low
        return np.asarray(
            held.get(str(name), none), dtype=float
        )  # 0 of a width that the structure does not have

    return ranges_of(names, partial(value, False), partial(value, True))


def _of_stack(corners: Corners, name: Seen) -> tuple[Floats, Floats]:
    """Return bounds on a feature of whole stacks of layers."""
    if grows_with_depth(name):
        return corners.least(ACTIVE), corners.most(ACTIVE)
    structure, ends = corners.root.structure, corners.ends
    counts = kind_ranges(corners.root, ends)

    def stacks(widths: Ends) -> tuple[Architecture, Architecture]:
        low = widths.low
        if structure.experts and not isinstance(name, str):
            # Terms of ablations rise with the share of experts that a token uses.
            low = low | {"routed_experts": widths.high["routed_experts"]}
        least = _stacks(structure, low, [few for few, _ in counts])
        return least, _stacks(structure, widths.high, [many for _, many in counts])

    if isinstance(name, str):
        return range_of_stack(name, *stacks(ends))
    # Ratios of weights see heads only times head_dim.
    products = ends.products()
    weights = None if products is ends else stacks(products)
    least = from_parts(name, name.parts(*stacks(ends), weights))
    return least, np.full(len(corners), np.inf)


def _stacks(
    structure: Structure, widths: Mapping[str, Count], counts: Sequence[Count]
) -> Architecture:
    """Return an architecture of arrays."""
    trunk, kinds = structure.parts(widths, 0)
    groups = (LayerGroup(kind, count) for kind, count in zip(kinds, counts, strict=True))
    return Architecture(trunk, tuple(groups), structure.block)
