"""The size of the terminal that a console prints on, and lines without spaces at their ends."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable
    from rich.segment import Segment

    AnyConsole = TypeVar("AnyConsole", bound=Console)

LEAST, MOST = 20, 1000
"""Widths, in characters: text is laid out for no narrower and no wider terminal."""
_SIZES = ("COLUMNS", "LINES")


def environment() -> dict[str, str]:
    """The environment for a console, without sizes such as 0 that no terminal has."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _SIZES or (value.isdecimal() and int(value[:9]))
    }


def sized(console: AnyConsole) -> AnyConsole:
    """The console, with a width from `LEAST` to `MOST`."""
    width, height = console.size
    console.size = (min(max(width, LEAST), MOST), height)
    return console


def trimmed(console: AnyConsole) -> AnyConsole:
    """The console, whose lines have no spaces at their ends, where tables pad and text wraps."""
    from rich.console import RenderHook

    class Hook(RenderHook):
        def process_renderables(
            self, renderables: list[ConsoleRenderable]
        ) -> list[ConsoleRenderable]:
            return [_Trimmed(each) for each in renderables]

    console.push_render_hook(Hook())
    return console


class _Trimmed:
    """What it is given, without the spaces before the end of each line."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        return _without_ends(console.render(self._renderable, options))


def _without_ends(segments: Iterable[Segment]) -> Iterator[Segment]:
    from rich.segment import Segment

    held: list[Segment] = []  # spaces that are printed only if text follows on the line
    for segment in segments:
        if segment.control:
            yield segment
            continue
        first, *others = segment.text.split("\n")
        for at, text in enumerate([first, *others]):
            if at:
                held.clear()
                yield Segment.line()
            if kept := text.rstrip(" "):
                yield from held
                held.clear()
                yield Segment(kept, segment.style)
            if spaces := text[len(kept) :]:
                held.append(Segment(spaces, segment.style))
    yield from held
