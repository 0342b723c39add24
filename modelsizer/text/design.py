"""Reports of memory and roofline of one design, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelsizer.problems.units import format_quantity, plain
from modelsizer.text.kit.lines import line, pairs, section
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Styled, Table, print_table
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.designs.memory_parts import MemoryParts
    from modelsizer.problems.designs.roofline_points import DesignPoints, Point, Roof, Roofline

_WHOLE = 1000  # FLOPs/byte, from which decimals say nothing

# Memory


def parts_dict(parts: MemoryParts) -> dict[str, Any]:
    """Values for JSON."""
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
    """Print the memory parts of one accelerator, a table each for serving and training.

    Parameters
    ----------
    console : Console
    title : str
    panels : sequence of MemoryParts
    lack : str
        Why a table is missing; empty if none is.
    """
    print_title(console, title)
    for parts in panels:
        _print_parts(console, parts)
    if lack:
        line(console, f"\n{lack}")


def _print_parts(console: Console, parts: MemoryParts) -> None:
    of = parts.device or "accelerator"
    where = f"one of {parts.accelerators:,} {of}" if parts.accelerators > 1 else f"one {of}"
    stage = f", {parts.stage}" if parts.stage else ""
    words = parts.quantity.replace("_", " ").capitalize()
    section(console, f"{words} of {where}{stage}")
    total = parts.total
    rows = [
        (name, format_quantity(float(size), "bytes"), percent(float(size / total)), "")
        for name, size in (*parts.parts, ("total", total))
    ]
    for name, most, room in (
        (f"limit (budgets.{parts.quantity})", parts.limit, parts.room),
        (f"memory of {of}", parts.device_memory, parts.device_room),
    ):
        if most is None or room is None:
            continue
        left = format_quantity(abs(float(room)), "bytes")
        verdict = Styled(f"{left} over", "red") if room < 0 else f"{left} left"
        used = percent(float(total) / float(most))
        rows.append((name, format_quantity(most, "bytes"), used, verdict))
    pairs(console, rows, words=frozenset({0, 3}), marked=frozenset({len(parts.parts)}))


# The roofline


def _point_dict(point: Point) -> dict[str, Any]:
    return asdict(point) | {
        "intensity": point.intensity,
        "attained_flops": point.attained,
        "bound": point.bound,
    }


def roofline_dict(found: Roofline) -> dict[str, Any]:
    """Values for JSON."""
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
    """Print the roofline, and the decode batches and prefill of each design."""
    from rich.text import Text

    print_title(console, title)
    line(console, _roof_words(found.roof))
    for design in found.designs:
        context, prompt = design.decode.tokens, design.prefill.tokens
        console.print(
            Text.assemble(
                (f"\n{design.name}", "bold"),
                f": decode at {context:,} tokens, prefill of {prompt:,}",
            )
        )
        print_table(console, _points(design))
    line(
        console,
        "\nA step takes the longer of moving its bytes and computing its FLOPs, beside "
        "overheads. Too large: weights and cache of that batch break a limit on memory.",
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
    """A row for each decode batch and one for prefill; the requested batch is marked."""
    headings = ("batch", "FLOPs/byte", "attained", "time", "overhead", "bound by", "")
    points = (*design.batches, design.prefill)
    rows = [
        (
            f"{point.phase}, {point.batch}",
            f"{point.intensity:,.4g}" if point.intensity < _WHOLE else f"{point.intensity:,.0f}",
            format_quantity(point.attained, "FLOP/s", 3),
            format_quantity(point.seconds, "seconds", 3),
            percent(point.overhead_seconds / point.seconds, 0),
            point.bound,
            "too large" if point.fits is False else "asked for" if point is design.decode else "",
        )
        for point in points
    ]
    own = frozenset(i for i, point in enumerate(points) if point is design.decode)
    return Table(headings, rows, words=frozenset({0, 5, 6}), marked=own)
