"""HTML elements with escaping of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from modelsizer.problems.visible import shortened, visible
from modelsizer.text.kit.tables import Heading, Table


class Html(str):
    """Text that is HTML; any other text is escaped when put into an element."""

    __slots__ = ()


NEWLINE = Html("\n")
"""A line end between elements."""
_LONGEST = 1000  # characters of a cell; of longer ones the beginning and the end are shown
_VOID = frozenset({"br", "img", "meta", "source"})  # elements without an end tag


def tag(name: str, /, *content: str, **attributes: str | None) -> Html:
    """An HTML element.

    Parameters
    ----------
    name : str
    *content : str
        Escaped unless it is `Html`.
    **attributes : str, optional
        None omits the attribute; ``class_`` stands for ``class``, an inner underscore for a hyphen.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value, quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(content)}</{name}>")


def join(parts: Iterable[str], between: str = "") -> Html:
    """Concatenate pieces, escaped unless they are `Html`."""
    return Html(between.join(p if isinstance(p, Html) else _text(p) for p in parts))


def _text(text: str, *, quote: bool = False) -> str:
    """Text as HTML: every character is seen, and it is ASCII, so that no encoding changes it."""
    seen = escape(visible(text), quote=quote)
    return seen if seen.isascii() else seen.encode("ascii", "xmlcharrefreplace").decode()


def coded(text: str) -> Html:
    """Text whose commands, between backquotes, are code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return join([text])
    return join(tag("code", part) if at % 2 else part for at, part in enumerate(parts))


def css_in_ascii(text: str) -> str:
    """A style sheet in ASCII, so that no encoding changes it."""
    return "".join(c if c.isascii() else f"\\{ord(c):x} " for c in text)


def script_in_ascii(text: str) -> str:
    """A script in ASCII: other characters as the escapes of strings, where alone it has them."""
    return "".join(c if c.isascii() else f"\\u{{{ord(c):x}}}" for c in text)


def block(text: str) -> Html:
    """Preformatted lines, such as a file."""
    return tag("pre", tag("code", join(text.split("\n"), "\n")))


def listing(lines: Iterable[str], **attributes: str | None) -> Html:
    """An unordered list."""
    return tag("ul", join((tag("li", line) for line in lines), "\n"), **attributes)


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """Names and values as a table without headings."""
    lines = (
        tag("tr", tag("th", name, scope="row"), tag("td", shortened(text, _LONGEST)))
        for name, text in rows
    )
    return tag("table", tag("tbody", join(lines, "\n")), class_="pairs")


def table(rows: Table, *, caption: str = "", long: bool = False) -> Html:
    """A table whose first column holds row headings.

    Parameters
    ----------
    rows : Table
        With all cells.
    caption : str
    long : bool
        Whether it may continue on the next page when printed.
    """
    kinds = [None if column in rows.words else "n" for column in range(rows.count)]

    def row(at: int, texts: Sequence[str]) -> Html:
        first, *others = (shortened(text, _LONGEST) for text in texts)
        head = tag("th", first.strip(), scope="row", class_=kinds[0])
        rest = (tag("td", t, class_=c) for t, c in zip(others, kinds[1:], strict=True))
        return tag("tr", head, *rest, class_="marked" if at in rows.marked else None)

    def heading(text: Heading, kind: str | None) -> Html:
        words = text if isinstance(text, str) else " ".join(text)
        return tag("th", " ".join(words.split()), scope="col", class_=kind)

    whole = [
        *([tag("caption", caption)] if caption else []),
        *([tag("thead", tag("tr", *map(heading, rows.headings, kinds)))] if rows.headings else []),
        tag("tbody", join((row(at, texts) for at, texts in enumerate(rows.rows)), "\n")),
    ]
    return tag("div", tag("table", *whole, class_="long" if long else None), class_="wide")
