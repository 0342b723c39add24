"""Report of designs of one size by depth, as text and CSV."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from modelsizer.optimizer.result import machine_of
from modelsizer.optimizer.surveys.depth_width_rows import SIDE_BY_SIDE
from modelsizer.problems.errors import ProblemError, short
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import Number, format_fixed, format_quantity, parse_quantity
from modelsizer.text.depth_width_words import column_value, habit_sentence, notes
from modelsizer.text.kit.lines import line, title
from modelsizer.text.kit.tables import GAP, WIDTH, Heading, Table, print_table
from modelsizer.text.kit.words import NONE, STOPS
from modelsizer.text.machine_columns import machine_columns, same_machine

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.surveys.depth_width_rows import DepthWidth, ShapeRow

MOST_ROWS = 24
"""Rows shown without --all, chosen for a terminal of 24 to 40 lines."""
_LAST_DIGIT = 3  # largest numbers have four digits


def parse_tolerance(text: str) -> float:
    """A share, or per cent: ``0.02`` or ``2 %``.

    Raises
    ------
    ProblemError
        If it is neither, or not in [0, 1).
    """
    stripped = text.strip()
    try:
        share = float(parse_quantity(stripped.removesuffix("%"), "nats"))
    except ValueError:
        share = math.nan
    share = share / 100 if stripped.endswith("%") else share
    if not 0 <= share < 1:
        raise ProblemError.of(
            "--tolerance", f'{short(text)} is not a share from 0 to below 1; write 0.02 or "2 %"'
        )
    return share


def parse_parameters(text: str) -> Number:
    """A number of parameters: ``7B`` or ``7e9``.

    Raises
    ------
    ProblemError
        If it is not a number of parameters.
    """
    try:
        return parse_quantity(text, "parameters")
    except ValueError as error:
        raise ProblemError.of("--parameters", str(error)) from None


# Columns


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: heading, unit and one cell for each row."""

    heading: str
    unit: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(map(len, (self.heading, self.unit, *self.cells)))


_UNITED = ("parameters", "tokens", *SIDE_BY_SIDE)
"""Columns whose values share one unit."""
_ORDER = ("layers", "d_model", "aspect_ratio", "parameters", "shape_excess", "loss", "tokens",
          "kv_cache", "kv_bytes_per_token", "decode_latency", "prefill_latency", "serving_memory",
          "training_memory", "kv_heads", "head_dim", "heads", "d_ff")  # fmt: skip
_FIRST = ("layers", "d_model", "aspect_ratio", "parameters", "shape_excess", "kv_cache",
          "decode_latency", "training_memory", "serving_memory", "loss", "kv_heads", "head_dim",
          "tokens", "prefill_latency", "d_ff", "kv_bytes_per_token", "heads")  # fmt: skip
"""Columns by priority where not all of them fit."""
_WHERE_VARIED = ("kv_heads", "head_dim", "heads", "d_ff")  # shown only if values differ


def _column(
    rows: Sequence[ShapeRow], name: str, marks: Sequence[str], rms: float | None
) -> _Column | None:
    """A column; None where no row has a value or all rows have the same uninformative one."""
    values = [column_value(row, name) for row in rows]
    if all(value is None for value in values):
        return None
    if name in _WHERE_VARIED and len(set(values)) == 1:
        return None
    if name in _UNITED:
        quantity = QUANTITIES[name]
        return _in_one_unit(quantity.heading or name, quantity.dimension, values)
    if name == "layers":
        cells = [f"{mark} {value}" for mark, value in zip(marks, values, strict=True)]
        return _Column("layers", "", tuple(cells))
    if name == "aspect_ratio":
        return _Column("aspect", "ratio", tuple(f"{value:.1f}" for value in values))
    if name == "shape_excess":
        return _Column("excess", "nats", tuple(format_fixed(value, 6) for value in values))
    if name == "loss":
        return _Column("loss", "nats", tuple(loss_text(value, rms) for value in values))
    return _Column(name, "", tuple(map(str, values)))


def _in_one_unit(heading: str, dimension: str, values: Sequence[Number | None]) -> _Column:
    """Numbers in the unit of the largest, all with the same number of decimals."""
    known = [value for value in values if value is not None]
    largest = max(known)
    written = re.fullmatch(r"[-+.,\de]*?(\s?[^-+.,\de\s].*)?", format_quantity(largest, dimension))
    unit = (written[1] or "").strip() if written is not None else ""
    scale = parse_quantity(f"1 {unit}".strip() if unit else 1, dimension)
    digits = _LAST_DIGIT - (math.floor(math.log10(largest / scale)) if largest > 0 else 0)
    digits = min(max(digits, 0), _LAST_DIGIT)
    cells = (NONE if v is None else f"{v / scale:.{digits}f}" for v in values)
    return _Column(heading, unit, tuple(cells))


def _columns(rows: Sequence[ShapeRow], marks: Sequence[str], rms: float | None) -> list[_Column]:
    """As many columns as fit `WIDTH`, by priority."""
    chosen: dict[str, _Column] = {}
    used = -GAP
    for name in _FIRST:
        column = _column(rows, name, marks, rms)
        if column is not None and used + GAP + column.width <= WIDTH:
            chosen[name] = column
            used += GAP + column.width
    return [chosen[name] for name in _ORDER if name in chosen]


# Rows


def thinned(found: DepthWidth, most: int = MOST_ROWS) -> tuple[ShapeRow, ...]:
    """Evenly spaced rows, including the ends, the preferred row and the habitual depth."""
    rows = found.rows
    if len(rows) <= most:
        return rows
    keep = {i for i, row in enumerate(rows) if row.preferred or _is_habit(found, row)}
    keep |= {0, len(rows) - 1}
    spread = [round(i * (len(rows) - 1) / (most - 1)) for i in range(most)]
    for i in sorted(spread, key=lambda i: -min(abs(i - other) for other in keep)):
        if len(keep) < most:
            keep.add(i)
    return tuple(rows[i] for i in sorted(keep))


def _is_habit(found: DepthWidth, row: ShapeRow) -> bool:
    return found.habit is not None and found.habit.layers == row.layers


def print_depth_width(console: Console, found: DepthWidth, *, everything: bool = False) -> None:
    """Print the table, its notes and the cost of a habitual depth."""
    rows = found.rows if everything else thinned(found)
    title(console, found.problem.name)
    line(console, heading(found), below=1)
    if rows:
        print_table(console, shape_table(found, rows))
        line(console)
        if said := same_machine([machine_of(found.problem, row.design) for row in rows]):
            line(console, said)
    if not found.complete:
        line(console, f"Not complete: {STOPS[found.stop]}. Nearer designs and other depths may")
        line(console, "be missing, and none is known to be preferred.")
        return
    for note in notes(found, len(found.rows) - len(rows)):
        line(console, note)
    if found.habit is not None:
        line(console, habit_sentence(found), above=1)


def shape_table(found: DepthWidth, rows: Sequence[ShapeRow]) -> Table:
    """Rows with as many columns as fit `WIDTH`; the preferred and the habitual one are marked."""
    marks = ["*" if r.preferred else ">" if _is_habit(found, r) else " " for r in rows]
    columns = _columns(rows, marks, found.problem.law.rms)
    shown: list[tuple[Heading, Sequence[str]]] = [((c.heading, c.unit), c.cells) for c in columns]
    shown += machine_columns([machine_of(found.problem, row.design) for row in rows])
    table = Table.of_columns(shown)
    return replace(table, marked=frozenset(i for i, mark in enumerate(marks) if mark != " "))


def heading(found: DepthWidth) -> str:
    """One-line description of the rows."""
    size = format_quantity(found.parameters, "parameters", 6)
    return f"For each depth the design nearest to {size} parameters, within {_tolerance(found)}"


def _tolerance(found: DepthWidth) -> str:
    return f"{100 * found.tolerance:.6g} %"


# CSV


def depth_width_csv(found: DepthWidth) -> str:
    """CSV of all rows, deepest first; unknown values are empty fields."""
    content = []
    for row in found.rows:
        cells = row.to_dict()
        architecture = cells.pop("architecture")
        marked = cells.pop("preferred")
        widths = {k: v for k, v in architecture.items() if k not in cells}
        widths |= machine_of(found.problem, row.design)
        content.append({**cells, **widths, "preferred": marked, "habit": _is_habit(found, row)})
    return csv_text(content)
