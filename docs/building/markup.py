"""Plain text as Markdown."""

from __future__ import annotations

import re

_CODE = re.compile(r"(``?)(.+?)\1", re.DOTALL)


def cell(text: str) -> str:
    """Text in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def plain(text: str) -> str:
    """Text with its signs as they are, but for code between backticks."""
    parts, end = [], 0
    for match in _CODE.finditer(text):
        parts += [_escaped(text[end : match.start()]), f"`{match[2]}`"]
        end = match.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([*_<>\[\]])", r"\\\1", text)
