"""Tables of text, printed to a terminal of any width or rendered on the HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

GAP = 2
"""Spaces between columns."""
_LEAST_FOLDED = 12  # letters of a folded column, below which the table is cut into blocks instead


class Styled(str):
    """Text with a terminal style such as ``"bold red"``, ignored elsewhere."""

    style: str

    def __new__(cls, text: str, style: str) -> Self:
        """Text in a style."""
        made = super().__new__(cls, text)
        made.style = style
        return made


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings.

    Parameters
    ----------
    headings : sequence of str
        With line breaks where a heading has several lines; empty for a table without headings.
    rows : sequence of sequence of str
        What is missing at the end of a row is empty.
    words : frozenset of int
        Columns of words, aligned left; the others hold numbers, aligned right.
    folds : mapping of int to int or None
        Columns whose cells may continue on another line, and their largest width, if any.
    marked : frozenset of int
        Rows that stand out.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    folds: Mapping[int, int | None] = field(default_factory=lambda: MappingProxyType({}))
    marked: frozenset[int] = frozenset()

    @classmethod
    def of_columns(
        cls, columns: Sequence[tuple[str, Sequence[str]]], *, words: frozenset[int] = frozenset()
    ) -> Self:
        """A table from columns of equal length, each a heading and its cells."""
        headings = [heading for heading, _ in columns]
        return cls(headings, list(zip(*(cells for _, cells in columns), strict=True)), words)

    @property
    def count(self) -> int:
        """The number of columns."""
        return len(self.headings) or max(map(len, self.rows), default=0)

    @property
    def widths(self) -> list[int]:
        """Width of each column without folding, in character cells."""
        from rich.cells import cell_len

        def width(column: int) -> int:
            texts = [self.headings[column]] if self.headings else []
            texts += [row[column] for row in self.rows if column < len(row)]
            widest = max((cell_len(line) for text in texts for line in text.split("\n")), default=0)
            return min(widest, self.folds.get(column) or widest)

        return [width(column) for column in range(self.count)]

    def fitting(self, width: int, least: int = 1) -> Self:
        """The table of the first columns that fit a width, and at least `least` of them."""
        used, many = -GAP, 0
        for wide in self.widths:
            used += GAP + wide
            if used > width and many >= least:
                break
            many += 1
        headings, rows = self.headings[:many], [row[:many] for row in self.rows]
        return replace(self, headings=headings, rows=rows)


def print_table(
    console: Console,
    table: Table,
    *,
    indent: int = 0,
    gap: int = GAP,
    below: int = 0,
    expand: bool = False,
) -> None:
    """Print a table; one that is too wide is split into blocks that repeat the first column.

    Parameters
    ----------
    console : Console
    table : Table
    indent : int
        Spaces before each line.
    gap : int
        Spaces between columns, fewer where the table would be too wide.
    below : int
        Empty lines after it.
    expand : bool
        Pad lines to the width of the terminal.
    """
    from rich.padding import Padding

    widths = table.widths
    free = {column for column, most in table.folds.items() if most is None}
    slim = [min(w, _LEAST_FOLDED) if i in free else w for i, w in enumerate(widths)]
    room = console.width - indent
    if _width(slim, gap) > room:
        gap = min(gap, GAP)
    narrow = _width(slim, gap) > room
    blocks = _blocks(slim, room, gap)
    for at, block in enumerate(blocks):
        if at:
            console.print()
        made = _rich(table, block, gap, folded=narrow)
        after = below if at == len(blocks) - 1 else 0
        console.print(Padding(made, (0, 0, after, indent), expand=expand))


def _width(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _blocks(widths: Sequence[int], room: int, gap: int) -> list[list[int]]:
    """Columns of each block: the first column and as many others as fit."""
    if _width(widths, gap) <= room:
        return [list(range(len(widths)))]
    first, *rest = widths
    first = min(first, max(room - gap - max(rest, default=0), _LEAST_FOLDED))
    blocks: list[list[int]] = []
    left = 0
    for column, width in enumerate(rest, start=1):
        if not blocks or gap + width > left:
            blocks.append([0])
            left = room - first
        blocks[-1].append(column)
        left -= gap + width
    return blocks or [[0]]


def _rich(table: Table, columns: Sequence[int], gap: int, *, folded: bool) -> RichTable:
    """A rich table of some columns; `folded` lets the first one wrap as well."""
    from rich.table import Table as RichTable

    made = RichTable(
        box=None, pad_edge=False, padding=(0, gap, 0, 0), show_header=bool(table.headings)
    )
    for column in columns:
        fold = column in table.folds or (folded and not column)
        made.add_column(
            rich_text(table.headings[column]) if table.headings else "",
            justify="left" if column in table.words else "right",
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
            max_width=table.folds.get(column),
        )
    for at, row in enumerate(table.rows):
        cells = [rich_text(row[column]) if column < len(row) else "" for column in columns]
        made.add_row(*cells, style="bold" if at in table.marked else "")
    return made


def rich_text(text: str) -> Text:
    """Text as rich prints it, in its style if it has one, without markup."""
    from rich.text import Text

    return Text(str(text), style=getattr(text, "style", ""))
