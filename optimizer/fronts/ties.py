"""Find all designs at given points, for fronts whose method finds one design per point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit, feasible_boxes
from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Table, build_table
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME, WIDTHS
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.widths import Options


def archived(scorer: Scorer, found: Sequence[Evaluation], clock: Clock) -> Archive:
    """An archive of all designs that share the affine goals of a design found, and no others.

    Designs that tie with a point in every goal are among them, so ties are counted in full; designs
    that are worse in a goal are removed by the comparison.

    Raises
    ------
    StoppedError
        At a limit of the clock.
    """
    archive = Archive(scorer)
    names = [g.name for g in scorer.goals if QUANTITIES[g.name].affine]
    single = [name for name in names if not QUANTITIES[name].branches]
    corners = sorted({tuple(Fraction(design.exact[name]) for name in single) for design in found})
    for table in scorer.model.store.tables(scorer.problem, scorer.names):
        for corner in corners:
            clock.check()
            rules = [_at(table, name, at) for name, at in zip(single, corner, strict=True)]
            _offer(archive, table, [*scorer.model.rules(table), *rules])
    return archive


def archive_of(scorer: Scorer, found: Sequence[Evaluation]) -> Archive:
    """An archive of the designs found, without others that tie with them."""
    archive, problem = Archive(scorer), scorer.problem
    for block, layout in dict.fromkeys((d.architecture.block, d.layout) for d in found):
        some = [
            design.architecture
            for design in found
            if (design.architecture.block, design.layout) == (block, layout)
        ]
        widths = {
            name: np.array([int(BY_NAME[name].of(one)) for one in some], dtype=np.int64)
            for name in WIDTHS
        }
        kinds = BLOCKS[block].pattern.kinds
        counts = np.array([_layers_of_kinds(one, kinds) for one in some], dtype=np.int64)
        none = np.zeros((len(some), kinds, 1), dtype=np.int64)
        depths = Depths(counts, none, np.ones((len(some), 1), dtype=np.int64))
        table = build_table(problem, layout, Options(block, widths, depths), scorer.names)
        archive.offer(table, np.arange(len(some)), np.zeros((len(some), 1), dtype=np.int64))
    return archive


def _layers_of_kinds(architecture: Architecture, kinds: int) -> list[int]:
    """Layers of each kind of an architecture's block."""
    if kinds == 1:
        return [architecture.layers]
    layers = BLOCKS[architecture.block].kinds({n: BY_NAME[n].of(architecture) for n in WIDTHS})
    return [sum(g.count for g in architecture.groups if g.layer == layer) for layer in layers]


def _at(table: Table, name: str, value: Fraction) -> Limit:
    """Constraint that fixes a quantity at a value; an infeasible one if no design can have it."""
    numerator = value * table.linear[name].denominator
    if numerator.denominator == 1:
        return Limit(name, name, int(numerator), int(numerator))
    return Limit(name, name, 1, 0)


def _offer(archive: Archive, table: Table, rules: Sequence[Limit]) -> None:
    boxes = feasible_boxes(table, rules)
    for part, j in box_designs(boxes.row, boxes.low, boxes.high, DESIGNS_AT_ONCE):
        archive.offer(table, part, j)
