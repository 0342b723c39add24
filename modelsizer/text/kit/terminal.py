"""The size of the terminal that a console prints on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

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
