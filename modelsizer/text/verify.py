"""Report of a verified answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.answers.differences import Difference
from modelsizer.optimizer.answers.proof import Proof
from modelsizer.optimizer.answers.verify import VerifiedAnswer
from modelsizer.problems.version import __version__
from modelsizer.text.kit.lines import INDENT, bullets, pairs, section, title
from modelsizer.text.kit.tables import Styled, Table, print_table
from modelsizer.text.kit.words import and_more, counted, joined

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20
"""Differences listed; `--json` has all."""
_LONGEST = 24  # letters of a value in a table; a hash is told apart by fewer
_CATALOGUES = "provenance.catalogues."


def print_verified(console: Console, found: VerifiedAnswer) -> None:
    """Print whether an answer agrees, and what differs."""
    words, colour = ("agrees", "green") if found.agrees else ("differs", "red")
    if not found.agrees and not found.differences:
        words, colour = "not verified", "yellow"
    title(console, found.name, Styled(words, colour))
    pairs(console, _rows(found), words=frozenset({0, 1}))
    if found.differences:
        section(console, "Differences")
        shown = found.differences[:SHOWN]
        rows = [_row(each) for each in shown]
        table = Table(("", "answer", "here", ""), rows, frozenset({0, 3}), {0: 40, 3: None})
        print_table(console, table, indent=INDENT)
        if more := and_more(len(found.differences) - SHOWN, ", which --json lists"):
            bullets(console, [more])
    if found.notes:
        section(console, "Notes")
        bullets(console, found.notes)


def _rows(found: VerifiedAnswer) -> list[tuple[str, str]]:
    rows = [("written by", _writer(found))]
    names = [d.key.removeprefix(_CATALOGUES) for d in found.elsewhere if _CATALOGUES in d.key]
    if found.version is not None:
        differ = f"another catalogue of {joined(names)} here" if names else "as here"
        rows.append(("catalogues", differ))
    rows.append(("figures", _figures(found)))
    rows += [("proof", _proof(proof)) for proof in found.proofs]
    if not found.proofs:
        rows.append(("proof", "not repeated"))
    if found.unchecked:
        rows.append(("not verified", ", ".join(found.unchecked)))
    return rows


def _writer(found: VerifiedAnswer) -> str:
    if found.version is None:
        return "a version that did not save what it computed from"
    here = "" if found.version == __version__ else f"; this is {__version__}"
    return f"modelsizer {found.version}{here}"


def _figures(found: VerifiedAnswer) -> str:
    if found.wrong:
        return f"{counted(len(found.wrong), 'difference')} in {counted(found.figures, 'figure')}"
    also = " nevertheless" if found.elsewhere else ""
    agree = "agree" if found.figures != 1 else "agrees"
    return f"{counted(found.figures, 'figure')} computed again, and all {agree}{also}"


def _proof(proof: Proof) -> str:
    said = proof.status if proof.objective is None else f"{proof.status}, {proof.objective!r}"
    words = "the same" if proof.confirms else "not the same"
    return f"{proof.solver} proves {words}: {said}, in {proof.seconds:.2f} s"


def _row(each: Difference) -> tuple[str, str, str, str]:
    return each.key, _value(each.stored), _value(each.found), each.why


def _value(value: Any) -> str:
    """A value of JSON, cut where it is long."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
