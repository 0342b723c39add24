"""Text that is shown has no invisible character, and an ASCII terminal gets ASCII."""

from __future__ import annotations

import sys
import unicodedata
from itertools import chain

import pytest

from modelsizer.problems.errors import ModelsizerError, ProblemError
from modelsizer.problems.visible import readable, shortened, visible


def test_no_character_of_unicode_is_invisible() -> None:
    # Planes 4 to 13 have no characters and the last two only private ones: one of 97 of these.
    plain, empty = (range(0x4_0000), range(0xE_0000, 0xF_0000)), range(0x4_0000, 0xE_0000, 97)
    private = range(sys.maxunicode, 0xE_FFFF, -97)
    every = "".join(map(chr, chain(*plain, empty, private)))
    shown = visible(every)
    kinds = set(map(unicodedata.category, set(shown)))
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}) and {"Lo", "So"} <= kinds
    assert len(set(shown)) > 100_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u4e2d\u6587 \U0001f600 \u00e9", "plain \u4e2d\u6587 \U0001f600 \u00e9"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("\n\r\t\x00\x7f\x9b", r"\n\r\t\x00\x7f\x9b"),
        ("\u202e\u2066\u200b\ufeff\ud800\U000e0001", r"\u202e\u2066\u200b\ufeff\ud800\U000e0001"),
        ("C:\\new", "C:\\new"),
        ("", ""),
    ],
)
def test_escapes_are_those_of_python(text: str, shown: str) -> None:
    assert visible(text) == shown == visible(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u2264 \u00d7 \u2192 \u2026 \u2013 \u201cq\u201d", '<= x -> ... - "q"'),
        ("\u00e9\u00fc\u00df\u0142", r"euss\u0142"),
        ("\u00bd \u00b2 \uff21", "1/2 2 A"),
        ("\u4e2d\U0001f600", r"\u4e2d\U0001f600"),
    ],
)
def test_ascii_substitutes_are_readable(text: str, shown: str) -> None:
    assert readable(text, "ascii") == shown
    assert readable(text, "utf-8") == text


def test_long_text_keeps_its_ends() -> None:
    text = "begin" + "x" * 10_000 + "end"
    short = shortened(text, 40)
    assert len(short) == 40 and short.startswith("begin") and short.endswith("end")
    assert shortened("short", 40) == "short"


def test_errors_are_lines_of_visible_characters() -> None:
    assert str(ModelsizerError("a\x1b\nb")) == r"a\x1b\nb"
    error = ProblemError.of("a\nb", "c\x07", "file\r")
    assert str(error) == r"file\r: a\nb: c\x07"
    assert error.lines == (str(error),)
