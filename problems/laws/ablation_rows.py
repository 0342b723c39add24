"""Published figures behind the bands of the terms, in `ablation_rows.toml`, beside the bands."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.laws.ablated import share
from modelsizer.problems.laws.bands import ENDS, PUBLISHED, TERMS, End, Term
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One published figure.

    Parameters
    ----------
    source, setting : str
    measured : float or None
        How much more loss one choice has than the other, as a share of the reducible loss; None
        where no loss was published.
    nats : float or None
        The same in nats a token.
    band : mapping of float
        What the term says of the pair at its low, middle and high end.
    scores : str
        What was published in place of a loss.
    assumed : bool
        Whether the irreducible loss of the runs is not known, and L / (L - E) = 3 was taken.
    """

    source: str
    setting: str
    measured: float | None
    nats: float | None
    band: Mapping[End, float]
    scores: str = ""
    assumed: bool = False

    @property
    def verdict(self) -> str:
        """Where the figure lies: "inside", "below" or "above" the band, or "no loss"."""
        if self.measured is None:
            return "no loss"
        if self.measured < min(self.band.values()):
            return "below"
        return "above" if self.measured > max(self.band.values()) else "inside"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found: dict[str, Any] = {"source": self.source, "setting": self.setting}
        if self.measured is None:
            return found | {"scores": self.scores, "verdict": self.verdict}
        return found | {
            "nats": self.nats,
            "share": self.measured,
            "band": dict(self.band),
            "assumed_irreducible": self.assumed,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class TermPage:
    """What is known of one term.

    Parameters
    ----------
    name, words, formula, judged : str
    band : mapping
        Its low, middle and high end.
    rows : tuple of PublishedRow
    """

    name: str
    words: str
    formula: str
    judged: str
    band: Mapping[End, Term]
    rows: tuple[PublishedRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "words": self.words,
            "formula": self.formula,
            "judged": self.judged,
            "band": {k: list(v) if isinstance(v, tuple) else v for k, v in self.band.items()},
            "rows": [row.to_dict() for row in self.rows],
        }


@cache
def term_pages() -> Mapping[str, TermPage]:
    """Every term with its figures, by name."""
    text = (Path(__file__).parent / "ablation_rows.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return {
        name: TermPage(
            name,
            tables[name]["words"],
            tables[name]["formula"],
            tables[name]["judged"],
            PUBLISHED.term(name),
            tuple(map(_row, tables[name]["rows"])),
        )
        for name in TERMS
    }


def _row(row: Mapping[str, Any]) -> PublishedRow:
    if "scores" in row:
        return PublishedRow(row["source"], row["setting"], None, None, {}, row["scores"])
    assumed = "irreducible" not in row
    loss = row["loss"]
    reducible = loss / row["of_reducible"] if assumed else loss - row["irreducible"]
    bases = {end: share(PUBLISHED.at(end), row["base"]) for end in ENDS}
    band: dict[End, float] = {
        end: (share(PUBLISHED.at(end), row["to"]) - bases[end]) / (1.0 + bases[end]) for end in ENDS
    }
    change = row["change"]
    return PublishedRow(
        row["source"], row["setting"], change / reducible, change, band, assumed=assumed
    )
