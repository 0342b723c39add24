"""Report of the costs that are not modelled."""

from __future__ import annotations

from rich.console import Console

from modelsizer.problems.costs.omissions import OMISSIONS
from modelsizer.text.kit.lines import paragraph, title


def print_not_modelled(console: Console) -> None:
    """Print each omission with its size, its remedy and its source."""
    for row in OMISSIONS:
        title(console, row.what)
        for name in ("where", "size", "remedy", "source"):
            label = {"where": "missing in", "remedy": "allow for it"}.get(name, name)
            paragraph(console, f"{label}: {getattr(row, name)}", expand=False)
