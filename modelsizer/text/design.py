"""One design on its accelerators, in words and in JSON: what fills memory, what bounds speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelsizer.problems.units import format_quantity, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from modelsizer.problems.designs.memory_parts import MemoryParts
    from modelsizer.problems.designs.roofline_points import DesignPoints, Point, Roof, Roofline

_WHOLE = 1000  # FLOPs/byte, from which decimals say nothing

# Memory


def parts_dict(parts: MemoryParts) -> dict[str, Any]:
    """Plain values for JSON."""
    total = parts.total
    return {
        "total": plain(total),
        "parts": [
            {"name": name, "bytes": plain(size), "share": float(size / total)}
            for name, size in parts.parts
        ],
        "limit": parts.limit,
        "room": None if parts.room is None else plain(parts.room),
        "accelerator": parts.device or None,
        "accelerator_memory": parts.device_memory,
        "accelerator_room": None if parts.device_room is None else plain(parts.device_room),
        "accelerators": parts.accelerators,
        "stage": parts.stage or None,
    }


def print_memory(
    console: Console, title: str, panels: Sequence[MemoryParts], lack: str = ""
) -> None:
    """Print what fills the memory of an accelerator, a table for each of serving and training.

    Parameters
    ----------
    console : Console
    title : str
    panels : sequence of MemoryParts
    lack : str
        Why a table is missing; empty if none is.
    """
    from rich.text import Text

    console.print(Text(title, style="bold"))
    for parts in panels:
        _print_parts(console, parts)
    if lack:
        console.print(Text(f"\n{lack}"))


def _print_parts(console: Console, parts: MemoryParts) -> None:
    from rich.table import Table
    from rich.text import Text

    of = parts.device or "accelerator"
    where = f"one of {parts.accelerators:,} {of}" if parts.accelerators > 1 else f"one {of}"
    stage = f", {parts.stage}" if parts.stage else ""
    words = parts.quantity.replace("_", " ").capitalize()
    console.print(Text(f"\n{words} of {where}{stage}", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    total = parts.total
    for name, size in (*parts.parts, ("total", total)):
        share = f"{100 * float(size / total):.1f} %"
        style = "bold" if name == "total" else ""
        table.add_row(name, format_quantity(float(size), "bytes"), share, "", style=style)
    for name, most, room in (
        (f"limit (budgets.{parts.quantity})", parts.limit, parts.room),
        (f"memory of {of}", parts.device_memory, parts.device_room),
    ):
        if most is None or room is None:
            continue
        left = format_quantity(abs(float(room)), "bytes")
        used = f"{100 * float(total) / float(most):.1f} %"
        verdict = Text(f"{left} over", style="red") if room < 0 else Text(f"{left} left")
        table.add_row(name, format_quantity(most, "bytes"), used, verdict)
    console.print(table)


# The roofline


def _point_dict(point: Point) -> dict[str, Any]:
    return asdict(point) | {
        "intensity": point.intensity,
        "attained_flops": point.attained,
        "bound": point.bound,
    }


def roofline_dict(found: Roofline) -> dict[str, Any]:
    """Plain values for JSON."""
    roof = found.roof
    return {
        "roof": asdict(roof) | {"ridge": roof.ridge, "peak_ridge": roof.peak_ridge},
        "designs": [
            {
                "name": design.name,
                "decode": _point_dict(design.decode),
                "prefill": _point_dict(design.prefill),
                "batches": [_point_dict(point) for point in design.batches],
            }
            for design in found.designs
        ],
    }


def print_roofline(console: Console, title: str, found: Roofline) -> None:
    """Print the roof, and of each design its batches and its prefill."""
    from rich.text import Text

    console.print(Text(title, style="bold"))
    console.print(Text(_roof_words(found.roof)))
    for design in found.designs:
        context, prompt = design.decode.tokens, design.prefill.tokens
        console.print(
            Text.assemble(
                (f"\n{design.name}", "bold"),
                f": decode at {context:,} tokens, prefill of {prompt:,}",
            )
        )
        console.print(_points(design))
    console.print(
        Text(
            "\nA step takes the longer of moving its bytes and computing its FLOPs, beside "
            "overheads. Too large: weights and cache of that batch break a limit on memory."
        )
    )


def _roof_words(roof: Roof) -> str:
    each = f"Each of {roof.ways}" if roof.ways > 1 else "One"
    flops, bandwidth = roof.flops / roof.peak_flops, roof.bandwidth / roof.peak_bandwidth
    return (
        f"\n{each} {roof.device}, {roof.precision}: "
        f"{format_quantity(roof.flops, 'FLOP/s')} ({100 * flops:.0f} % of peak), "
        f"{format_quantity(roof.bandwidth, 'bytes/s')} ({100 * bandwidth:.0f} %)\n"
        f"Ridge at {roof.ridge:,.0f} FLOPs/byte"
    )


def _points(design: DesignPoints) -> Table:
    """A row for each batch of decode, that asked for bold, and one for prefill."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("batch", no_wrap=True)
    for name in ("FLOPs/byte", "attained", "time", "overhead"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    table.add_column("", no_wrap=True)
    for point in (*design.batches, design.prefill):
        own = point is design.decode
        intensity = point.intensity
        table.add_row(
            f"{point.phase}, {point.batch}",
            f"{intensity:,.4g}" if intensity < _WHOLE else f"{intensity:,.0f}",
            format_quantity(point.attained, "FLOP/s", 3),
            format_quantity(point.seconds, "seconds", 3),
            f"{100 * point.overhead_seconds / point.seconds:.0f} %",
            point.bound,
            "too large" if point.fits is False else "asked for" if own else "",
            style="bold" if own else "",
        )
    return table
