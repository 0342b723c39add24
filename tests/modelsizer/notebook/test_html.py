"""Values in a notebook: short reprs, and their commands' reports as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

import modelsizer as ms
from modelsizer.cli import app
from modelsizer.commands.output import console
from modelsizer.notebook.html import html_of
from modelsizer.notebook.reports import _REPORTS
from modelsizer.problems.shown import Shown
from tests.support.answers import ANSWERS, answer, problem

LARGEST = 16_000  # characters
VOID = {"br"}


class Reader(HTMLParser):
    """The words of a page, whose elements have to nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data.split()


def words(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader.words


@pytest.mark.parametrize("name", ANSWERS)
def test_a_repr_is_a_line(name: str) -> None:
    text = repr(answer(name))
    assert text.startswith(f"<{type(answer(name)).__name__} ") and text.endswith(">")
    assert len(text) < 250 and "\n" not in text


@pytest.mark.parametrize("name", ANSWERS)
def test_html_is_whole_small_and_without_scripts(name: str) -> None:
    html = answer(name)._repr_html_()
    assert words(html)
    assert html.isascii() and len(html) < LARGEST
    assert not re.search(r"<script|javascript:|https?://|\son\w+=", html)


def test_colours_are_those_of_the_notebook() -> None:
    style = answer("result")._repr_html_().partition("</style>")[0]
    assert "opacity" in style and not re.search(r"#[0-9a-f]{3}|rgb|(?<!-)color|background", style)


def test_every_kind_of_value_has_a_report() -> None:
    kinds = {type(answer(name)).__name__ for name in ANSWERS}
    assert set(_REPORTS) - kinds <= {"Uncertainty", "FittedTerms"}


def test_the_words_are_those_of_the_command() -> None:
    told = CliRunner().invoke(app, ["solve", "phone-2gb", "--quick"], env={"COLUMNS": "200"})
    mine, theirs = words(answer("result")._repr_html_()), told.stdout.split()
    took = re.compile(r"\d+\.\d\d")  # seconds
    assert [w for w in mine if not took.fullmatch(w)] == [
        w for w in theirs if not took.fullmatch(w) and w != "-"
    ]


def test_names_of_users_are_escaped_and_cut() -> None:
    name = "<script>alert('\"&')</script>\x1b[31m" * 200
    hostile = ms.solve(problem().with_settings({"name": name}))
    assert len(repr(hostile)) < 250 and "\x1b" not in repr(hostile)
    html = hostile._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html and len(html) < LARGEST
    assert "\x1b" not in html and words(html)


def test_a_value_without_a_report_shows_its_repr() -> None:
    class Other(Shown):
        def _words(self) -> str:
            return "a < b"

    assert "&lt;Other a &lt; b&gt;" in html_of(Other())


def test_a_value_that_is_not_whole_has_a_repr() -> None:
    assert repr(ms.Result.__new__(ms.Result)) == "<Result>"


def test_a_console_prints_as_before_where_a_sheet_was_written_to() -> None:
    from modelsizer.text.kit.lines import line, section
    from modelsizer.text.kit.sheet import Heading, Sheet, Text

    sheet = Sheet()
    section(sheet, "Nothing")
    section(sheet, "Something")
    line(sheet, "said")
    assert sheet.parts == [Heading("Something"), Text("said")]
    with (made := console()).capture() as told:
        section(made, "Something")
        line(made, "said")
    assert told.get() == "\nSomething\nsaid\n"
