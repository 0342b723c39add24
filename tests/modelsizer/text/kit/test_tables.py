"""Tables in terminals of any width: no cell is cut, no line is too long, no column is lost."""

from __future__ import annotations

import io
import random

import pytest
from rich.console import Console

from modelsizer.text.kit.lines import bullets, pairs, section
from modelsizer.text.kit.tables import GAP, Styled, Table, print_table


def printed(table: Table, width: int, **how: int) -> str:
    console = Console(file=(out := io.StringIO()), width=width, markup=False, highlight=False)
    print_table(console, table, **how)
    return out.getvalue()


def blocks(text: str) -> list[list[str]]:
    return [[line.rstrip() for line in part.split("\n") if line] for part in text.split("\n\n")]


def random_table(draw: random.Random) -> Table:
    columns, rows = draw.randint(2, 9), draw.randint(1, 5)
    cells = [[f"{r}{c}" + "x" * draw.randint(0, 9) for c in range(columns)] for r in range(rows)]
    return Table([f"h{c}" for c in range(columns)], cells)


@pytest.mark.parametrize("seed", range(40))
def test_every_cell_is_whole_at_any_width(seed: int) -> None:
    draw = random.Random(seed)
    table, width, indent = random_table(draw), draw.randint(30, 90), draw.choice([0, 2])
    text = printed(table, width, indent=indent)
    assert all(len(line) <= width for line in text.splitlines())
    found = blocks(text)
    for part in found:
        heads = part[0].split()
        assert heads[0] == "h0"
        columns = [int(head[1:]) for head in heads]
        for row, line in zip(table.rows, part[1:], strict=True):
            assert line.split() == [row[column] for column in columns]
    shown = [int(head[1:]) for part in found for head in part[0].split()[1:]]
    assert shown == list(range(1, table.count))
    whole = sum(table.widths) + GAP * (table.count - 1) + indent <= width
    assert (len(found) == 1) == whole


def test_random_tables_are_cut_and_are_not() -> None:
    widths = [sum((t := random_table(random.Random(s))).widths) + 2 * t.count for s in range(40)]
    assert min(widths) < 30 < 90 < max(widths)


def test_a_table_of_exactly_the_width_is_not_cut() -> None:
    table = Table(["a", "b"], [["x" * 10, "y" * 28]])
    assert len(blocks(printed(table, 40))) == 1
    narrower = printed(table, 39)  # the name is folded, the number is whole
    assert "y" * 28 in narrower and len(narrower.splitlines()) == 3


def test_folded_columns_take_what_is_left_before_the_table_is_cut() -> None:
    table = Table(["a", "words"], [["x" * 10, "one two three four five six"]], folds={1: None})
    text = printed(table, 30)
    assert len(blocks(text)) == 1 and "one two three" in text and len(text.splitlines()) == 3


def test_a_name_longer_than_the_terminal_is_folded_beside_numbers() -> None:
    text = printed(Table(["", "n"], [["long" * 20, "12345"]]), 40)
    assert "…" not in text and "12345" in text
    assert "".join(line.split()[0] for line in text.splitlines() if line.strip("n ")) == "long" * 20


def test_fitting_keeps_the_first_columns() -> None:
    table = Table(["aaaa", "bbbb", "cccc"], [["1", "2", "3"]])
    assert [table.fitting(width).count for width in (16, 15, 9, 3)] == [3, 2, 1, 1]
    assert table.fitting(3, least=2).count == 2


def test_styles_stand_in_a_terminal_only() -> None:
    table = Table(["a", "b"], [["x", Styled("y", "bold red")]], marked=frozenset({0}))
    assert printed(table, 20) == "a  b\nx  y\n"
    console = Console(file=(out := io.StringIO()), force_terminal=True, width=20)
    print_table(console, table)
    assert "\x1b[1;31my" in out.getvalue()


def test_markup_is_text() -> None:
    assert "[red]x[/red]" in printed(Table(["[bold]"], [["[red]x[/red]"]]), 40)


def test_bullets_and_pairs_continue_below_their_own_text() -> None:
    console = Console(file=(out := io.StringIO()), width=24)
    bullets(console, ["one two three four five"], numbered=True)
    pairs(console, [("name", "a value of several words")])
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == ["  1. one two three four", "     five", "name    a value of",
                     "        several words"]  # fmt: skip


def test_a_section_of_nothing_is_not_printed() -> None:
    console = Console(file=(out := io.StringIO()), width=80, markup=False, highlight=False)
    section(console, "Empty")
    pairs(console, [])
    bullets(console, [])
    print_table(console, Table(("a", "b"), []))
    section(console, "Full")
    pairs(console, [("name", "value")])
    section(console, "Last")
    assert out.getvalue().split() == ["Full", "name", "value"]
    assert out.getvalue().startswith("\nFull\nname")
