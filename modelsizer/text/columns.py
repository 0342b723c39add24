"""Tables wider than the terminal: cut into blocks that fit, each with the first column."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

GAP = 2  # spaces between columns
Column = tuple[str, Sequence[str]]
"""A heading and its cells."""


def print_columns(
    console: Console, first: Column, columns: Sequence[Column], *, indent: int = 0
) -> None:
    """Print columns in as many tables as the width asks for.

    Parameters
    ----------
    console : Console
    first : (str, sequence of str)
        What tells rows apart, repeated in each table.
    columns : sequence of (str, sequence of str)
        Right-aligned, of as many cells as `first` has.
    indent : int
        Spaces before each table.
    """
    room = console.width - indent - _width(first) - GAP
    block: list[Column] = []
    left = room
    for column in columns:
        wide = _width(column) + GAP
        if block and wide > left:
            _print_block(console, first, block, indent)
            console.print()
            block, left = [], room
        block.append(column)
        left -= wide
    _print_block(console, first, block, indent)


def _width(column: Column) -> int:
    heading, cells = column
    return max(len(heading), *(len(cell) for cell in cells), 0)


def _print_block(console: Console, first: Column, columns: Sequence[Column], indent: int) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for heading, _ in (first, *columns):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in zip(first[1], *(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    console.print(Padding(table, (0, 0, 0, indent), expand=False))
