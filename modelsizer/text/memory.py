"""Report of what fills the memory of an accelerator, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.problems.units import format_quantity, plain
from modelsizer.text.kit.lines import line, pairs, section, warnings
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Styled
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.designs.memory_parts import MemoryParts


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
    } | ({"default": True} if parts.default else {})


def print_memory(
    console: Console,
    title: str,
    panels: Sequence[MemoryParts],
    lack: str = "",
    notes: Sequence[str] = (),
    assumptions: Sequence[tuple[str, str]] = (),
    idle: Sequence[str] = (),
    *,
    verbose: bool = False,
) -> None:
    """Print the memory parts of one accelerator, a table each for serving and training.

    Parameters
    ----------
    console : Console
    title : str
    panels : sequence of MemoryParts
    lack : str
        Why a table is missing; empty if none is.
    notes : sequence of str
        On the design.
    assumptions : sequence of (str, str)
        What the figures hold for.
    idle : sequence of str
        Settings that change no figure, and why.
    verbose : bool
        Whether to show all warnings.
    """
    print_title(console, title)
    for note in notes:
        line(console, note)
    section(console, "Assumptions")
    pairs(console, assumptions)
    for parts in panels:
        _print_parts(console, parts)
    if lack:
        line(console, lack, above=1)
    warnings(console, idle, verbose=verbose)


def _print_parts(console: Console, parts: MemoryParts) -> None:
    of = parts.device or "accelerator"
    stage = f", {parts.stage}" if parts.stage else ""
    words = parts.quantity.replace("_", " ").capitalize()
    section(console, f"{words} of {parts.where}{stage}")
    total = parts.total
    rows = [
        (name, format_quantity(float(size), "bytes"), percent(float(size / total)), "")
        for name, size in (*parts.parts, ("total", total))
    ]
    limit = "what fits (default)" if parts.default else f"limit (budgets.{parts.quantity})"
    for name, most, room in (
        (limit, parts.limit, parts.room),
        (f"memory of {of}", parts.device_memory, parts.device_room),
    ):
        if most is None or room is None:
            continue
        left = format_quantity(abs(float(room)), "bytes")
        verdict = Styled(f"{left} over", "red") if room < 0 else f"{left} left"
        used = percent(float(total) / float(most))
        rows.append((name, format_quantity(most, "bytes"), used, verdict))
    pairs(console, rows, words=frozenset({0, 3}), marked=frozenset({len(parts.parts)}))
