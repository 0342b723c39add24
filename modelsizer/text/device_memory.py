"""Report of a design on several accelerators, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.problems.units import format_quantity, plain
from modelsizer.text.kit.lines import paragraph, section
from modelsizer.text.kit.tables import Styled, Table, print_table
from modelsizer.text.kit.words import NONE, joined

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.designs.filled_devices import FilledDevice, FilledDevices

_INDENT = 2


def devices_dict(found: FilledDevices) -> dict[str, Any]:
    """Values for JSON."""
    return {
        "accelerators": found.accelerators,
        "devices": [
            {
                "accelerator": row.device,
                "memory": row.memory,
                "parts": {name: plain(size) for name, size in row.parts},
                "usable": plain(row.usable),
                "room": plain(row.room),
                "requests": row.requests,
            }
            for row in found.rows
        ],
        "unknown": list(found.unknown),
    }


def print_devices(console: Console, found: FilledDevices) -> None:
    """Print what each accelerator has left, the smallest first."""
    many = f"one of {found.accelerators:,}" if found.accelerators > 1 else "one"
    section(console, f"Serving memory of {many} of each kind")
    print_table(
        console,
        Table(
            ["accelerator", "memory", "taken", "left to the engine", "requests"],
            [_cells(row) for row in found.rows],
        ),
        indent=_INDENT,
    )
    if found.unknown:
        verb = "is" if len(found.unknown) == 1 else "are"
        paragraph(
            console,
            f"{joined(found.unknown)} {verb} listed without memory: nothing says what fits.",
            above=1,
        )


def _cells(row: FilledDevice) -> list[str]:
    left = format_quantity(abs(float(row.room)), "bytes", 3)
    taken = float(sum(size for _, size in row.parts))
    return [
        row.device,
        format_quantity(row.memory, "bytes", 4),
        format_quantity(taken, "bytes", 4),
        Styled(f"{left} over", "red") if row.room < 0 else f"{left} left",
        NONE if row.requests is None else f"{row.requests:,}",
    ]
