"""Find all designs at given points, for fronts whose method finds one design per point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from modelsizer.optimizer.bounds.limits import Limit, feasible_boxes
from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.building import build_table
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure, counts_of, structure_of
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout
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
    groups: dict[tuple[Structure, Layout], list[Architecture]] = {}
    for design in found:
        structure = structure_of(design.architecture)
        groups.setdefault((structure, design.layout), []).append(design.architecture)
    for (structure, layout), some in groups.items():
        widths = {
            name: np.array([int(BY_NAME[name].of(one)) for one in some], dtype=np.int64)
            for name in structure.widths
        }
        counts = np.array([counts_of(structure, one) for one in some], dtype=np.int64)
        none = np.zeros((*counts.shape, 1), dtype=np.int64)
        depths = Depths(counts, none, np.ones((len(some), 1), dtype=np.int64))
        table = build_table(problem, layout, Options(structure, widths, depths), scorer.names)
        archive.offer(table, np.arange(len(some)), np.zeros((len(some), 1), dtype=np.int64))
    return archive


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
