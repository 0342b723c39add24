"""Report of the law catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.page import APART, LawPage
from modelsizer.problems.laws.pages import LEFT_OUT
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, pairs, paragraph, section, title, warnings
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE

if TYPE_CHECKING:
    from rich.console import Console

_UNSEEN = "not seen stated"
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
    """Print the table of all laws."""
    headings = ("name", "form", "N", "N range", "sees", "use")
    rows = [
        (
            page.name,
            page.short,
            page.kind,
            range_words(page.parameter_range, "-"),
            " ".join(_SHORTER.get(choice, choice) for choice in page.sees),
            _BRIEF.get(page.use, page.use),
        )
        for page in pages
    ]
    print_table(console, Table(headings, rows, words=frozenset(range(len(headings)))))
    for note in _NOTES:
        line(console)
        line(console, note)
    left_out = [f"{source}: {what}" for source, what in LEFT_OUT]
    heading = "Left out, since no law of the loss in N and D was found in them"
    warnings(console, left_out, heading, verbose=True)


def print_law(console: Console, page: LawPage) -> None:
    """Print all that is known of one law."""
    title(console, page.name)
    pairs(
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
            ("fitted on N", range_words(page.parameter_range, " to ", _UNSEEN)),
            ("fitted on D", range_words(page.token_range, " to ", _UNSEEN)),
            ("errs by", _error(page)),
            ("data", page.data),
            ("sees", ", ".join(page.sees)),
            ("source", page.source),
            ("seen", page.seen),
        ),
    )
    section(console, "Coefficients")
    pairs(console, ((key, coefficient(value)) for key, value in page.coefficients.items()))
    if page.use and page.why_not:
        section(console, "Note")
        paragraph(console, page.why_not)
    if page.checked:
        section(console, "Recomputed")
        paragraph(console, page.checked)
    warnings(console, (*page.warnings, APART), verbose=True)


def _error(page: LawPage) -> str:
    """The root mean square of the errors of a law, and where it is from."""
    if page.rms is None:
        return "not known"
    return f"{page.rms:g} nats in the root mean square: {page.rms_source}"


def coefficient(value: float) -> str:
    """A coefficient to six digits, in scientific notation if very large or very small."""
    if _FEW <= abs(value) < _MANY or value == 0:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def range_words(found: Range, between: str, unknown: str = NONE) -> str:
    """A range of a fit in words: both ends, one, or what stands for none."""

    def ends(value: float | None, write: Callable[[float], str]) -> str | None:
        return None if value is None else write(value)

    def short(value: float) -> str:
        return format_quantity(value, "parameters", 3)

    low, high = ends(found.low, short), ends(found.high, short)
    if low is None:
        return unknown if high is None else f"to {high}"
    return f"from {low}" if high is None else f"{low}{between}{high}"
