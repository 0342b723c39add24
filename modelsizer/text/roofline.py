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
_LONGER = "A step takes the longer of moving its bytes and computing its FLOPs, beside the rest"
_STEPS = {
    False: f"{_LONGER}; the other is in brackets.",
    True: (
        "A decode step takes all of its parts one after another, as measured; a prefill the longer "
        "of moving its bytes and computing its FLOPs beside the rest, the other in brackets."
    ),
}


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
        line(console)
        print_table(console, _parts(design))
    words = _STEPS[any(p.adds for d in found.designs for p in d.batches)]
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
    headings = ("batch", "FLOPs/byte", "attained", "time", "bound by", "")
    rows = [
        (
            _name(point),
            f"{point.intensity:,.4g}" if point.intensity < _WHOLE else f"{point.intensity:,.0f}",
            format_quantity(point.attained, "FLOP/s", 3),
            format_quantity(point.seconds, "seconds", 3),
            point.bound,
            "too large" if point.fits is False else "asked for" if point is design.decode else "",
        )
        for point in _all(design)
    ]
    return Table(headings, rows, words=frozenset({0, 4, 5}), marked=_asked(design))


def _parts(design: DesignPoints) -> Table:
    """What each step spends its time on; what goes on behind the longer part is in brackets."""
    headings = ("share of time", "memory", "compute", "overhead", "sequences", "all-reduces")
    rows = []
    for point in _all(design):
        shares = [percent(each / point.seconds, 0) for each in point.parts]
        if not point.adds:
            hidden = 1 if point.bound == "memory" else 0
            shares[hidden] = f"({shares[hidden]})"
        rows.append((_name(point), *shares))
    return Table(headings, rows, words=frozenset({0}), marked=_asked(design))


def _all(design: DesignPoints) -> tuple[Point, ...]:
    return (*design.batches, design.prefill)


def _name(point: Point) -> str:
    return f"{point.phase}, {point.batch}"


def _asked(design: DesignPoints) -> frozenset[int]:
    return frozenset(i for i, point in enumerate(_all(design)) if point is design.decode)
