"""Page of a law in a file, as `modelsizer laws PATH` shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelsizer.problems.laws.files import LawFile
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.page import APART, LawPage
from modelsizer.problems.laws.reading import PREFIX
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.lines import INDENT, pairs, section, title, warnings
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE
from modelsizer.text.laws import coefficient, range_words

if TYPE_CHECKING:
    from rich.console import Console

_COUNTS = {
    "total": "all parameters, embeddings too",
    "non_embedding": "all but embeddings",
    "active": "those that a token uses, embeddings too",
}
_UNKNOWN = "not known"


def law_file_dict(law: LawFile) -> dict[str, Any]:
    """A law in a file for JSON, by the keys of the pages where both have them."""
    return {
        "name": law.name,
        "path": law.path,
        "form": law.formula,
        "coefficients": dict(law.coefficients),
        "standard_errors": dict(law.standard_errors),
        "intervals_90": {name: list(ends) for name, ends in intervals_of(law).items()},
        "fixed": list(law.fixed),
        "parameters": law.parameters,
        "parameter_range": _ends(law.parameter_range),
        "token_range": _ends(law.token_range),
        "ranges": {name: _ends(ends) for name, ends in law.ranges.items()},
        "rms": law.rms,
        "sees": ["N", "D", *law.law.features],
        "source": law.source,
        "bootstrap": {"draws": len(law.draws), "seed": law.seed} if law.draws else None,
        "provenance": dict(law.provenance),
        "warnings": list(warnings_of(law)),
        "usable": True,
        "usable_as": "objective.law",
    }


def law_page(law: LawFile) -> LawPage:
    """A law in a file as a page, for its picture; a law of more than N and D has no curve."""
    found = law.law
    sees = ", ".join(found.features)
    return LawPage(
        law.name, "", law.formula, "", law.coefficients, _COUNTS[law.parameters],
        law.parameters, "", law.source, "", ("N", "D"), law.parameter_range, law.token_range,
        why_not=f"it sees {sees} too" if sees else "",
        curve=None if sees else found.loss,
    )  # fmt: skip


def intervals_of(law: LawFile) -> dict[str, tuple[float, float]]:
    """Central 90 % of the draws of each coefficient; empty if there are none."""
    if not law.draws:
        return {}
    import numpy as np

    low, high = np.quantile(np.array(law.draws), (0.05, 0.95), axis=0)
    ends = zip(map(float, low), map(float, high), strict=True)
    found = dict(zip(law.names, ends, strict=True))
    return {name: pair for name, pair in found.items() if name not in law.fixed}


def warnings_of(law: LawFile) -> list[str]:
    """What to mind of a law in a file."""
    said = []
    if not law.draws:
        said.append("It has no bootstrap draws, which `uncertainty` needs: `fit` makes them.")
    if law.parameter_range == Range() or law.token_range == Range():
        said.append("It does not say on which N and D it was fitted: nothing warns beyond them.")
    return [*said, APART]


def print_law_file(console: Console, law: LawFile) -> None:
    """Print what is known of a law in a file."""
    title(console, law.name)
    pairs(
        console,
        (
            ("use", f'objective.law = "{PREFIX}{law.path}"'),
            ("form", law.formula),
            ("gives", "nats a token"),
            ("N", _COUNTS[law.parameters]),
            ("fitted on N", range_words(law.parameter_range, " to ", _UNKNOWN)),
            ("fitted on D", range_words(law.token_range, " to ", _UNKNOWN)),
            *((f"fitted on {name}", _plain_range(ends)) for name, ends in law.ranges.items()),
            ("errs by", _error(law.rms)),
            ("sees", ", ".join(("N", "D", *law.law.features))),
            ("source", law.source or _UNKNOWN),
            *_made_by(law.provenance),
            ("bootstrap", f"{len(law.draws):,} draws" if law.draws else "none"),
        ),
    )  # fmt: skip
    section(console, "Coefficients")
    intervals = intervals_of(law)
    rows = [_row(law, name, intervals) for name in law.names]
    headings = ["", "value", "s.e.", "90 % interval"]
    shown = len(headings) if intervals else len(headings) - 1
    table = Table(headings[:shown], [row[:shown] for row in rows])
    print_table(console, table, indent=INDENT, expand=True)
    warnings(console, warnings_of(law), verbose=True)


def _row(law: LawFile, name: str, intervals: dict[str, tuple[float, float]]) -> list[str]:
    if name in law.fixed:
        return [name, coefficient(law.coefficients[name]), "held", NONE]
    error = law.standard_errors.get(name, math.nan)
    words = format_number(error, 3) if math.isfinite(error) else NONE
    ends = " to ".join(format_number(end, 4) for end in intervals.get(name, ()))
    return [name, coefficient(law.coefficients[name]), words, ends or NONE]


def _error(rms: float | None) -> str:
    return _UNKNOWN if rms is None else f"{format_number(rms, 2)} nats in the root mean square"


def _made_by(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How `fit` made the law, as far as the file says."""
    found = []
    if "used" in provenance:
        found.append(("runs", f"{provenance['used']}, {provenance.get('dropped', 0)} dropped"))
    if isinstance(r2 := provenance.get("r2"), float) and math.isfinite(r2):
        found.append(("R2", f"{format_number(r2, 5)} of ln loss"))
    if "command" in provenance:
        found.append(("made by", str(provenance["command"])))
    return found


def _plain_range(ends: Range) -> str:
    numbers = (ends.low, ends.high)
    low, high = (None if x is None else format_quantity(x, "number", 4) for x in numbers)
    if low == high:
        return low or _UNKNOWN
    return f"{low or ''} to {high or ''}".strip()


def _ends(ends: Range) -> dict[str, float | None]:
    return {"min": ends.low, "max": ends.high}
