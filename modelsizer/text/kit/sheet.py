"""A report as its parts, where it is not printed: a notebook shows them as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """The title of a report, and the state of its answer."""

    text: str
    status: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list, of bullets or with numbers."""

    texts: Sequence[str]
    numbered: bool


class Sheet:
    """Takes what the functions of this package print, in place of a console.

    Attributes
    ----------
    parts : list of Title, Heading, Text, Items or modelsizer.text.kit.tables.Table
        In order.
    width : int
        For which a report is laid out, as for a terminal.
    """

    width = 80

    def __init__(self) -> None:
        self.parts: list[object] = []
