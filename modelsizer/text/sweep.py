"""A sweep as a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.sweeps.grids import SweepGrid
from modelsizer.optimizer.sweeps.points import Row
from modelsizer.optimizer.sweeps.sweep import SweepResult
from modelsizer.optimizer.sweeps.whatif import value_text
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from rich.console import Console

_GAP = 2  # spaces between columns
MOST_ROWS = 24
"""Rows that are shown; the file has all."""
_WORDS = {"optimal": "solved", "infeasible": "without a design", "limit": "not proven",
          "invalid": "that make no problem"}  # fmt: skip
_NO_LOSS = {"infeasible": "no design", "limit": "not proven", "invalid": "invalid"}
_SHOWN = (("layers", "count"), ("d_model", "count"), ("parameters", "parameters"),
          ("tokens", "tokens"))  # fmt: skip


def print_sweep(console: Console, found: SweepResult, path: Path | None) -> None:
    """Print what was solved, the first rows, and the path that has all of them."""
    from rich.text import Text

    problem, grid, rows = found.problem, found.grid, found.rows
    console.print(Text(problem.name or "unnamed problem", style="bold"))
    shape = " x ".join(str(len(axis.values)) for axis in grid.axes)
    there = len(rows) - found.solved
    before = f", {there:,} were there" if there else ""
    console.print(f"{shape} points; {found.solved:,} solved in {found.seconds:.2f} s{before}")
    counts = Counter(row["status"] for row in rows)
    console.print(", ".join(f"{counts[s]:,} {w}" for s, w in _WORDS.items() if counts[s]) + "\n")
    _print_rows(console, problem, grid, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        where = "in the file" if path is not None else "with -o FILE or --json"
        console.print(f"\nand {len(rows) - MOST_ROWS:,} more, {where}")
    if path is not None:
        console.print(f"\nwritten to {path}")


def _print_rows(console: Console, problem: Problem, grid: SweepGrid, rows: Sequence[Row]) -> None:
    """The keys, the answer, and as much of the design as there is room for."""
    from rich.table import Table

    name = problem.objective.quantity
    headings = [axis.key.partition(".")[2] or axis.key for axis in grid.axes]
    headings += ["loss"] if name == "loss" else [name, "loss"]
    headings += [shown for shown, _ in _SHOWN]
    cells = [
        [*(value_text(axis.key, row[axis.key]) for axis in grid.axes), *_cells(row, name)]
        for row in rows
    ]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    room, shown = console.width, 0
    for at, heading in enumerate(headings):
        room -= max(len(text) for row in (headings, *cells) for text in row[at : at + 1]) + _GAP
        if room < -_GAP and at >= len(grid.axes) + 1:
            break
        table.add_column(heading, justify="right", overflow="fold")
        shown += 1
    for row in cells:
        table.add_row(*row[:shown])
    console.print(table)


def _cells(row: Row, name: str) -> list[str]:
    if row["loss"] is None:
        return [_NO_LOSS[row["status"]]]
    found = [] if name == "loss" else [_text(row["objective"], QUANTITIES[name].dimension)]
    found.append(f"{row['loss']:.6f}")
    return found + [_text(row[shown], dimension) for shown, dimension in _SHOWN]


def _text(value: Any, dimension: str) -> str:
    return "-" if value is None else format_quantity(value, dimension)
