"""Report of the next best designs, of near-optimal ones and of the cost of a choice."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_optimal import NearOptimal
from modelsizer.optimizer.surveys.nearest_model import Nearest
from modelsizer.optimizer.surveys.pinned_choices import PinnedChoices
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.lines import INDENT, line, paragraph, section
from modelsizer.text.kit.tables import WIDTH, Table, print_table
from modelsizer.text.kit.words import joined, not_complete, percent, shape
from modelsizer.text.rank import (
    as_good,
    designs_table,
    fitting,
    machine_sentence,
    short_columns,
    show,
)

_EXTRAS = {
    "verification": "the second proof",
    "designs": "the other designs",
    "pinned": "what the choices cost",
    "nearest": "the nearest design",
    "uncertainty": "the answer under the draws",
    "laws": "the comparison of laws",
    "corners": "the answers at the corners",
    "program": "the mixed-integer program, which is not written,",
}
"""What a solve may be asked for besides its design, by the keys of its JSON."""
_SEVERAL = ("designs", "corners")


def print_unfinished(console: Console, names: Sequence[str], stop: str) -> None:
    """Print what else was asked for and is not known, or only in part."""
    parts = joined([_EXTRAS[name] for name in names])
    were = "was" if len(names) == 1 and names[0] not in _SEVERAL else "were"
    line(console, f"{not_complete(stop)} before {parts} {were} found.", above=1)


def print_alternatives(console: Console, found: NearOptimal) -> None:
    """Print the next best designs and what near-optimal designs would save."""
    problem = found.problem
    section(console, _heading(found))
    columns = short_columns(problem, found.goal.name, found.best)
    table = designs_table(problem, found.goal, found.best, columns)
    print_table(console, fitting(table, WIDTH - INDENT), indent=INDENT)
    if said := machine_sentence(problem, found.best):
        paragraph(console, said, above=1)
    if found.tolerance is None and (said := as_good(problem, found.goal, found.best)):
        paragraph(console, said, above=1)
    if found.savings:
        _print_savings(console, found)


def _heading(found: NearOptimal) -> str:
    many = len(found.best)
    if found.tolerance is None:
        if many > 1:
            return f"The {many} best, proven"
        return "The only design that fits" if found.complete else "The best, proven"
    name = found.goal.name
    unit = QUANTITIES[name].dimension
    reach = (
        f"{found.tolerance:g} nats" if name == "loss" else format_quantity(found.tolerance, unit)
    )
    if found.within is None:
        return f"Within {reach} of the optimum: not counted; it is"
    which = "is the only design" if found.within == 1 else f"and {found.within - 1:,} more"
    shown = "" if many == found.within else f"; {many} shown"
    return f"Within {reach} of the optimum: it {which}{shown}"


def _print_savings(console: Console, found: NearOptimal) -> None:
    """Print for each quantity the near-optimal design that needs least of it."""
    section(console, "Of these, the least")
    rms = found.problem.law.rms
    headings, rows = ("", "least", "saved", found.goal.name, "design"), []
    for name, design in found.savings:
        mine, theirs = float(design.quantity(name)), float(found.best[0].quantity(name))
        saved = percent(1 - mine / theirs) if mine < theirs else "nothing"
        goal = show(design, found.goal.name, rms)
        rows.append((name, show(design, name, rms), saved, goal, shape(design.architecture)))
    print_table(console, Table(headings, rows, words=frozenset({0, 4})), indent=2)


def print_cost(console: Console, pins: PinnedChoices) -> None:
    """Print the cost of pinned or forbidden choices."""
    cost = pins.cost
    what = ", ".join(pins.choices)
    section(console, "What it costs")
    if pins.stop != "proven":
        words = f"{what}: not known"
    elif cost is None:
        words = f"{what}: no design keeps every limit; without it the problem is {pins.free.status}"
    elif cost == 0:
        words = f"{what} costs nothing: the optimum without it is as good"
    else:
        amount, free = _amount(pins.result, cost), shape(pins.free.best.architecture)
        words = f"{what} costs {amount}; {free} would be free of it"
    paragraph(console, words)


def _amount(result: Result, cost: float) -> str:
    name = result.objective.name
    if name == "loss":
        return f"{nats_text(cost, result.problem.law.rms)} nats a token"
    assert result.objective.value is not None
    share = format_number(100 * cost / float(result.objective.value), 2)
    return f"{format_quantity(cost, QUANTITIES[name].dimension)} of {name} ({share} %)"


def _setting(name: str, value: int | str) -> str:
    """A setting of a design; what it has not is said so."""
    if name == "tied_embeddings":
        return str(bool(value)).lower()
    if name == "full_layers" and not value:
        return "all"
    return (f"{value:,}" if isinstance(value, int) else value) if value else "none"


def print_nearest(console: Console, name: str, found: Nearest | None, rms: float | None) -> None:
    """Print the feasible design nearest to a published model; `rms` is the error of the law."""
    section(console, f"Nearest to {name}")
    if found is None:
        paragraph(console, "no design keeps every limit")
        return
    design = found.design
    if not found.changed:
        lines = ["the model itself keeps every limit"]
    else:
        many = len(found.changed)
        changes = "setting changes" if many == 1 else "settings change"
        lines = [f"{many} {changes}, no fewer would do:"]
        lines += [
            f"  {n}: {_setting(n, was)} -> {_setting(n, now)}"
            for n, (was, now) in found.changed.items()
        ]
    size, tokens = (show(design, name, rms) for name in ("parameters", "tokens"))
    lines.append(f"loss {loss_text(design.loss, rms)}, {size} parameters, {tokens} tokens")
    for each in lines:
        paragraph(console, each)
