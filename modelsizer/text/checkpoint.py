"""Reports of what the files of a model hold, and of totals that another library counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, pairs, section, title

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.architecture.checkpoints.by_transformers import LibraryCount
    from modelsizer.problems.architecture.checkpoints.stored import Checkpoint


def print_checkpoint(console: Console, found: Checkpoint) -> None:
    """Print what the files of a model hold, by type."""
    section(console, f"Tensors of the {found.format} files")
    sums = found.by_type()
    rows = [("all", sum(each.values for each in sums.values()), found.bytes)]
    rows += [(name, each.values, each.bytes) for name, each in sums.items()]
    written = [
        (name, format_quantity(values, "parameters"), format_quantity(size, "bytes"))
        for name, values, size in rows
    ]
    pairs(console, written, words=frozenset({0}))


def print_library_count(console: Console, source: str, found: LibraryCount) -> None:
    """Print the parameters of a model that only transformers counts."""
    title(console, source)
    section(console, "Parameters")
    counts = {"total": found.total, "active": found.active}
    rows = [
        (name, f"{count:,}", format_quantity(count, "parameters"))
        for name, count in counts.items()
        if count is not None
    ]
    pairs(console, rows, words=frozenset({0}))
    line(console, f"{found.label[0].upper()}{found.label[1:]}.", above=1)
