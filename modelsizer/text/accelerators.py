"""Report of the accelerator catalogue, as text and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.problems.hardware.accelerators import (
    FIGURES,
    Accelerator,
    accelerator,
    accelerators,
)
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, pairs, paragraph, section
from modelsizer.text.kit.tables import Heading, Styled, Table, print_table
from modelsizer.text.kit.words import NONE

if TYPE_CHECKING:
    from rich.console import Console

_GIGA, _TERA, _GIBI = 10**9, 10**12, 2**30

# A table has one unit to a column, so that its numbers compare at a glance.
_COLUMNS = MappingProxyType(
    {
        "memory": ("memory", "GB", _GIGA),
        "bandwidth": ("bandwidth", "GB/s", _GIGA),
        "bf16": ("bf16_flops", "TFLOP/s", _TERA),
        "fp8": ("fp8_flops", "TFLOP/s", _TERA),
        "fp4": ("fp4_flops", "TFLOP/s", _TERA),
        "link": ("link", "GB/s", _GIGA),
        "watts": ("watts", "W", 1),
    }
)
_DIMENSIONS = MappingProxyType(
    {
        "memory": "bytes",
        "bandwidth": "bytes/s",
        "bf16_flops": "FLOP/s",
        "fp8_flops": "FLOP/s",
        "fp4_flops": "FLOP/s",
        "link": "bytes/s",
        "watts": "watts",
    }
)
_TABLE_NOTES = (
    "Memory is what the device reports; FLOP/s are dense; link is one way.",
    f"{NONE} means that no source was seen.",
)

SORT_KEYS = ("name", *_COLUMNS)


def accelerator_rows(
    names: Iterable[str], match: str | None, sort: str | None
) -> list[dict[str, Any]]:
    """Rows of the catalogue, filtered and sorted; an unknown figure is None.

    Parameters
    ----------
    names : iterable of str
        Rows to return, in this order; all if empty.
    match : str or None
        Only rows with this text in name or vendor, ignoring case.
    sort : str or None
        One of `SORT_KEYS`: names ascending, figures largest first and unknown ones last.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    chosen = {found.name: found for found in map(accelerator, names)} or accelerators()
    rows = [_row(found) for found in chosen.values()]
    if match is not None:
        word = match.lower()
        rows = [row for row in rows if word in f"{row['vendor']} {row['name']}".lower()]
    if sort is None:
        return rows
    if sort == "name":
        return sorted(rows, key=lambda row: str(row["name"]).lower())
    figure = _COLUMNS[sort][0]
    return sorted(rows, key=lambda row: (-(row[figure] or 0), str(row["name"]).lower()))


def _row(found: Accelerator) -> dict[str, Any]:
    """A row of the catalogue, with empty text replaced by None."""
    return {name: None if value == "" else value for name, value in asdict(found).items()}


def print_accelerators(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the catalogue as a table, without the sources of its rows."""
    if not rows:
        line(console, "no accelerator matches")
        return
    headings: list[Heading] = [
        "name",
        *((heading, unit) for heading, (_, unit, _) in _COLUMNS.items()),
    ]
    cells = [
        [row["name"], *(_scaled(row[figure], scale) for figure, _, scale in _COLUMNS.values())]
        for row in rows
    ]
    print_table(console, Table(headings, cells))
    line(console)
    for note in _TABLE_NOTES:
        line(console, note)


def _scaled(value: int | None, scale: int) -> str:
    """A number with at most one decimal, dropped where it is zero."""
    return NONE if value is None else f"{value / scale:.1f}".removesuffix(".0")


def print_accelerator(console: Console, row: dict[str, Any]) -> None:
    """Print everything about one accelerator."""
    line(console, Styled(row["name"], "bold"))
    known = [
        ("vendor", row["vendor"] or NONE),
        ("memory as it is sold", row["memory_label"] or NONE),
    ]
    pairs(console, known + [(words, _described(f, row[f])) for f, words in FIGURES.items()])
    for heading, text in (
        ("Source", row["source"]),
        ("Source of the power", row["watts_source"]),
        ("Note", row["note"]),
    ):
        if text is not None:
            section(console, heading)
            paragraph(console, text)


def _described(figure: str, value: int | None) -> str:
    """A figure with its unit to five significant digits, such as ``1.3074 PFLOP/s``."""
    if value is None:
        return NONE
    said = format_quantity(value, _DIMENSIONS[figure], 5)
    return f"{said} ({value / _GIBI:.2f} GiB)" if figure == "memory" else said


def accelerators_csv(rows: list[dict[str, Any]]) -> str:
    """CSV with a line for each accelerator; unknown figures are empty fields."""
    return csv_text(rows, [field.name for field in fields(Accelerator)])
