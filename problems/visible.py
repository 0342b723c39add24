"""Text from users and files, made harmless where it is shown: on a terminal, a page, a picture."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable

_KEPT = "\u3000"
"""The ideographic space, which is not printable to Python but belongs to names in Japanese."""
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""Printable to Python, but nothing is seen of them (Unicode: default ignorable)."""
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_PLAIN = {
    "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{NOT EQUAL TO}": "!=", "\N{ALMOST EQUAL TO}": "~", "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x", "\N{DIVISION SIGN}": "/", "\N{MIDDLE DOT}": ".",
    "\N{BULLET}": "*", "\N{RIGHTWARDS ARROW}": "->", "\N{LEFTWARDS ARROW}": "<-",
    "\N{MINUS SIGN}": "-", "\N{HYPHEN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...", "\N{FRACTION SLASH}": "/", "\N{PER MILLE SIGN}": "per mille",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u", "\N{INFINITY}": "infinity",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-", "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
    "\N{LATIN SMALL LETTER SHARP S}": "ss", "\N{EURO SIGN}": "EUR", "\N{DEGREE SIGN}": "deg",
}  # fmt: skip
"""What stands for a character that an encoding does not have."""
READABLE = "modelsizer.readable"
"""Name of the error handler of text that an encoding does not have, for ``errors=``."""


def visible(text: str) -> str:
    r"""Text in which every character is seen: others are escaped as in Python, such as ``\x1b``.

    Control characters, line ends, marks of direction, zero-width characters and lone surrogates
    could move the cursor, colour or retitle a terminal, break a line, or make a name look like
    another. Text that is visible already is returned unchanged.

    Examples
    --------
    >>> print(visible("a\x1b[31mb\nc"))
    a\x1b[31mb\nc
    """
    if text.isprintable() and (text.isascii() or _BLANK.isdisjoint(text)):
        return text
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if (character.isprintable() and character not in _BLANK) or character in _KEPT:
        return character
    return _NAMED.get(character) or _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else (
        f"\\U{code:08x}"
    )  # fmt: skip


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters; of a longer one the beginning and the end are kept."""
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 3]}...{text[len(text) - tail :]}"


def readable(text: str, encoding: str) -> str:
    """Text in which characters that an encoding does not have are replaced, as ``<=`` for one sign.

    Letters lose their accents; what has no substitute is escaped as by `visible`.
    """
    return text.encode(encoding, READABLE).decode(encoding)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded; see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    parts: Iterable[str] = unicodedata.normalize("NFKD", character)
    letters = "".join(_PLAIN.get(p, p) for p in parts if not unicodedata.combining(p))
    return (
        letters if letters.isascii() and letters.isprintable() and letters else _escape(character)
    )


codecs.register_error(READABLE, _substitute)
