"""Affine costs, and every quantity but the loss, of an architecture that is trained on tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.quantities.auxiliary import (
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.batches import in_layers, largest_batches, used_by
from modelsizer.problems.quantities.quantity import (
    Candidate,
    Cost,
    Inverse,
    LargestBatch,
    OfFlops,
    Settings,
)
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.units import exact


def affine_costs(
    settings: Settings,
    trunk: Trunk,
    kinds: Sequence[Layer],
    layout: Layout,
    names: Collection[str],
    present: Sequence[Any] = (),
) -> dict[str, Affine]:
    """Compute affine quantities by name; see `modelsizer.problems.designs.costs.costs`."""
    candidate = Candidate(settings, trunk, kinds, layout, present)
    found: dict[str, Affine] = {}
    for name in names:
        cost = cost_of(name)
        values = cost.formula(candidate)
        several = values if isinstance(values, tuple) else (values,)
        found.update(zip(cost.parts(name), several, strict=True))
    return found


def affine_cost(
    settings: Settings, architecture: Architecture, layout: Layout, name: str
) -> Fraction:
    """Compute one affine quantity, or auxiliary cost, of an architecture."""
    kinds = architecture.kinds
    counts = architecture.counts
    found = affine_costs(settings, architecture.trunk, kinds, layout, [name])
    return max(affine.at(counts) for affine in found.values())


def batches(
    of: Candidate, how: LargestBatch, total: Callable[[Affine], NDArray[Any]], rows: int = 1
) -> NDArray[np.int64]:
    """Return the largest batches of designs; see `modelsizer.problems.quantities.batches`.

    Parameters
    ----------
    of : Candidate
    how : LargestBatch
    total : callable
        From a cost to its numerators, shape (W,), for the layers that there are.
    rows : int
        Number of designs W.
    """
    used = [used_by(cost_of(name), limit, of, total) for name, limit in of.settings.ceilings]
    return largest_batches(used, rows, how.most)


def amount(
    settings: Settings,
    architecture: Architecture,
    layout: Layout,
    name: str,
    tokens: Fraction | None = None,
) -> Fraction:
    """Compute a quantity of an architecture exactly.

    Parameters
    ----------
    settings : Settings
    architecture : Architecture
    layout : Layout
        Parallel layout of the training.
    name : str
        Of any quantity but the loss.
    tokens : Fraction, optional
        Training tokens that the law counts, which quantities that rise with them need.
    """
    row = QUANTITIES[name]
    how = row.how
    if isinstance(how, Cost):
        return affine_cost(settings, architecture, layout, name)
    if isinstance(how, Inverse):
        return exact(how.numerator(settings)) / affine_cost(settings, architecture, layout, how.of)
    if isinstance(how, LargestBatch):
        kinds = architecture.kinds
        counts = architecture.counts
        of = Candidate(settings, architecture.trunk, kinds, layout)
        return Fraction(int(batches(of, how, in_layers(counts))[0]))
    assert tokens is not None, f"{name} needs tokens"
    if not isinstance(how, OfFlops):
        return tokens
    flops = affine_cost(settings, architecture, layout, TRAINING_FLOPS_PER_TOKEN)
    spent = tokens * flops * how.rate(settings) / (layout.accelerators if row.shared else 1)
    if how.charge is None:
        return spent
    served = affine_cost(settings, architecture, layout, SERVED_FLOPS_PER_TOKEN)
    return spent + how.charge(settings) * served
