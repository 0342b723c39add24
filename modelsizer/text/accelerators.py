"""Report of the accelerator catalogue, as text and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from modelsizer.problems.errors import ArgumentError, short
from modelsizer.problems.hardware.accelerators import (
    FIGURES,
    Accelerator,
    accelerator,
    accelerators,
)
from modelsizer.problems.records import dataclass
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_quantity, parse_quantity
from modelsizer.text.accelerator_shares import share_rows
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


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of the catalogue are asked for; None is all.

    Parameters
    ----------
    match : str or None
        Text in name or vendor, ignoring case.
    vendor : str or None
        Name of the vendor, ignoring case.
    memory : number or None
        Least bytes; rows whose memory is unknown are left out.
    server : bool or None
        Devices of data centres, or others.
    """

    match: str | None = None
    vendor: str | None = None
    memory: int | float | None = None
    server: bool | None = None

    @classmethod
    def asked(
        cls, match: str | None, vendor: str | None, memory: str | None, server: bool | None
    ) -> Self:
        """A selection from the text of options.

        Raises
        ------
        ArgumentError
            If there is no such vendor, or the memory is not an amount of bytes.
        """
        vendors = list(dict.fromkeys(found.vendor for found in accelerators().values()))
        if vendor is not None and vendor.lower() not in map(str.lower, vendors):
            raise ArgumentError("vendor", f"{short(vendor)} is not one of {', '.join(vendors)}")
        try:
            least = None if memory is None else parse_quantity(memory, "bytes")
        except ValueError as error:
            raise ArgumentError("memory_at_least", str(error)) from None
        return cls(match, vendor, least, server)

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is asked for."""
        return (
            (self.match is None or self.match.lower() in f"{row['vendor']} {row['name']}".lower())
            and (self.vendor is None or self.vendor.lower() == row["vendor"].lower())
            and (self.memory is None or (row["memory"] or 0) >= self.memory)
            and (self.server is None or self.server == row["server"])
        )


def accelerator_rows(
    names: Iterable[str], asked: Selection, sort: str | None
) -> list[dict[str, Any]]:
    """Rows of the catalogue, filtered and sorted; an unknown figure is None.

    Parameters
    ----------
    names : iterable of str
        Rows to return, in this order; all if empty.
    asked : Selection
    sort : str or None
        One of `SORT_KEYS`: names ascending, figures largest first and unknown ones last.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    chosen = {found.name: found for found in map(accelerator, names)} or accelerators()
    rows = [row for row in map(_row, chosen.values()) if asked.has(row)]
    if sort is None:
        return rows
    if sort == "name":
        return sorted(rows, key=lambda row: str(row["name"]).lower())
    figure = _COLUMNS[sort][0]
    return sorted(rows, key=lambda row: (-(row[figure] or 0), str(row["name"]).lower()))


def _row(found: Accelerator) -> dict[str, Any]:
    """A row of the catalogue, with empty text replaced by None."""
    return {name: None if value == "" else value for name, value in asdict(found).items()}


def print_accelerators(
    console: Console, rows: list[dict[str, Any]], asked: Selection | None = None
) -> None:
    """Print the catalogue as a table, without the sources of its rows."""
    notes = list(_TABLE_NOTES)
    if asked is not None and asked.memory is not None:
        others = replace(asked, memory=None)
        unknown = [row for row in map(_row, accelerators().values()) if row["memory"] is None]
        count = sum(map(others.has, unknown))
        notes.append(f"Left out are {count} more, whose memory is not known.")
    if not rows:
        line(console, "no accelerator matches")
        for note in notes[len(_TABLE_NOTES) :]:
            line(console, note)
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
    for note in notes:
        line(console, note)


def _scaled(value: int | None, scale: int) -> str:
    """A number with at most one decimal, dropped where it is zero."""
    return NONE if value is None else f"{value / scale:.1f}".removesuffix(".0")


def print_accelerator(console: Console, row: dict[str, Any], shares: dict[str, Any]) -> None:
    """Print everything about one accelerator, with the shares that estimates take by default."""
    line(console, Styled(row["name"], "bold"))
    known = [
        ("vendor", row["vendor"] or NONE),
        ("kind", "a device of data centres" if row["server"] else "a device for a desk or mobile"),
        ("memory as it is sold", f"{row['memory_label'] or NONE} ({row['memory_type']})"),
    ]
    pairs(console, known + [(words, _described(f, row[f])) for f, words in FIGURES.items()])
    section(console, "Shares that estimates take by default")
    pairs(console, share_rows(shares))
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
