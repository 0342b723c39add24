"""Report of the roofline of designs on an accelerator, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, pairs, section
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.designs.roofline_points import DesignPoints, Point, Roof, Roofline

_WHOLE = 1000  # FLOPs/byte, above which decimals are dropped


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


def print_roofline(
    console: Console,
    title: str,
    found: Roofline,
    notes: Sequence[str] = (),
    assumptions: Sequence[tuple[str, str]] = (),
) -> None:
    """Print the roofline, the decode batches and prefill of each design, and notes on these."""
    print_title(console, title)
    for note in notes:
        line(console, note)
    section(console, "Assumptions")
    pairs(console, assumptions)
    line(console)
    for words in _roof_words(found.roof):
        line(console, words)
    for design in found.designs:
        context, prompt = design.decode.tokens, design.prefill.tokens
        section(console, f"{design.name}: decode at {context:,} tokens, prefill of {prompt:,}")
        print_table(console, _points(design))
    words = "A step takes the longer of moving its bytes and computing its FLOPs, beside overheads."
    if any(p.fits is False for d in found.designs for p in (*d.batches, d.prefill)):
        words += " Too large: weights and cache of that batch break a limit on memory."
    line(console, words, above=1)


def _roof_words(roof: Roof) -> tuple[str, str]:
    each = f"Each of {roof.ways}" if roof.ways > 1 else "One"
    flops, bandwidth = roof.flops / roof.peak_flops, roof.bandwidth / roof.peak_bandwidth
    return (
        f"{each} {roof.device}, {roof.precision}: "
        f"{format_quantity(roof.flops, 'FLOP/s')} ({percent(flops, 0)} of peak), "
        f"{format_quantity(roof.bandwidth, 'bytes/s')} ({percent(bandwidth, 0)})",
        f"Ridge at {roof.ridge:,.0f} FLOPs/byte",
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
