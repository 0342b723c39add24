"""Report of a solve under the draws of a law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.optimizer.advice import advice
from modelsizer.optimizer.laws.robust import CRITERIA, TODAY, Candidate, Uncertainty
from modelsizer.plots.drawing.axes import tick
from modelsizer.plots.laws.uncertainty import percent, shape_words
from modelsizer.problems.laws.digits import loss_text
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, title, warnings
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import counted

if TYPE_CHECKING:
    from rich.console import Console

_ROBUST = {
    "expected": "mean loss",
    "worst_case": "worst loss",
    "regret": "max. regret",
    "cvar": "CVaR",
}
_DIGITS = 4  # decimals of a loss
_ROUNDING = 1e-6  # in units of the last decimal; smaller differences are rounding


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
    verbose: bool = False,
) -> None:
    """Print the headline, the best designs by share of draws, intervals and robust designs.

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
    verbose : bool
        Whether to show all warnings.
    """
    problem = found.problem
    laws = f"draws of {problem.quality.name}{_at_corners(found)}; {found.seconds:.2f} s"
    if below:
        section(console, f"Under {found.draws} {laws}")
    else:
        title(console, problem.name)
        line(console, f"{found.draws} {laws}", below=1)
    for said in headline(found):
        line(console, said)
    _winners(console, found, most)
    _by_corner(console, found, most)
    _intervals(console, found)
    _robust(console, found)
    _certificate(console, found)
    about = [] if below else advice(problem, found.best_by(TODAY).design)
    warnings(console, [*notes, *about], verbose=verbose)


def _at_corners(found: Uncertainty) -> str:
    return f", each at {counted(len(found.corners), 'corner')}" if found.corners else ""


def headline(found: Uncertainty) -> list[str]:
    """Regret of the most frequent optimum, of the current optimum and of least regret."""
    first, today = found.winners[0], found.best_by(TODAY)
    said = [_sentence(first, found)]
    if today is not first:
        said.append(_sentence(today, found))
    cautious = found.best_by("regret")
    if cautious is not first and cautious is not today:
        said.append("Least regret: " + _sentence(cautious, found))
    return said


def _sentence(one: Candidate, found: Uncertainty) -> str:
    """Share of the draws in which a design is optimal, and its regret."""
    name = _name(one, found) + (" (today's)" if TODAY in one.roles else "")
    fits = f"bootstrap fits{_at_corners(found)}"
    if one.share == 1.0:
        return f"{name} in all of {found.draws} {fits}; nothing is given up by choosing it."
    return (
        f"{name} in {percent(one.share)} of {fits}; the loss given up by choosing it is at "
        f"most {_at_most(one.regret.p95)} in 95 %, and {_at_most(one.regret.worst)} in the worst."
    )


def _name(one: Candidate, found: Uncertainty) -> str:
    """Depth and width of a design, and d_ff and kv_heads where those do not identify it."""
    layer = one.design.architecture.groups[0].layer
    words = shape_words(one)
    if sum(shape_words(other) == words for other in found.candidates) > 1:
        words += f" (d_ff {layer.ffn.d_ff}, kv_heads {layer.attention.kv_heads})"
    return words


def _at_most(value: float) -> str:
    """A loss rounded up, so that it remains an upper bound."""
    steps = math.ceil(value * 10**_DIGITS - _ROUNDING)
    return f"{max(steps, 0) / 10**_DIGITS:.{_DIGITS}f}"


def _winners(console: Console, found: Uncertainty, most: int) -> None:
    winners = found.winners
    section(console, "Best designs, by the share of draws; loss given up by choosing each")
    headings = ("share", "layers", "d_model", "kv_heads", "d_ff", "parameters", "mean", "95 %",
                "worst", "")  # fmt: skip
    rows = [
        (percent(one.share), *_design(one), *_regret(one), "*" if TODAY in one.roles else "")
        for one in winners[:most]
    ]
    print_table(console, Table(headings, rows, words=frozenset({9})), indent=INDENT)
    if (rest := winners[most:]) != ():
        share = percent(sum(one.share for one in rest))
        paragraph(console, f"and {len(rest)} more designs in {share} of the draws", expand=False)
    if any(TODAY in one.roles for one in winners[:most]):
        paragraph(console, "* today's: the best under the law itself", expand=False)


def _by_corner(console: Console, found: Uncertainty, most: int) -> None:
    """Shares of the draws of each corner, one after the other."""
    if not found.corners:
        return
    section(console, "Share of the draws at each corner")
    rows = [
        (_name(one, found), *(percent(one.by_corner[name]) for name in found.corners))
        for one in found.winners[:most]
    ]
    print_table(console, Table(("", *found.corners), rows), indent=INDENT)


def _intervals(console: Console, found: Uncertainty) -> None:
    section(console, "The best design and its loss over the draws")
    rows, rms = [], found.problem.law.rms
    for name, ends in found.intervals.items():
        values = (ends.p5, ends.p50, ends.p95)
        shown = [loss_text(v, rms) if name == "loss" else tick(v, name) for v in values]
        rows.append((name, *shown))
    print_table(console, Table(("", "5 %", "50 %", "95 %"), rows), indent=INDENT)


def _robust(console: Console, found: Uncertainty) -> None:
    tail = percent(1 - found.tail)
    line(
        console,
        "Robust designs: each of the least value of its kind, in nats a token. CVaR is the mean "
        f"loss of the worst {tail} of the draws; mean, 95 % and worst are of the loss given up",
        above=1,
    )
    headings = ("", "value", "layers", "d_model", "d_ff", "share", "mean", "95 %", "worst")
    rows = []
    for name in CRITERIA:
        one = found.best_by(name)
        words = _ROBUST[name]
        layers, d_model, _, d_ff, _ = _design(one)
        value = loss_text(found.values[name], found.problem.law.rms)
        rows.append((words, value, layers, d_model, d_ff, percent(one.share), *_regret(one)))
    print_table(console, Table(headings, rows), indent=INDENT)


def _certificate(console: Console, found: Uncertainty) -> None:
    c = found.certificate
    equal = f"{c.equal:,} equal another in all that the law sees; " if c.equal else ""
    section(console, "Certificate")
    paragraph(
        console,
        f"Proven optimal over the draws: of {c.looked_at:,} designs {c.infeasible:,} break a "
        f"limit; {c.dominated:,} are dominated, each checked against one that dominates it; "
        f"{equal}{c.compared:,} evaluated under every draw. Dominated: {found.why}.",
        expand=False,
    )
