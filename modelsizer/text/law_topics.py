"""Reports of terms of ablations and of laws of hyperparameters, beside published figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.problems.laws.ablation_rows import PublishedRow, TermPage
from modelsizer.problems.laws.bands import ENDS, Term
from modelsizer.problems.laws.hyperparameters import (
    BATCH_SIZE,
    LEARNING_RATE,
    HyperparameterLaw,
    Power,
)
from modelsizer.problems.units import format_quantity
from modelsizer.text.hyperparameters import learning_rate
from modelsizer.text.kit.lines import INDENT, bullets, line, pairs, paragraph, section, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE

if TYPE_CHECKING:
    from rich.console import Console

_DESIGNS = {"dense": "dense designs", "mixtures": "mixtures of experts", "any": "any design"}
_VERDICTS = {"inside": "inside", "below": "BELOW", "above": "ABOVE"}


def print_terms(console: Console, pages: Sequence[TermPage]) -> None:
    """Print terms with their bands, and each published figure beside the band."""
    title(console, "What no law of N and D sees: the terms of objective.ablations")
    line(console, "Shares of the reducible loss. Judgements with a band, and no law.")
    for page in pages:
        section(console, f"{page.name}: {page.words}")
        ends = ((end, _end(page.band[end])) for end in ENDS)
        pairs(
            console,
            (
                ("formula", page.formula),
                ("band", ", ".join(f"{end} {value}" for end, value in ends)),
                ("judged", page.judged),
            ),
        )
        held = [row for row in page.rows if row.measured is not None]
        line(console)
        sources = list(dict.fromkeys(row.source for row in held))
        print_table(console, _figures(held, sources), indent=INDENT)
        for number, source in enumerate(sources, start=1):
            paragraph(console, f"[{number}] {source}")
        if scores := [f"{row.scores} ({row.setting}; {row.source})" for row in page.rows
                      if row.scores]:  # fmt: skip
            line(console, "No loss was published with:", above=1)
            bullets(console, scores)
    if any(row.assumed for page in pages for row in page.rows):
        line(console)
        line(console, "* E of these runs is not known: L / (L - E) = 3 is assumed.")


def _figures(rows: Iterable[PublishedRow], sources: Sequence[str]) -> Table:
    """One line a figure: what was measured, what the term says of the pair, and the verdict."""
    cells = []
    for row in rows:
        low, high = min(row.band.values()), max(row.band.values())
        cells.append(
            (
                f"{row.nats:+.4f}",
                f"{row.measured:+.4f}{'*' if row.assumed else ' '}",
                f"{low:.4f} to {high:.4f}",
                _VERDICTS[row.verdict],
                f"{row.setting} [{sources.index(row.source) + 1}]",
            )
        )
    headings = ("nats", "share ", "band of the pair", "", "of")
    return Table(headings, cells, words=frozenset({3, 4}), folds={4: None})


def _end(value: Term) -> str:
    if isinstance(value, tuple):
        return " / ".join(f"{each:g}" for each in value)
    return value if isinstance(value, str) else f"{value:g}"


def print_hyperparameters(
    console: Console,
    laws: Sequence[HyperparameterLaw],
    trained: Sequence[Mapping[str, Any]],
) -> None:
    """Print laws of batch size and learning rate, and what they say of published models.

    Parameters
    ----------
    console : Console
    laws : sequence of HyperparameterLaw
    trained : sequence of mapping
        See `modelsizer.commands.law_topics.trained_rows`.
    """
    title(console, "Laws of batch size and peak learning rate: suggestions, never limits")
    for law in laws:
        section(console, law.name)
        pairs(
            console,
            (
                ("for", _DESIGNS[law.designs]),
                ("batch", f"{power(law.powers[BATCH_SIZE])} tokens"),
                ("learning rate", power(law.powers[LEARNING_RATE])),
                ("counts", law.counts),
                ("fitted on", law.fitted_on),
                ("source", law.source),
                ("checked on", law.checked),
            ),
        )
    section(console, "Beside published models")
    cells = []
    for row in trained:
        for i, each in enumerate(row["laws"]):
            own = (row["model"], _tokens(row[BATCH_SIZE]), learning_rate(row[LEARNING_RATE]))
            cells.append(
                (
                    *(own if i == 0 else ("", "", "")),
                    each["law"],
                    _tokens(each[BATCH_SIZE]),
                    learning_rate(each[LEARNING_RATE]),
                )
            )
    headings = ("model", "batch", "rate", "by law", "batch", "rate")
    print_table(console, Table(headings, cells, words=frozenset({0, 3})), indent=INDENT)


def power(law: Power) -> str:
    """A law as text: ``1.79 N^-0.713 D^0.307``."""
    return " ".join(
        [f"{law.coefficient:g}", *(f"{name}^{value:g}" for name, value in law.exponents.items())]
    )


def _tokens(value: float | None) -> str:
    return NONE if value is None else format_quantity(value, "tokens", 2)
