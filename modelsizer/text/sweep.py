"""Report of a sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.sweeps.grids import SweepGrid
from modelsizer.optimizer.sweeps.points import Row
from modelsizer.optimizer.sweeps.sweep import SweepResult
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, STOPS, and_more, short_keys

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS = 24
"""Rows shown; the file holds all of them."""
_WORDS = {"optimal": "solved", "infeasible": "without a design", "limit": "not proven",
          "invalid": "that make no problem"}  # fmt: skip
_NO_LOSS = {"infeasible": "no design", "limit": "not proven", "invalid": "invalid"}
_SHOWN = (("layers", "count"), ("d_model", "count"), ("parameters", "parameters"),
          ("tokens", "tokens"))  # fmt: skip


def print_sweep(console: Console, found: SweepResult, path: Path | None = None) -> None:
    """Print how many points were solved, the first rows and the path of the file."""
    problem, grid, rows = found.problem, found.grid, found.rows
    title(console, problem.name)
    shape = " x ".join(str(len(axis.values)) for axis in grid.axes)
    counts = Counter(row["status"] for row in rows)
    ended = [f"{counts[status]:,} {word}" for status, word in _WORDS.items() if counts[status]]
    there = len(rows) - found.solved
    before = f", of which {there:,} were there" if there else ""
    took = f"{found.seconds:.2f} s{before}"
    line(console, f"{shape} points: {', '.join(ended) or 'none solved'}; {took}")
    if not found.complete:
        are = f"{len(rows):,} of {len(grid):,} points are there"
        line(console, f"Not complete: {STOPS[found.stop]}; {are}")
    line(console)
    if not rows:
        return
    _print_rows(console, problem, grid, rows[:MOST_ROWS])
    where = "in the file" if path is not None else "with -o FILE or --json"
    if more := and_more(len(rows) - MOST_ROWS, f", {where}"):
        line(console, more, above=1)
    if path is not None:
        line(console, f"written to {path}", above=1)


def _print_rows(console: Console, problem: Problem, grid: SweepGrid, rows: Sequence[Row]) -> None:
    """Print the swept keys, the objective and as many columns of the design as fit."""
    name = problem.objective.quantity
    several = any(axis.key == "objective.law" for axis in grid.axes)
    rms = None if several else problem.law.rms
    swept = [axis.key for axis in grid.axes]
    machine = [key for key in problem.menus if key not in swept]
    names = short_keys([*swept, *machine])
    headings = names[: len(swept)]
    headings += ["loss"] if name == "loss" else [name, "loss"]
    headings += [shown for shown, _ in _SHOWN]
    headings += names[len(swept) :]
    cells = [
        [
            *(value_text(axis.key, row[axis.key]) for axis in grid.axes),
            *_cells(row, name, rms),
            *("" if row.get(key) is None else value_text(key, row[key]) for key in machine),
        ]
        for row in rows
    ]
    folds = dict.fromkeys(range(len(grid.axes)))
    table = Table(headings, cells, words=frozenset(), folds=folds)
    print_table(console, table.fitting(least=len(grid.axes) + 1))


def _cells(row: Row, name: str, rms: float | None) -> list[str]:
    if row["loss"] is None:
        return [_NO_LOSS[row["status"]]]
    found = [] if name == "loss" else [_text(row["objective"], QUANTITIES[name].dimension)]
    found.append(loss_text(row["loss"], rms))
    return found + [_text(row[shown], dimension) for shown, dimension in _SHOWN]


def _text(value: Any, dimension: str) -> str:
    return NONE if value is None else format_quantity(value, dimension)
