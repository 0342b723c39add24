"""What no figure counts, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from modelsizer.problems.costs.omissions import OMISSIONS


def print_not_modelled(console: Console) -> None:
    """Print them."""
    for row in OMISSIONS:
        console.print(Text(row.what, style="bold"))
        for name in ("where", "size", "remedy", "source"):
            label = {"where": "missing in", "remedy": "allow for it"}.get(name, name)
            console.print(Text(f"  {label}: {getattr(row, name)}"))
