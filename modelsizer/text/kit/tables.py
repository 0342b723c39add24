"""Tables of text, printed to a terminal of any width or rendered on the HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

from modelsizer.problems.records import dataclass
from modelsizer.problems.visible import readable, shortened, visible
from modelsizer.text.kit.sheet import Heading as SheetHeading
from modelsizer.text.kit.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table as RichTable
    from rich.text import Text

GAP = 2
"""Spaces between columns."""
WIDTH = 80
"""Width for which the columns of a report are chosen, so that every terminal shows the same."""
_LEAST_FOLDED = 12  # letters of a folded column, below which the table is cut into blocks instead
_LEAST_FIRST = 6  # letters of the first column beside others, below which nothing fits beside it
_NARROW = 30  # width of a terminal, below which a row is printed as lines of ``heading: value``
_LONGEST_CELL, _LONGEST_LINE = 200, 2000  # characters that are shown of a cell, and of a line
_LONGEST_HEADING = 60
_LONG_WORD = re.compile(r"\S{401,}")
_LONGEST_WORD = 400

Heading = str | tuple[str, ...]
"""A heading of one line, or the lines of a heading."""


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
    headings : sequence of str or of tuple of str
        A tuple is a heading of several lines; empty for a table without headings.
    rows : sequence of sequence of str
        What is missing at the end of a row is empty.
    words : frozenset of int
        Columns of words, aligned left; the others hold numbers, aligned right.
    folds : mapping of int to int or None
        Columns whose cells may continue on another line, and their largest width, if any.
    marked : frozenset of int
        Rows that stand out.
    """

    headings: Sequence[Heading]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    folds: Mapping[int, int | None] = field(default_factory=lambda: MappingProxyType({}))
    marked: frozenset[int] = frozenset()

    @classmethod
    def of_columns(
        cls,
        columns: Sequence[tuple[Heading, Sequence[str]]],
        *,
        words: frozenset[int] = frozenset(),
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
            texts = list(_lines(self.headings[column])) if self.headings else []
            texts += [row[column] for row in self.rows if column < len(row)]
            widest = max(map(cell_len, texts), default=0)
            return min(widest, self.folds.get(column) or widest)

        return [width(column) for column in range(self.count)]

    def fitting(self, width: int = WIDTH, least: int = 1) -> Self:
        """The table of the first columns that fit a width, and at least `least` of them."""
        used, many = -GAP, 0
        for wide in self.widths:
            used += GAP + wide
            if used > width and many >= least:
                break
            many += 1
        headings, rows = self.headings[:many], [row[:many] for row in self.rows]
        return replace(self, headings=headings, rows=rows)


_put_off: WeakKeyDictionary[Console | Sheet, str] = WeakKeyDictionary()
"""Heading of the section of each console that has no content yet."""


def put_off(console: Console | Sheet, heading: str) -> None:
    """Print a heading only before what is printed next; another heading takes its place."""
    _put_off[console] = heading


def begin(console: Console | Sheet) -> None:
    """Print the heading that was put off, after an empty line, if there is one."""
    if (heading := _put_off.pop(console, None)) is not None:
        if isinstance(console, Sheet):
            console.parts.append(SheetHeading(heading))
            return
        console.print()
        console.print(rich_text(console, heading))


def print_table(
    console: Console | Sheet,
    table: Table,
    *,
    indent: int = 0,
    gap: int = GAP,
    below: int = 0,
    expand: bool = False,
) -> None:
    """Print a table; no cell is ever cut, but for texts of hundreds of letters.

    One without rows is not printed. One that is too wide is split into blocks that repeat the
    first column, and in a terminal that is too narrow for that each cell is a line of
    ``heading: value``.

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
    if not table.rows:
        return
    begin(console)
    if isinstance(console, Sheet):
        console.parts.append(table)
        return
    from rich.padding import Padding

    table = _shown(console, table)
    widths = table.widths
    free = {column for column, most in table.folds.items() if most is None}
    slim = [min(w, _LEAST_FOLDED) if i in free else w for i, w in enumerate(widths)]
    room = console.width - indent
    if _width(slim, gap) > room:
        gap = min(gap, GAP)
    narrow = _width(slim, gap) > room
    if narrow and (console.width < _NARROW or not _fit_beside_the_first(slim, room, gap)):
        for line in _records(table):
            console.print(Padding(line, (0, 0, 0, indent)))
        for _ in range(below):
            console.print()
        return
    blocks = _blocks(slim, room, gap)
    for at, block in enumerate(blocks):
        if at:
            console.print()
        made = _rich(table, block, gap, folded=narrow)
        after = below if at == len(blocks) - 1 else 0
        console.print(Padding(made, (0, 0, after, indent), expand=expand))


def _shown(console: Console, table: Table) -> Table:
    """The table as a console can show it."""
    most = _LONGEST_CELL if table.headings else _LONGEST_LINE
    headings: list[Heading] = [
        tuple(_text(console, line, _LONGEST_HEADING) for line in _lines(heading))
        for heading in table.headings
    ]
    rows = [[_text(console, cell, most) for cell in row] for row in table.rows]
    return replace(table, headings=headings, rows=rows)


def _lines(heading: Heading) -> tuple[str, ...]:
    return (heading,) if isinstance(heading, str) else heading


def _records(table: Table) -> Iterator[Text | Padding]:
    """Each row as lines: its first cell, then the others, each after its heading."""
    from rich.padding import Padding

    names = [" ".join(_lines(heading)).strip() for heading in table.headings]
    for at, row in enumerate(table.rows):
        style = "bold" if at in table.marked else ""
        if not names:
            line = _joined([cell for cell in row if cell.strip()])
            line.style = style or line.style
            yield line
            continue
        for column, (name, cell) in enumerate(zip(names, row, strict=False)):
            if cell.strip():
                parts = [f"{name}:", cell] if name else [cell]
                line = _joined(parts)
                line.style = style or line.style
                yield Padding(line, (0, 0, 0, GAP if column else 0))


def _joined(cells: Sequence[str]) -> Text:
    from rich.text import Text

    texts = [_styled(cell) for cell in cells]
    for text in texts:
        text.rstrip()
    return Text(" ").join(texts)


def _fit_beside_the_first(widths: Sequence[int], room: int, gap: int) -> bool:
    """Whether every column fits beside the first, when that is folded."""
    first, *rest = widths
    return not rest or min(first, _LEAST_FIRST) + gap + max(rest) <= room


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
            _joined_lines(table.headings[column]) if table.headings else "",
            justify="left" if column in table.words else "right",
            no_wrap=not fold,
            overflow="fold",
            max_width=table.folds.get(column),
        )
    for at, row in enumerate(table.rows):
        cells = [_styled(row[column]) if column < len(row) else "" for column in columns]
        made.add_row(*cells, style="bold" if at in table.marked else "")
    return made


def _joined_lines(heading: Heading) -> Text:
    from rich.text import Text

    return Text("\n").join(map(_styled, _lines(heading)))


def rich_text(console: Console, text: str) -> Text:
    """Text as a console can show it, in its style if it has one, without markup.

    Every character is seen (`visible`), and there are none that the console's encoding lacks
    (`readable`). A word or a line of very many characters is shortened.
    """
    return _styled(_text(console, text, _LONGEST_LINE))


def _text(console: Console, text: str, most: int) -> str:
    seen = visible(str(text))
    if not seen.isascii():
        seen = readable(seen, console.encoding)
    seen = _LONG_WORD.sub(lambda word: shortened(word[0], _LONGEST_WORD), seen)
    seen = shortened(seen, most)
    return Styled(seen, text.style) if isinstance(text, Styled) else seen


def _styled(text: str) -> Text:
    from rich.text import Text

    return Text(text, style=getattr(text, "style", ""))
