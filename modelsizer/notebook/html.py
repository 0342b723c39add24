"""Reports of values as HTML for a notebook: the parts that a terminal would print."""

from __future__ import annotations

from dataclasses import replace

from modelsizer.notebook.reports import report_of
from modelsizer.page.tags import Html, join, table, tag
from modelsizer.text.kit.sheet import Heading, Items, Sheet, Text, Title
from modelsizer.text.kit.tables import Table

_CSS = """
.modelsizer { max-width: 62em; line-height: 1.45; }
.modelsizer p, .modelsizer ul, .modelsizer ol { margin: .35em 0; }
.modelsizer .wide { overflow-x: auto; }
.modelsizer .wide table { border: 0; border-collapse: collapse; margin: .2em 0 .6em; }
.modelsizer .wide th, .modelsizer .wide td {
  padding: .1em 1em .1em 0; border: 0; text-align: left; vertical-align: baseline;
  font-variant-numeric: tabular-nums; max-width: 40em; white-space: normal;
}
.modelsizer .wide th { font-weight: normal; }
.modelsizer .wide thead th { border-bottom: 1px solid; opacity: .75; }
.modelsizer .wide .n { text-align: right; white-space: nowrap; }
.modelsizer .quiet { opacity: .75; }
"""
"""Colours are those of the notebook, so that it is readable in light and dark."""


def html_of(value: object) -> str:
    """The report of a value, as HTML without scripts; every text in it is escaped."""
    sheet = Sheet()
    report_of(value, sheet)
    parts = [_part(part) for part in sheet.parts]
    return tag("div", tag("style", Html(_CSS)), join(parts, "\n"), class_="modelsizer")


def _part(part: object) -> Html:
    if isinstance(part, Title):
        status = (" ", tag("span", part.status, class_="quiet")) if part.status else ()
        return tag("p", tag("strong", part.text), *status)
    if isinstance(part, Heading):
        return tag("p", tag("strong", part.text))
    if isinstance(part, Text):
        return tag("p", part.text.strip()) if part.text.strip() else Html("")
    if isinstance(part, Items):
        return tag("ol" if part.numbered else "ul", *(tag("li", text) for text in part.texts))
    assert isinstance(part, Table)
    return table(_whole(part))


def _whole(rows: Table) -> Table:
    """A table whose rows have all cells."""
    cells = [[*row, *[""] * (rows.count - len(row))] for row in rows.rows]
    return replace(rows, rows=cells)
