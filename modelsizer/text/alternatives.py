"""The next best designs, the nearly as good, the cost of a choice, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_optimal import NearOptimal
from modelsizer.optimizer.surveys.nearest_model import Nearest
from modelsizer.optimizer.surveys.pinned_choices import PinnedChoices
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.text.columns import print_columns
from modelsizer.text.rank import SHORT, show


def print_alternatives(console: Console, result: Result, found: NearOptimal) -> None:
    """Print the next best designs and what the nearly as good would save."""
    objective = result.objective.name
    console.print(Text(f"\n{_heading(found)}", style="bold"))
    columns = list(dict.fromkeys([objective, *SHORT]))
    ranks = [str(rank) for rank in range(1, len(found.best) + 1)]
    cells = [(name, [show(design, name) for design in found.best]) for name in columns]
    print_columns(console, ("", ranks), cells, indent=2)
    if found.savings:
        _print_savings(console, result, found)


def _heading(found: NearOptimal) -> str:
    many = len(found.best)
    if found.within is None:
        return f"The {many} best, proven" if many > 1 else "The only design that fits"
    name = found.goal.name
    unit = QUANTITIES[name].dimension
    assert found.tolerance is not None
    reach = (
        f"{found.tolerance:g} nats" if name == "loss" else format_quantity(found.tolerance, unit)
    )
    which = "is the only design" if found.within == 1 else f"and {found.within - 1:,} more"
    shown = "" if many == found.within else f"; {many} shown"
    return f"Within {reach} of the optimum: it {which}{shown}"


def _print_savings(console: Console, result: Result, found: NearOptimal) -> None:
    """For each quantity the design of those counted that needs least of it."""
    console.print(Text("\nOf these, the least", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headings = ("", "least", "saved", found.goal.name, "design")
    for heading, justify in zip(headings, ("left", *["right"] * 3, "left"), strict=True):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name, design in found.savings:
        mine, theirs = float(design.quantity(name)), float(result.best.quantity(name))
        saved = f"{100 * (1 - mine / theirs):.1f} %" if mine < theirs else "nothing"
        shape = f"{design.architecture.layers} x {design.architecture.trunk.d_model}"
        table.add_row(name, show(design, name), saved, show(design, found.goal.name), shape)
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def print_cost(console: Console, pins: PinnedChoices) -> None:
    """Say what pinned choices cost."""
    cost = pins.cost
    what = ", ".join(pins.choices)
    console.print(Text("\nWhat it costs", style="bold"))
    if cost is None:
        words = f"{what}: no design keeps every limit; without it the problem is {pins.free.status}"
    elif cost == 0:
        words = f"{what} costs nothing: the optimum without it is as good"
    else:
        amount, free = _amount(pins.result, cost), _free(pins.free.best)
        words = f"{what} costs {amount}; {free} would be free of it"
    console.print(Padding(Text(words), (0, 0, 0, 2)))


def _amount(result: Result, cost: float) -> str:
    name = result.objective.name
    if name == "loss":
        return f"{cost:.6f} nats a token"
    assert result.objective.value is not None
    share = cost / float(result.objective.value)
    return f"{format_quantity(cost, QUANTITIES[name].dimension)} of {name} ({100 * share:.2g} %)"


def _free(design: Evaluation) -> str:
    return f"{design.architecture.layers} x {design.architecture.trunk.d_model}"


def print_nearest(console: Console, name: str, found: Nearest | None) -> None:
    """Print the design least unlike a known model."""
    console.print(Text(f"\nNearest to {name}", style="bold"))
    if found is None:
        console.print(Padding(Text("no design keeps every limit"), (0, 0, 0, 2)))
        return
    design = found.design
    if not found.changed:
        lines = ["the model itself keeps every limit"]
    else:
        many = len(found.changed)
        changes = "setting changes" if many == 1 else "settings change"
        lines = [f"{many} {changes}, no fewer would do:"]
        lines += [f"  {n}: {was:,} -> {now:,}" for n, (was, now) in found.changed.items()]
    lines.append(f"loss {design.loss:.6f}, {show(design, 'parameters')} parameters, "
                 f"{show(design, 'tokens')} tokens")  # fmt: skip
    console.print(Padding(Text("\n".join(lines)), (0, 0, 0, 2)))
