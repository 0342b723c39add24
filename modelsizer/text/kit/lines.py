"""Titles, sections, paragraphs, bullets and name-value pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from modelsizer.problems.visible import shortened
from modelsizer.text.kit.sheet import Items, Sheet, Text, Title
from modelsizer.text.kit.tables import Styled, Table, begin, print_table, put_off, rich_text
from modelsizer.text.kit.words import and_more

if TYPE_CHECKING:
    from rich.console import Console

INDENT = 2
"""Indentation of the body of a section."""
_PAIRS_GAP = 4  # spaces between a name and its value
_LONGEST_TITLE = 240  # characters, of a longer name the beginning and the end are shown
_LEAST_TITLE = 12  # characters left for a title, below which its status gets a line of its own


def title(console: Console | Sheet, text: str, status: str = "") -> None:
    """Print the title of a report, the name of a problem if it has one.

    Parameters
    ----------
    console : Console
    text : str
    status : str
        Printed at the right end of the line.
    """
    from rich.table import Table as RichTable

    if isinstance(console, Sheet):
        console.parts.append(Title(shortened(text or "unnamed problem", _LONGEST_TITLE), status))
        return
    name = Styled(shortened(text or "unnamed problem", _LONGEST_TITLE), "bold")
    if not status or len(status) + _LEAST_TITLE > console.width:
        line(console, name)
        if status:
            line(console, status)
        return
    begin(console)
    made = RichTable.grid(expand=True, padding=(0, 2))
    made.add_column(ratio=1, overflow="fold")
    made.add_column(justify="right", no_wrap=True)
    made.add_row(rich_text(console, name), rich_text(console, status))
    console.print(made)


def section(console: Console | Sheet, text: str) -> None:
    """Begin a section: its heading is printed, after an empty line, before its first content.

    A section of nothing is not printed, whatever its report left out.
    """
    put_off(console, Styled(text, "bold"))


def line(
    console: Console | Sheet, text: str = "", *, above: int = 0, below: int = 0, wrap: bool = True
) -> None:
    """Print a line in its style if it has one.

    Parameters
    ----------
    console : Console
    text : str
    above, below : int
        Empty lines before and after it.
    wrap : bool
        Wrap it where it is too long; otherwise the terminal does, as is better for a path.
    """
    begin(console)
    if isinstance(console, Sheet):
        console.parts.append(Text(text))
        return
    for _ in range(above):
        console.print()
    console.print(rich_text(console, text), soft_wrap=not wrap)
    for _ in range(below):
        console.print()


def paragraph(
    console: Console | Sheet,
    text: str,
    *,
    indent: int = INDENT,
    above: int = 0,
    expand: bool = True,
) -> None:
    """Print wrapped text with every line indented.

    Parameters
    ----------
    console : Console
    text : str
    indent : int
        Spaces before each line.
    above : int
        Empty lines before it.
    expand : bool
        Pad lines to the width of the terminal.
    """
    begin(console)
    if isinstance(console, Sheet):
        console.parts.append(Text(text))
        return
    from rich.padding import Padding

    console.print(Padding(rich_text(console, text), (above, 0, 0, indent), expand=expand))


def bullets(
    console: Console | Sheet,
    lines: Iterable[str],
    *,
    numbered: bool = False,
    indent: int = INDENT,
    expand: bool = False,
) -> None:
    """Print a bulleted or numbered list with hanging indents."""
    listed = list(lines)
    if isinstance(console, Sheet):
        begin(console)
        console.parts.append(Items(listed, numbered))
        return
    marks = [f"{n}." if numbered else "-" for n in range(1, len(listed) + 1)]
    rows = list(zip(marks, listed, strict=True))
    folds = Table((), rows, words=frozenset({1}), folds={1: None})
    print_table(console, folds, indent=indent, gap=1, expand=expand)


MOST_WARNINGS = 3
"""Warnings that are shown unless all are asked for."""


def warnings(
    console: Console | Sheet,
    said: Sequence[object],
    heading: str = "Warnings",
    *,
    verbose: bool = False,
) -> None:
    """Print warnings as a section; nothing if there are none.

    Parameters
    ----------
    console : Console
    said : sequence of object
        Their texts, or values whose `str` is the text; the most consequential first.
    heading : str
    verbose : bool
        Whether to show all, not only the first `MOST_WARNINGS`.
    """
    if not said:
        return
    section(console, heading)
    shown = said if verbose else said[:MOST_WARNINGS]
    for each in shown:
        bullets(console, [str(each)])
    if rest := and_more(len(said) - len(shown), ": -v"):
        paragraph(console, rest)


def pairs(
    console: Console | Sheet,
    rows: Iterable[Sequence[str]],
    *,
    words: frozenset[int] = frozenset({0, 1}),
    marked: frozenset[int] = frozenset(),
) -> None:
    """Print names and values in aligned columns; words wrap, numbers do not.

    Parameters
    ----------
    console : Console
    rows : iterable of sequence of str
        A name, its value, and whatever else stands in further columns.
    words : frozenset of int
        Columns of words, aligned left; the others hold numbers, aligned right.
    marked : frozenset of int
        Rows that stand out.
    """
    folds = {1: None} if 1 in words else {}
    print_table(console, Table((), list(rows), words, folds, marked), gap=_PAIRS_GAP)
