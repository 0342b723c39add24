"""Report of a verified answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.answers.differences import Difference
from modelsizer.optimizer.answers.proof import Proof
from modelsizer.optimizer.answers.verify import VerifiedAnswer
from modelsizer.problems.version import __version__
from modelsizer.text.kit.lines import bullets, pairs, section, title
from modelsizer.text.kit.tables import Styled
from modelsizer.text.kit.words import and_more, counted, joined

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20
"""Differences listed; `--json` has all."""
_LONGEST = 40  # letters of a value; of a hash the first tell it apart
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
        lines = [_sentence(each) for each in found.differences[:SHOWN]]
        if more := and_more(len(found.differences) - SHOWN, ", which --json lists"):
            lines.append(more)
        bullets(console, lines)
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
    rows.append(("proof", _proven(found.proofs)))
    if found.unchecked:
        rows.append(("not compared", ", ".join(found.unchecked)))
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


def _proven(proofs: Sequence[Proof]) -> str:
    if not proofs:
        return "not repeated"
    seconds = sum(proof.seconds for proof in proofs)
    took = f"{joined(list(dict.fromkeys(proof.solver for proof in proofs)))}, in {seconds:.2f} s"
    if len(proofs) > 1:
        same = sum(proof.confirms for proof in proofs)
        return f"{took}: {same} of {len(proofs)} answers proven again"
    (proof,) = proofs
    said = proof.status if proof.objective is None else f"{proof.status}, {proof.objective!r}"
    return f"{took}: {said}" + (", as the answer says" if proof.confirms else "")


def _sentence(each: Difference) -> str:
    if each.why and each.found is None:
        stored = "" if each.stored is None else f" {_value(each.stored)}"
        return f"{each.key}{stored}: {each.why}"
    why = f" ({each.why})" if each.why else ""
    return f"{each.key}: {_value(each.stored)} in the answer, {_value(each.found)} here{why}"


def _value(value: Any) -> str:
    """A value of JSON, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
