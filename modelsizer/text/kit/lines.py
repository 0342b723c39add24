"""Lines of a report: its title, sections, paragraphs, bullets and pairs of a name and a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from modelsizer.text.kit.tables import Styled, Table, print_table

if TYPE_CHECKING:
    from rich.console import Console

INDENT = 2
"""Spaces before what stands in a section."""
_PAIRS_GAP = 4  # spaces between a name and its value


def title(console: Console, text: str) -> None:
    """Print what a report is about: the name of a problem, if it has one."""
    line(console, Styled(text or "unnamed problem", "bold"))


def section(console: Console, text: str) -> None:
    """Print the heading of a section, an empty line before it."""
    line(console, Styled(f"\n{text}", "bold"))


def line(console: Console, text: str) -> None:
    """Print text as it is, in its style if it has one."""
    from rich.text import Text

    console.print(Text(str(text), style=getattr(text, "style", "")))


def paragraph(
    console: Console, text: str, *, indent: int = INDENT, above: int = 0, expand: bool = True
) -> None:
    """Print text, each of its lines indented.

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
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(text), (above, 0, 0, indent), expand=expand))


def bullets(
    console: Console,
    lines: Iterable[str],
    *,
    numbered: bool = False,
    indent: int = INDENT,
    expand: bool = False,
) -> None:
    """Print lines behind hyphens or numbers; what continues is aligned with what it continues."""
    listed = list(lines)
    marks = [f"{n}." if numbered else "-" for n in range(1, len(listed) + 1)]
    rows = list(zip(marks, listed, strict=True))
    folds = Table((), rows, words=frozenset({1}), folds={1: None})
    print_table(console, folds, indent=indent, gap=1, expand=expand)


def warnings(console: Console, lines: Sequence[str], heading: str = "Warnings") -> None:
    """Print warnings as a section, or nothing where there are none."""
    if lines:
        section(console, heading)
        for each in lines:
            bullets(console, [each])


def pairs(
    console: Console,
    rows: Iterable[Sequence[str]],
    *,
    words: frozenset[int] = frozenset({0, 1}),
    marked: frozenset[int] = frozenset(),
) -> None:
    """Print names and their values; values of words continue on further lines, numbers do not.

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
