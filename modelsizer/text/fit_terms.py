"""Report of fitted terms of ablations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.problems.laws.bands import ENDS, PUBLISHED, Term
from modelsizer.problems.laws.reading import PREFIX
from modelsizer.text.kit.lines import bullets, line, paragraph, section
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, counted

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.fitting.ablation_terms import FittedTerms


def print_terms(console: Console, found: FittedTerms, written: str | None = None) -> None:
    """Print the band of each term beside the published one, and what it is from.

    Parameters
    ----------
    console : Console
    found : FittedTerms
    written : str, optional
        Path of the file, if one was written.
    """
    line(console, f"terms of ablations: shares of the loss above E = {found.irreducible:g}")
    used = f"{counted(found.runs, 'run')} of {counted(found.bases, 'base')}"
    line(console, f"{found.source}: {used}, E of {found.law}", below=1)
    cells = []
    for name, band in found.terms.items():
        published = PUBLISHED.term(name)
        rows = [
            (_cells(band[end]), _cells(published[end])) for end in ENDS
        ]  # of each end, the numbers of the term
        for i, what in enumerate(_parts(name)):
            own = [fitted[i] for fitted, _ in rows]
            ours = [theirs[i] if i < len(theirs) else NONE for _, theirs in rows]
            cells.append((what, *own, f"{ours[0]} to {ours[-1]}", f"{len(found.varied[name])}"))
    headings = ("term", "low", "middle", "high", "published", "runs")
    print_table(console, Table(headings, cells))
    lines = [
        "middle by least squares of ln(loss - E), low and high the ends of its 95 % interval; "
        f"residual {found.residual:.2g}",
        "what the law says of the N and D of each run is taken out"
        if found.corrected
        else "no N and D in every run: a choice that adds parameters is credited with them",
    ]
    for each in lines:
        paragraph(console, each, indent=0, above=1 if each is lines[0] else 0)
    section(console, "Runs")
    bullets(console, [f"{name}: {_listed(labels)}" for name, labels in found.varied.items()])
    left = [f"{name}: {why}" for name, why in found.left.items()]
    left += [f"{_listed(found.alone)}: no other run of the same base"] if found.alone else []
    left += [f"{counted(count, 'row')}: {why}" for why, count in found.skipped.items() if count]
    if left:
        section(console, "Left out, as published")
        bullets(console, left)
    if found.notes:
        section(console, "Notes")
        bullets(console, found.notes)
    if written is not None:
        use = f'objective.ablations = "{PREFIX}{written}"'
        line(console, f"Written to {written}: {use}, or with :low or :high.", above=1)


def _parts(name: str) -> tuple[str, ...]:
    if name == "window":
        return tuple(f"window {tokens}" for tokens in (2048, 1024, 512))
    return (name,)


def _cells(value: Term) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(f"{each:.4g}" for each in (value if isinstance(value, tuple) else (value,)))


def _listed(labels: tuple[str, ...]) -> str:
    """Rows of the table as ranges: rows 1 to 8, 11."""
    numbers = [int(label.removeprefix("row ")) for label in labels]
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ("rows " if len(numbers) > 1 else "row ") + ", ".join(
        " to ".join(map(str, ends)) for ends in ranges
    )
