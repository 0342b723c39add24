"""The catalogue of laws as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.page import APART, LawPage
from modelsizer.problems.laws.pages import LEFT_OUT
from modelsizer.problems.units import format_quantity

_UNKNOWN, _UNSEEN = "-", "not seen stated"
# What a table has no room to spell out.
_SHORTER = MappingProxyType({"vocabulary": "vocab", "precision": "bits"})
_NOTES = (
    "n and d are powers of N and D (of N alone or with what is in brackets), s of the shape, S of "
    "the sparsity, V of the vocabulary. N range is where the law was fitted.",
    "use: law: a problem file takes it as objective.law; both: as objective.shape too; no: "
    "`modelsizer laws NAME` says why not.",
    APART,
)
_MANY, _FEW = 1e5, 1e-3  # a coefficient beyond these is written as a power of ten
_BRIEF = {"law, shape": "both", "": "no"}


def print_laws(console: Console, pages: Iterable[LawPage]) -> None:
    """Print the table of all."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "form", "N", "N range", "sees", "use"):
        table.add_column(heading, no_wrap=True)
    for page in pages:
        table.add_row(
            page.name,
            page.short,
            page.kind,
            _range(page.parameter_range, "-"),
            " ".join(_SHORTER.get(choice, choice) for choice in page.sees),
            _BRIEF.get(page.use, page.use),
        )
    console.print(table)
    for note in _NOTES:
        console.print()
        console.print(note)
    console.print("\nLeft out, since no coefficients of a loss were found in them")
    for source, what in LEFT_OUT:
        _bullet(console, f"{source}: {what}")


def print_law(console: Console, page: LawPage) -> None:
    """Print the page of one."""
    console.print(Text(page.name, style="bold"))
    _rows(
        console,
        (
            (
                "use",
                " or ".join(f'objective.{key} = "{page.name}"' for key in page.keys)
                if page.use
                else f"no: {page.why_not}",
            ),
            ("form", page.form),
            ("in words", page.words),
            ("gives", page.unit or "no loss: the optimum alone"),
            ("N", page.parameters),
            ("fitted on N", _range(page.parameter_range, " to ", _UNSEEN)),
            ("fitted on D", _range(page.token_range, " to ", _UNSEEN)),
            ("data", page.data),
            ("sees", ", ".join(page.sees)),
            ("source", page.source),
            ("seen", page.seen),
        ),
    )
    console.print("\nCoefficients")
    _rows(console, ((key, coefficient(value)) for key, value in page.coefficients.items()))
    if page.use and page.why_not:
        _block(console, "Note", (page.why_not,))
    if page.checked:
        _block(console, "Recomputed", (page.checked,))
    console.print("\nWarnings")
    for warning in (*page.warnings, APART):
        _bullet(console, warning)


def coefficient(value: float) -> str:
    """A coefficient to six digits; very large and very small ones as powers of ten."""
    if _FEW <= abs(value) < _MANY or value == 0:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _rows(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for key, text in rows:
        table.add_row(key, text)
    console.print(table)


def _block(console: Console, heading: str, lines: Iterable[str]) -> None:
    console.print(f"\n{heading}")
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 2)))


def _bullet(console: Console, text: str) -> None:
    line = Table.grid(padding=(0, 1))
    line.add_row("-", Text(text))
    console.print(Padding(line, (0, 0, 0, 2), expand=False))


def _range(found: Range, between: str, unknown: str = _UNKNOWN) -> str:
    def ends(value: float | None, write: Callable[[float], str]) -> str | None:
        return None if value is None else write(value)

    def short(value: float) -> str:
        return format_quantity(value, "parameters", 3)

    low, high = ends(found.low, short), ends(found.high, short)
    if low is None:
        return unknown if high is None else f"to {high}"
    return f"from {low}" if high is None else f"{low}{between}{high}"
