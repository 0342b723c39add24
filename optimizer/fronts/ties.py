"""Find all designs at given points, for fronts whose method finds one design per point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from modelsizer.optimizer.bounds.limits import Limit, feasible_boxes
from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES


def archived(scorer: Scorer, found: Sequence[Evaluation]) -> Archive:
    """An archive of all designs that share the affine goals of a design found, and no others.

    Designs that tie with a point in every goal are among them, so ties are counted in full; designs
    that are worse in a goal are removed by the comparison.
    """
    archive = Archive(scorer)
    names = [g.name for g in scorer.goals if QUANTITIES[g.name].affine]
    single = [name for name in names if not QUANTITIES[name].branches]
    corners = sorted({tuple(Fraction(design.exact[name]) for name in single) for design in found})
    for table in scorer.model.store.tables(scorer.problem, scorer.names):
        for corner in corners:
            rules = [_at(table, name, at) for name, at in zip(single, corner, strict=True)]
            _offer(archive, table, [*scorer.model.rules(table), *rules])
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
