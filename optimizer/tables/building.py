"""Compute the exact quantities of width options over their depths, as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.table import Ints, Linear, Table
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.choices import ZERO_APART
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.designs.costs import ALWAYS, alike, costs, design_parts
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_EACH,
)
from modelsizer.problems.quantities.needs import costs_limited, costs_of
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.space.layouts import Layout, columns
from modelsizer.problems.space.widths import Options


def over_depths(affine: Affine, depths: Depths, of: Ints | None = None) -> Linear:
    """Return a cost over depths of shape (W,), from that of each row or of the row `of` it."""
    rows = len(depths)
    parts = [affine.base, *affine.per_layer]
    if of is not None:
        parts = [part[of] if isinstance(part, np.ndarray) else part for part in parts]
    own, *each = (np.broadcast_to(part, (rows,)) for part in parts)
    per = np.stack(each, axis=1)
    base = own + (per * depths.start).sum(axis=1)
    return Linear(base, (per[:, :, None] * depths.step).sum(axis=1), affine.denominator)


def largest(
    problem: Problem, layouts: Sequence[Layout], options: Options, names: Collection[str]
) -> int:
    """Bound all numbers in the arithmetic of a table, in Python integers.

    The bound is `LARGEST_INT64` if a cost does not bound its intermediate results.
    """
    if any(cost_of(name).within is None for name in names):
        return LARGEST_INT64
    depth = int((options.depths.first + (options.depths.each * options.depths.count).sum(1)).max())
    peaks, found = _peaks(options.widths), 0
    for together, each in by_setup(problem, names, layouts):
        for mine in _parted(layouts, each):
            settings = problem.setups[mine[0].setup].settings
            same, many, apart = by_layouts(together, mine)
            asked = [(same, mine[:1]), (many, mine), *((apart, [layout]) for layout in mine)]
            for some, of in asked:
                if not some:
                    continue
                widths = {name: np.tile(column, len(of)) for name, column in peaks.items()}
                trunk, kinds = design_parts(problem, options.structure, widths)
                number = np.repeat(np.arange(len(of)), len(peaks["d_model"]))
                layout = of[0] if len(of) == 1 else columns(of, number)
                for name, affine in costs(problem, trunk, kinds, layout, some).items():
                    within = cost_of(name.partition(".")[0]).within
                    assert within is not None
                    size = int(np.max(affine.base + depth * sum(affine.per_layer)))
                    # A coefficient is rounded, at worst from half a unit to none.
                    found = max(found, (size + 1) * max(within(settings, one) for one in of))
    return found


def by_setup(
    problem: Problem, names: Iterable[str], layouts: Sequence[Layout]
) -> list[tuple[list[str], list[int]]]:
    """Separate costs by how they depend on the setups of layouts.

    Returns
    -------
    list of (list of str, list of int)
        Names, and a number of each layout: under layouts of equal numbers these costs differ by the
        degrees of parallelism alone.
    """
    if not problem.several:
        return [(list(names), [0] * len(layouts))]
    found: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        found.setdefault(tuple(alike(problem, name, layouts)), []).append(name)
    return [(some, list(of)) for of, some in found.items()]


def _parted(layouts: Sequence[Layout], of: Sequence[int]) -> list[list[Layout]]:
    """Return the layouts of each number, one of those of equal degrees."""
    found: list[dict[tuple[int, ...], Layout]] = [{} for _ in range(max(of) + 1)]
    for one, number in zip(layouts, of, strict=True):
        degrees = one.data_parallel, one.tensor_parallel, one.pipeline_parallel
        found[number].setdefault(degrees, one)
    return [list(each.values()) for each in found]


def by_layouts(
    names: Iterable[str], layouts: Sequence[Layout]
) -> tuple[list[str], list[str], list[str]]:
    """Separate costs by how they see layouts.

    Returns
    -------
    same : list of str
        Those of the first layout are those of all.
    many : list of str
        Their formulas take many layouts.
    each : list of str
        They are computed for one layout after another.
    """
    same: list[str] = []
    many: list[str] = []
    each: list[str] = []
    alike = len({layout.accelerators for layout in layouts}) == 1
    for name in names:
        cost = cost_of(name)
        if len(layouts) == 1 or not cost.by_layout or (alike and name == TRAINING_FLOPS_EACH):
            same.append(name)
        else:
            (many if cost.many_layouts else each).append(name)
    return same, many, each


def _peaks(widths: Mapping[str, Ints]) -> dict[str, NDArray[Any]]:
    """Return the largest widths, untied; and these with each 0 that is another kind of layer."""
    peak = {name: int(column.max()) for name, column in widths.items()} | {"tied_embeddings": 0}
    zeros = [name for name in ZERO_APART if name in widths and not widths[name].all()]
    rows = [peak, *(peak | {name: 0} for name in zeros)]
    return {name: np.array([row[name] for row in rows], dtype=object) for name in peak}


def needed(problem: Problem) -> tuple[str, ...]:
    """Return the affine quantities that are needed to solve a problem."""
    names = set(ALWAYS)
    asked = {(*one.limits, *one.settings.ceilings): one for one in problem.setups}
    for one in asked.values():
        for name in one.limits:
            names.update(costs_limited(one.settings, name))
        names.update(costs_of(one.settings, problem.objective.quantity))
    row = QUANTITIES[problem.objective.quantity]
    for limits in distinct(problem.setups):
        if limits.charges or row.form == "lifetime":
            names.add(SERVED_FLOPS_PER_TOKEN)
        if limits.most_flops_each is not None:
            names |= {TRAINING_FLOPS_EACH} if limits.least else set()
            names |= {ACCELERATORS} if limits.least_flops else set()
    return tuple(sorted(names))


def frame(layouts: tuple[Layout, ...], options: Options, layout_id: Ints | None = None) -> Table:
    """Return a table of options with the layers as its only quantity.

    Parameters
    ----------
    layouts : tuple of Layout
    options : Options
    layout_id : array of shape (W,), optional
        Layout of each option; the first by default.
    """
    depths, none = options.depths, np.zeros(len(options), dtype=np.int64)
    linear = {"layers": Linear(depths.first, depths.each, 1)}
    of = none if layout_id is None else layout_id
    return Table((options.structure,), layouts, none, of, options.widths, depths, linear)


def row_costs(
    problem: Problem,
    layouts: Sequence[Layout],
    options: Options,
    names: Collection[str],
    *,
    layout_id: Ints | None = None,
    wide: bool | None = None,
) -> dict[str, Affine]:
    """Compute exact costs of options, of each kind of layer.

    Of a row whose depths include none of a kind of layer, as those of a box may, costs that are not
    sums over layers are those without this kind, and so at most those of its designs.

    Parameters
    ----------
    problem : Problem
    layouts : sequence of Layout
        Under which the costs differ by the degrees of parallelism alone.
    options : Options
    names : collection of str
        Costs to compute.
    layout_id : array of shape (W,), optional
        Layout of each option, where all formulas take many; the first of all by default.
    wide : bool, optional
        Whether numbers may overflow int64; determined if not given.
    """
    if layout_id is None:
        layouts = layouts[:1]
    if wide is None:
        wide = largest(problem, layouts, options, names) >= LARGEST_INT64
    widths = options.widths
    if wide:
        widths = {name: column.astype(object) for name, column in widths.items()}
    trunk, kinds = design_parts(problem, options.structure, widths)
    present = tuple(options.depths.start.T > 0)
    one = (
        layouts[0]
        if layout_id is None
        else columns(layouts, layout_id, object if wide else np.int64)
    )
    return costs(problem, trunk, kinds, one, names, present)


def quantities(
    problem: Problem, layout: Layout, options: Options, names: Collection[str]
) -> dict[str, Linear]:
    """Compute exact quantities of options under a layout; see `row_costs`."""
    found = row_costs(problem, [layout], options, names)
    return {name: over_depths(cost, options.depths) for name, cost in found.items()}


def build_table(
    problem: Problem, layout: Layout, options: Options, names: Collection[str] | None = None
) -> Table:
    """Build a table of options under a layout with exact quantities; see `row_costs`."""
    names = needed(problem) if names is None else names
    table = frame((layout,), options)
    return replace(table, linear=table.linear | quantities(problem, layout, options, names))
