"""An answer under every draw of its law, as a person reads it at 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.advice import advice
from modelsizer.optimizer.laws.robust import CRITERIA, TODAY, Candidate, Uncertainty
from modelsizer.plots.drawing.axes import tick
from modelsizer.plots.laws.uncertainty import percent, shape_words

if TYPE_CHECKING:
    from rich.console import Console

_ROBUST = {
    "expected": "mean loss",
    "worst_case": "worst loss",
    "regret": "max. regret",
    "cvar": "CVaR",
}
_DIGITS = 4  # of a loss, after the point
_ROUNDING = 1e-6  # of the last of them, which is nothing


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    return table


def _put(console: Console, item: Table | Text) -> None:
    console.print(Padding(item, (0, 0, 0, 2), expand=False))


def _design(one: Candidate) -> list[str]:
    architecture = one.design.architecture
    layer = architecture.groups[0].layer
    return [
        str(architecture.layers),
        str(architecture.trunk.d_model),
        str(layer.attention.kv_heads),
        str(layer.ffn.d_ff),
        tick(one.design.parameters.total, "parameters"),
    ]


def _regret(one: Candidate) -> list[str]:
    found = one.regret
    return [f"{found.mean:.{_DIGITS}f}", _at_most(found.p95), _at_most(found.worst)]


def print_uncertainty(
    console: Console,
    found: Uncertainty,
    most: int,
    notes: Sequence[str] = (),
    *,
    below: bool = False,
) -> None:
    """Print the answer in a sentence, who wins how often, the intervals and the robust designs.

    Parameters
    ----------
    console : Console
    found : Uncertainty
    most : int
        Winners to show.
    notes : sequence of str
        Warnings besides those of today's design.
    below : bool
        Whether the answer of a solve, with its name and its warnings, stands above.
    """
    problem = found.problem
    laws = f"draws of {problem.quality.name}; {found.seconds:.2f} s"
    if below:
        console.print()
        console.print(Text(f"Under {found.draws} {laws}", style="bold"))
    else:
        console.print(Text(problem.name or "unnamed problem", style="bold"))
        console.print(f"{found.draws} {laws}\n")
    for said in headline(found):
        console.print(Text(said))
    _winners(console, found, most)
    _intervals(console, found)
    _robust(console, found)
    _certificate(console, found)
    about = [] if below else advice(problem, found.best_by(TODAY).design)
    if warnings := [*notes, *about]:
        console.print("\nWarnings")
        for warning in warnings:
            table = Table.grid(padding=(0, 1, 0, 0))
            table.add_row("-", Text(warning))
            _put(console, table)


def headline(found: Uncertainty) -> list[str]:
    """What choosing comes to: of the most frequent winner, then of today's and of least regret."""
    first, today = found.winners[0], found.best_by(TODAY)
    said = [_sentence(first, found)]
    if today is not first:
        said.append(_sentence(today, found))
    cautious = found.best_by("regret")
    if cautious is not first and cautious is not today:
        said.append("Least regret: " + _sentence(cautious, found))
    return said


def _sentence(one: Candidate, found: Uncertainty) -> str:
    """The share of the fits that a design wins, and what choosing it gives up."""
    name = _name(one, found) + (" (today's)" if TODAY in one.roles else "")
    if one.share == 1.0:
        return f"{name} in all of {found.draws} bootstrap fits; nothing is given up by choosing it."
    return (
        f"{name} in {percent(one.share)} of bootstrap fits; the loss given up by choosing it is at "
        f"most {_at_most(one.regret.p95)} in 95 %, and {_at_most(one.regret.worst)} in the worst."
    )


def _name(one: Candidate, found: Uncertainty) -> str:
    """Layers and width, and what tells the design from others of the same."""
    layer = one.design.architecture.groups[0].layer
    words = shape_words(one)
    if sum(shape_words(other) == words for other in found.candidates) > 1:
        words += f" (d_ff {layer.ffn.d_ff}, kv_heads {layer.attention.kv_heads})"
    return words


def _at_most(value: float) -> str:
    """A loss rounded up, so that "at most" is true as said."""
    steps = math.ceil(value * 10**_DIGITS - _ROUNDING)
    return f"{max(steps, 0) / 10**_DIGITS:.{_DIGITS}f}"


def _winners(console: Console, found: Uncertainty, most: int) -> None:
    winners = found.winners
    console.print(Text("\nBest designs, by the share of draws; loss given up by choosing each"))
    table = _table("share", "layers", "d_model", "kv_heads", "d_ff", "parameters", "mean", "95 %",
                   "worst", "")  # fmt: skip
    for one in winners[:most]:
        mark = "*" if TODAY in one.roles else ""
        table.add_row(percent(one.share), *_design(one), *_regret(one), mark)
    _put(console, table)
    if (rest := winners[most:]) != ():
        share = percent(sum(one.share for one in rest))
        _put(console, Text(f"and {len(rest)} more designs in {share} of the draws"))
    if any(TODAY in one.roles for one in winners[:most]):
        _put(console, Text("* today's: the best under the law itself"))


def _intervals(console: Console, found: Uncertainty) -> None:
    console.print("\nThe best design and its loss over the draws")
    table = _table("", "5 %", "50 %", "95 %")
    for name, ends in found.intervals.items():
        values = (ends.p5, ends.p50, ends.p95)
        shown = [f"{v:.4f}" if name == "loss" else tick(v, name) for v in values]
        table.add_row(name, *shown)
    _put(console, table)


def _robust(console: Console, found: Uncertainty) -> None:
    tail = percent(1 - found.tail)
    console.print(
        "\nRobust designs: each of the least value of its kind, in nats a token. CVaR is the "
        f"mean loss of the worst {tail} of the draws; mean, 95 % and worst are of the loss given up"
    )
    table = _table("", "value", "layers", "d_model", "d_ff", "share", "mean", "95 %", "worst")
    for name in CRITERIA:
        one = found.best_by(name)
        words = _ROBUST[name]
        layers, d_model, _, d_ff, _ = _design(one)
        value = f"{found.values[name]:.4f}"
        table.add_row(words, value, layers, d_model, d_ff, percent(one.share), *_regret(one))
    _put(console, table)


def _certificate(console: Console, found: Uncertainty) -> None:
    c = found.certificate
    equal = f"{c.equal:,} equal another in all that the law sees; " if c.equal else ""
    console.print("\nCertificate")
    _put(
        console,
        Text(
            f"Proven optimal over the draws: of {c.looked_at:,} designs {c.infeasible:,} break a "
            f"limit; {c.dominated:,} are dominated, each checked against one that dominates it; "
            f"{equal}{c.compared:,} evaluated under every draw. Dominated: {found.why}."
        ),
    )
