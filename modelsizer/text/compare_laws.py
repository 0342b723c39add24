"""Report of a comparison of loss laws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from modelsizer.optimizer.laws.cases import COMPROMISE
from modelsizer.optimizer.laws.comparison import LawComparison, LawOptimum, Within
from modelsizer.optimizer.laws.curves import LawCurve
from modelsizer.optimizer.laws.regrets import Regret
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.cases import BREAKS, numbered, print_grid, whole
from modelsizer.text.kit.lines import line, section, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, counted, joined, not_complete, percent, shape

if TYPE_CHECKING:
    from rich.console import Console

_DIGITS = 3
_WHOLE = 10  # a factor from which its decimals are left out
_LONG = 1e5  # from which digits are few
_OF_A_ROW = "of the design of a row above the least by the law of a column"
_SEVERAL = 2  # laws that can agree
_ALIKE = 1.25  # ratio of the largest design to the smallest up to which laws nearly agree


def print_comparison(
    console: Console,
    found: LawComparison,
    curves: Sequence[LawCurve] = (),
    *,
    below: bool = False,
) -> None:
    """Print the optimum under each law, its regret under the others, and the compromise.

    Parameters
    ----------
    console : Console
    found : LawComparison
    curves : sequence of LawCurve
        Optima along a swept limit; their sizes are listed.
    below : bool
        Whether the answer of a solve, with its name, stands above.
    """
    count = counted(len(found.laws), "law")
    if below:
        section(console, f"Under {count}")
        if (own := found.problem.law.name) not in {law.law.name for law in found.laws}:
            line(console, f"The answer above is by {own}, which is none of them.")
    else:
        title(console, found.problem.name)
        line(console, f"the proven optimum under each of {count}")
    if not found.complete:
        line(console, f"{not_complete(found.stop)} before all was proven.", above=1)
    if said := agreement(found.laws):
        line(console, said, above=1)
    line(console)
    _print_optima(console, found.laws)
    if found.left_out:
        why = "; ".join(f"{name}: {reason}" for name, reason in found.left_out.items())
        line(console, f"Left out unless named: {why}.")
    if any(law.regrets for law in found.laws) and not _all_agree(found.laws):
        _print_regrets(console, found)
    if found.why_not:
        line(console, f"No compromise between the laws: {found.why_not}.", above=1)
    _print_compromise(console, found)
    if curves:
        _print_curves(console, curves)


def agreement(laws: Sequence[LawOptimum]) -> str:
    """Whether the laws choose the same design; empty for fewer than two designs."""
    designs = {law.name: law.optimum for law in laws if law.optimum is not None}
    if len(designs) < _SEVERAL:
        return ""
    chosen: dict[Architecture, list[str]] = {}
    for name, design in designs.items():
        chosen.setdefault(design.architecture, []).append(name)
    if len(chosen) == 1:
        (design, *_) = designs.values()
        others = "The laws that have a design"
        if any(law.status == "limit" for law in laws):
            others = "The laws solved so far"
        who = "The laws" if _all_agree(laws) else others
        return f"{who} agree: {_design(design)} is the best by each of them."
    sizes = [float(design.parameters.total) for design in designs.values()]
    how = "nearly agree on the size" if max(sizes) <= _ALIKE * min(sizes) else "disagree"
    spans = _spans(list(designs.values()))
    words = [f"The laws {how}: they choose {len(chosen)} designs, {spans}."]
    words.extend(
        f"{joined(names)} choose {shape(architecture)}."
        for architecture, names in chosen.items()
        if len(names) > 1
    )
    return " ".join(words)


def _all_agree(laws: Sequence[LawOptimum]) -> bool:
    """Whether every law has a design and all choose the same one."""
    designs = {None if law.optimum is None else law.optimum.architecture for law in laws}
    return len(laws) >= _SEVERAL and len(designs) == 1 and None not in designs


def _spans(designs: Sequence[Evaluation]) -> str:
    """Ranges of the quantities that differ between designs."""
    chosen = [design.architecture for design in designs]
    sizes = [design.parameters.total for design in designs]
    low, high = (format_quantity(end(sizes), "parameters", _DIGITS) for end in (min, max))
    said = [f"{low} to {high} parameters"]
    for name, values in (
        ("layers", [one.layers for one in chosen]),
        ("d_model", [one.trunk.d_model for one in chosen]),
    ):
        if min(values) < max(values):
            said.append(f"{name} {min(values)} to {max(values)}")
    return ", ".join(said)


def _print_optima(console: Console, laws: Sequence[LawOptimum]) -> None:
    columns = ("N", "D", "D/N", "shape", "loss", "extrapolated")
    cells = [_cells(law) for law in laws]
    shown = [(name, [row[i] for row in cells]) for i, name in enumerate(columns)]
    print_table(console, Table.of_columns([("law", [law.name for law in laws]), *shown]))
    line(
        console,
        "N parameters, D training tokens, shape layers by d_model. Extrapolated: how many times "
        "beyond the data of its fit a law is used (? where that is not known). Losses of "
        "different laws are on different scales: compare none of them.",
        above=1,
    )


def _cells(law: LawOptimum) -> list[str]:
    design = law.optimum
    if design is None or law.within is None:
        none = "no design" if law.status == "infeasible" else "not proven"
        return ["", "", "", none, "", ""]
    architecture = design.architecture
    return [
        format_quantity(design.parameters.total, "parameters", _DIGITS),
        format_quantity(design.tokens, "parameters", _DIGITS),
        format_number(design.tokens / design.parameters.total, 3),
        f"{architecture.layers}x{architecture.trunk.d_model}",
        loss_text(design.loss, law.law.rms),
        beyond(*law.within),
    ]


def beyond(n: Within, d: Within) -> str:
    """Extrapolation factors of parameters and tokens, such as ``N x20 D x3.2``."""
    parts = []
    for letter, value in (("N", n), ("D", d)):
        if not value.known:
            parts.append(f"{letter} ?")
        elif value.factor > 1:
            parts.append(f"{letter} x{_short(value.factor)}")
    return " ".join(parts) or "no"


def _short(factor: float) -> str:
    if factor >= _LONG:
        return format_number(factor, 3)
    return f"{factor:.0f}" if factor >= _WHOLE else f"{factor:.1f}"


def _print_regrets(console: Console, found: LawComparison) -> None:
    laws = found.laws
    best = found.no_law_hates
    rows = [(law.name, law.regrets) for law in laws]
    names = numbered([law.name for law in laws])
    if best is not None:
        names.append(COMPROMISE)
        rows.append(("", best.regrets))
    cells = [
        [_cell(regrets.get(judge.name), owner == judge.name) for judge in laws]
        for owner, regrets in rows
    ]
    title, worst = f"Loss {_OF_A_ROW}, in thousandths of a nat", None
    if best is not None:
        title = "Compute that the design of a row wastes by the law of a column, in %"
        worst = [_percent(_most(regrets.values())) for _, regrets in rows]
    print_grid(
        console, title, [law.name for law in laws], list(zip(names, cells, strict=True)), worst
    )
    if any(len(regrets) < len(laws) for _, regrets in rows):
        note = f"{BREAKS}: the design exceeds, by that law, the loss that budgets.loss allows."
        line(console, note, above=1)


def _most(regrets: Iterable[Regret]) -> float:
    return max(regret.wasted_compute or 0.0 for regret in regrets)


def _cell(regret: Regret | None, own: bool) -> str:
    if own:
        return NONE
    if regret is None:
        return BREAKS
    if regret.wasted_compute is None:
        return whole(1000 * regret.nats)
    return _percent(regret.wasted_compute)


def _percent(share: float) -> str:
    return whole(100 * share)


def _print_compromise(console: Console, found: LawComparison) -> None:
    best = found.no_law_hates
    if best is None or _all_agree(found.laws):
        return
    name = _shape(best.architecture, best.parameters, best.tokens)
    line(
        console,
        f"The compromise is {name}: it wastes at most {percent(best.wasted_compute)} of the "
        f"compute, by {best.worst}; no design wastes less at worst, proven "
        f"({counted(best.finalists, 'finalist')} evaluated exactly). To waste 20 % is to be no "
        "better than the law's own choice with four fifths of the compute.",
        above=1,
    )


def _design(design: Evaluation) -> str:
    return _shape(design.architecture, design.parameters.total, design.tokens)


def _shape(architecture: Architecture, parameters: int, tokens: float) -> str:
    size = format_quantity(parameters, "parameters", _DIGITS)
    seen = format_quantity(tokens, "tokens", _DIGITS)
    return f"{shape(architecture)} ({size} parameters, {seen} tokens)"


def _print_curves(console: Console, curves: Sequence[LawCurve]) -> None:
    values = sorted({value for curve in curves for value, _ in curve.points})
    sizes = [dict(curve.points) for curve in curves]
    shown = [
        (
            format_number(float(value), 3),
            [
                format_quantity(size[value].parameters.total, "parameters", _DIGITS)
                if value in size
                else NONE
                for size in sizes
            ],
        )
        for value in values
    ]
    if late := [curve.name for curve in curves if not curve.complete]:
        line(console, f"Not complete: no time to solve every value by {joined(late)}.", above=1)
    if not shown:
        return
    line(console, "Parameters of the optimum at each value of the limit", above=1, below=1)
    print_table(console, Table.of_columns([("law", [curve.name for curve in curves]), *shown]))
