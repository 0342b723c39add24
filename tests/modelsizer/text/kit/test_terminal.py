"""Lines of a report have no spaces at their ends."""

import io

import pytest

from modelsizer.commands.output import console
from modelsizer.text.kit.lines import bullets, line, pairs, paragraph, title
from modelsizer.text.kit.tables import Styled, Table, print_table

LONG = "words that take more room than a terminal of eighty columns has, and so continue below"


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_ends_in_a_space(monkeypatch, columns, colour):
    monkeypatch.setenv("COLUMNS", str(columns))
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
    written = io.StringIO()
    out = console(written)
    title(out, "a name", "a status")
    line(out, Styled(LONG, "bold"))
    paragraph(out, LONG)
    bullets(out, [LONG, "short"])
    pairs(out, [("short", "a"), ("long", LONG), ("longer", "a longer value")])
    print_table(out, Table(("name", "words"), [("a", "1"), ("b", ""), ("c", "longer")]))
    lines = written.getvalue().split("\n")
    plain = [each.split("\x1b")[0] if "\x1b" in each else each for each in lines]
    assert [each for each in lines if each.endswith(" ")] == []
    assert any(each.startswith("longer  ") for each in plain), "columns are still aligned"
    assert "  \x1b[0m\n" not in written.getvalue()
    assert lines[-1] == "" and len(lines) > 12


def test_spaces_inside_a_line_and_at_the_end_of_no_line_stay():
    written = io.StringIO()
    out = console(written)
    out.print("a  b  ", end="")
    out.print("c  ")
    assert written.getvalue() == "a  b  c\n"
