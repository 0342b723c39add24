"""Report of an audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelsizer.optimizer.audit import Audit
from modelsizer.problems.architecture.choices import OFFERED, WIDE
from modelsizer.problems.architecture.describing import telling_choices
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.units import format_fixed, format_number, format_quantity
from modelsizer.text.kit.lines import line, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, UNKNOWN, not_complete, percent, setting

if TYPE_CHECKING:
    from rich.console import Console


def print_audit(console: Console, source: str, found: Audit) -> None:
    """Print the model beside the best design of its budgets and the cheapest of its loss."""
    title(console, f"{source} against the optimum of its own budgets")
    designs = (found.model, found.optimum.design, found.cheapest.design)

    def row(name: str, cell: Callable[[Evaluation], str]) -> tuple[str, ...]:
        return (name, *(UNKNOWN if d is None else cell(d) for d in designs))

    def amount(name: str, unit: str) -> Callable[[Evaluation], str]:
        return lambda design: format_quantity(float(design.exact[name]), unit)

    chosen = [None if d is None else telling_choices(d.architecture) for d in designs]
    offered = [c.name for c in OFFERED if any(each and c.name in each for each in chosen)]
    rows: list[tuple[str, ...]] = [
        (key, *(UNKNOWN if each is None else setting(each, key) for each in chosen))
        for key in (*WIDE, *offered)
    ]
    rows = [row for row in rows if any(cell not in (UNKNOWN, NONE) for cell in row[1:])]
    for name, unit in (("parameters", "parameters"), ("tokens", "tokens"),
                       ("training_flops", "FLOPs"), ("serving_memory", "bytes"),
                       ("kv_bytes_per_token", "bytes")):  # fmt: skip
        rows.append(row(name, amount(name, unit)))
    rows.append(row("loss", lambda design: format_fixed(design.loss, 4)))
    rows.append(row("  of it shape", lambda design: f"{design.shape_excess:.4f}"))
    heads = ["least loss", "least FLOPs"]
    for at, result in enumerate((found.optimum, found.cheapest)):
        heads[at] += "" if result.status == "optimal" else " so far"
    print_table(console, Table(("", "the model", *heads), rows))
    line(console, _verdict(found, found.model), above=1)


def _verdict(found: Audit, model: Evaluation) -> str:
    law = found.problem.quality.name
    gained, needed = found.loss_gained, found.compute_needed
    said = []
    if gained is not None:
        said.append(f"the same FLOPs, memory and KV bytes could reach {gained:.4f} nats less")
    if needed is not None:
        said.append(f"its loss takes {percent(needed)} of its FLOPs")
    words = f"By {law}, {'; '.join(said)}. " if said else ""
    each = model.tokens / model.parameters.total
    words += f"It was trained on {format_number(each, 3)} tokens a parameter. "
    if found.complete:
        words += f"Both proven ({found.optimum.solver})"
    else:
        what = "the rest" if said else "anything"
        words += f"{not_complete(found.stop)} before {what} was proven"
    return f"{words}; the law extrapolates, and does not price serving beyond these limits."
