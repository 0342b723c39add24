"""Report of the designs as good as the optimum within the error of the law."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_ties import Cheapest, NearTies
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import telling_choices
from modelsizer.problems.laws.digits import nats_text
from modelsizer.text.kit.lines import INDENT, paragraph, section
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import counted, percent, quantity, setting
from modelsizer.text.rank import FOLLOWING

if TYPE_CHECKING:
    from rich.console import Console

_LEAST = {
    "serving_memory": "least serving memory",
    "decode_latency": "least decode latency",
    "active_parameters": "fewest active parameters",
    "parameters": "fewest parameters",
}
_ALWAYS = ("layers", "d_model")


def heading(found: NearTies) -> str:
    """The heading of the section, with the law's error."""
    if found.within is None:
        return "As good within the law's error"
    return f"As good within the law's error ({found.within:.2g} nats)"


def count_words(found: NearTies) -> str:
    """How many designs there are, in a sentence."""
    if found.within is None or found.designs is None:
        law = found.problem.law.name
        return f"How far {law} errs is not known, so nothing says which designs are as good."
    if found.designs == 1:
        return "Only the optimum is." if found.complete else "The optimum; others were not counted."
    least = "" if found.complete else "at least "
    return f"{least}{counted(found.designs, 'design')}; of these, against the optimum:"


def cheapest_table(result: Result, found: NearTies) -> Table:
    """What the cheapest of them take, save and lose, and which choices they are."""
    rows: list[tuple[str, ...]] = []
    first: dict[Architecture, str] = {}
    for least in found.cheapest:
        *row, changed = _row(result, least)
        if (before := first.get(least.design.architecture)) is not None:
            changed = f"as {before}"
        else:
            first[least.design.architecture] = row[0]
        rows.append((*row, changed))
    return Table(("", "takes", "saved", "loss", ""), rows, frozenset({0, 4}), {4: None})


def _row(result: Result, least: Cheapest) -> tuple[str, ...]:
    design, best = least.design, result.best
    mixed = design.parameters.active != design.parameters.total
    named = _LEAST[least.name if mixed or least.name != "active_parameters" else "parameters"]
    named += "" if least.proven else " so far"
    value, theirs = float(design.quantity(least.name)), float(best.quantity(least.name))
    saved = percent(1 - value / theirs) if value < theirs else "nothing"
    rise = f"+{nats_text(design.loss - best.loss, result.problem.law.rms)}"
    changed = _changes(result, least) or "the optimum itself"
    return named, quantity(value, least.name), saved, rise, changed


def _changes(result: Result, least: Cheapest) -> str:
    """Depth and width, and the other choices in which it is not the optimum; none if it is."""
    mine = telling_choices(least.design.architecture)
    theirs = telling_choices(result.best.architecture)
    if least.design.architecture == result.best.architecture:
        return ""
    differ = [name for name in mine if mine[name] != theirs.get(name) and name not in FOLLOWING]
    names = list(dict.fromkeys([*_ALWAYS, *differ]))
    return ", ".join(f"{name} {setting(mine, name)}" for name in names)


def print_near_ties(console: Console, result: Result, found: NearTies) -> None:
    """Print how many designs are as good, and the cheapest of them."""
    section(console, heading(found))
    words = count_words(found)
    paragraph(console, f"{words[0].upper()}{words[1:]}", expand=False)
    if found.cheapest and found.designs != 1:
        print_table(console, cheapest_table(result, found), indent=INDENT)
