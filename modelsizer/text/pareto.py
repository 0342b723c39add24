"""Report of a Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.indicators import hypervolume
from modelsizer.optimizer.fronts.subset import even_subset, knee
from modelsizer.problems.architecture.choices import NARROW
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.left_open import left_open
from modelsizer.problems.units import Number, format_number
from modelsizer.text.kit.lines import line, paragraph, section, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import STOPS, counted, quantity, setting, short_keys

if TYPE_CHECKING:
    from rich.console import Console

AT_MOST = 24  # default number of points listed
_WAYS = {"exhaustive": "every design looked at", "bound": "boxes of designs ruled out by bounds"}


def _show(value: Number, name: str, rms: float | None) -> str:
    return f"{value:,}" if QUANTITIES[name].dimension == "count" else quantity(value, name, rms)


def print_front(console: Console, front: Front, subset: tuple[Front, float] | None) -> None:
    """Print points of a front, its knee and its certificate.

    Parameters
    ----------
    console : Console
    front : Front
    subset : (Front, float), optional
        The points to list and the largest gap between them; an even choice by default.
    """
    names = [goal.name for goal in front.goals]
    senses = ", ".join(f"{'most' if g.sign < 0 else 'least'} {g.name}" for g in front.goals)
    title(console, front.problem.name)
    line(console, f"{senses}", below=1)
    if len(front):
        shown, gap = front, 0.0
        if subset is not None:
            shown, gap = subset
        elif len(front) > AT_MOST:
            which, gap = even_subset(front, AT_MOST)
            shown = front.take(which)
        _print_points(console, front, shown)
        if len(shown) < len(front):
            ask = "" if subset is not None else " (--points N for another number)"
            line(
                console,
                f"{len(shown):,} of {len(front):,} points{ask}: none of the others is further "
                f"than {format_number(100 * gap, 2)} % of a goal's range from one shown",
                above=1,
            )
        if (at := knee(front)) is not None:
            rms = front.problem.law.rms
            values = ", ".join(f"{n} {_show(front.values[n][at], n, rms)}" for n in names)
            line(
                console,
                f"knee at {values}: furthest from the line through the ends (Das 1999)",
                above=1,
            )
    section(console, "Certificate")
    paragraph(console, certificate(front))


def _print_points(console: Console, front: Front, shown: Front) -> None:
    names = [goal.name for goal in front.goals]
    beside = [n for n in (*NARROW, *left_open(front.problem.space)) if n not in names]
    points, rms = list(shown), front.problem.law.rms
    columns = [(name, [_show(point[name], name, rms) for point in points]) for name in names]
    columns += [(name, [setting(p["architecture"], name) for p in points]) for name in beside]
    keys = list(front.problem.menus)
    for key, name in zip(keys, short_keys(keys), strict=True):
        table, _, last = key.partition(".")
        values = [p.get("machine", {}).get(table, {}).get(last) for p in points]
        columns.append((name, ["" if v is None else value_text(key, v) for v in values]))
    if (front.designs > 1).any():
        columns.append(("designs", [f"{point['designs']:,}" for point in points]))
    print_table(console, Table.of_columns(columns))


def certificate(front: Front) -> str:
    """The certificate of a front in words."""
    designs = counted(int(front.statistics["designs"]), "design")
    how = _WAYS.get(front.solver, f"{front.statistics.get('solves', 0):,} programs solved")
    took = f"{how}, {front.seconds:.2f} s, {front.solver}"
    if front.complete and not len(front):
        return f"Proven infeasible: none of {designs} keeps every limit ({took})."
    volume = hypervolume(front.goals, front.points)
    held = "" if volume is None else f" Hypervolume {volume['value']:.4f} of the box they span."
    if front.complete:
        several = int((front.designs > 1).sum())
        points = f"all {len(front):,} nondominated points"
        points = points if len(front) > 1 else "the one nondominated point"
        shared = f" {several:,} of them are shared by several designs." if several else ""
        return (
            f"Complete: {points} of {designs}, to the unit and to the last digit of a double "
            f"({took}).{shared}{held}"
        )
    parts = len(front.unexplored)
    where = "one part" if parts == 1 else f"{parts:,} parts"
    return (
        f"Not complete: {STOPS[front.stop]}. {len(front):,} points "
        f"found in {front.seconds:.2f} s ({front.solver}); {where} of objective space may hold "
        f"more, in --json under unexplored.{held}"
    )
