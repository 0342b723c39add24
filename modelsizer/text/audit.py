"""Report of an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modelsizer.optimizer.audit import Audit
from modelsizer.problems.architecture.choices import OFFERED, WIDE
from modelsizer.problems.architecture.describing import choices_beside
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.lines import line, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, UNKNOWN, joined, not_complete, percent, setting

if TYPE_CHECKING:
    from rich.console import Console

_HAS = {
    "layer.halves": "layers of a mixer or a feed-forward alone",
    "layer.kinds": "so many kinds of layer",
    "layer.full": "windows without a full layer",
}
"""What an audit calls parts that are no field of a layer."""


def print_audit(console: Console, source: str, found: Audit) -> None:
    """Print the model beside the best design of its budgets and the cheapest of its loss."""
    title(console, f"{source} against the optimum of its own budgets")
    designs = (found.model, found.optimum.design, found.cheapest.design)

    results = (None, found.optimum, found.cheapest)
    bind = [
        {use.name for use in result.budgets if use.binding} if result else {} for result in results
    ]

    def row(name: str, cell: Callable[[Evaluation], str]) -> tuple[str, ...]:
        cells = [UNKNOWN if d is None else cell(d) for d in designs]
        return (name, *(f"{c} *" if name in b else c for c, b in zip(cells, bind, strict=True)))

    def amount(name: str, unit: str) -> Callable[[Evaluation], str]:
        return lambda design: format_quantity(float(design.exact[name]), unit)

    chosen = choices_beside(*(None if d is None else d.architecture for d in designs))
    offered = [c.name for c in OFFERED if any(c.name in each for each in chosen)]
    rows: list[tuple[str, ...]] = [
        (key, *(setting(each, key) if each else UNKNOWN for each in chosen))
        for key in (*WIDE, *offered)
    ]
    rows = [row for row in rows if any(cell not in (UNKNOWN, NONE) for cell in row[1:])]
    rows.append(row("parameters", amount("parameters", "parameters")))
    sizes = [design.parameters for design in designs if design is not None]
    if any(size.active != size.total for size in sizes):
        rows.append(row("active_parameters", amount("active_parameters", "parameters")))
    rows.append(row("tokens", lambda design: format_quantity(design.tokens, "tokens")))
    for name, unit in (("training_flops", "FLOPs"), ("serving_memory", "bytes"),
                       ("kv_bytes_per_token", "bytes")):  # fmt: skip
        rows.append(row(name, amount(name, unit)))
    rms = found.problem.law.rms
    rows.append(row("loss", lambda design: loss_text(design.loss, rms)))
    of = f"  of it {found.problem.law.shape_part_of}"
    rows.append(row(of, lambda design: nats_text(design.shape_excess, rms)))
    heads = ["least loss", "least FLOPs"]
    for at, result in enumerate((found.optimum, found.cheapest)):
        heads[at] += "" if result.status == "optimal" else " so far"
    print_table(console, Table(("", "the model", *heads), rows))
    line(console, _verdict(found, found.model), above=1)
    for note in _notes(found):
        line(console, note)


def _verdict(found: Audit, model: Evaluation) -> str:
    law = found.problem.quality.name
    gained, needed = found.loss_gained, found.compute_needed
    said = []
    if gained is not None:
        rms = found.problem.law.rms
        less = f"{nats_text(gained, rms)} nats less"
        if rms is not None and gained <= rms:
            less += f", which is within the law's error of {format_number(rms, 2)}"
        budgets = found.problem.budgets.limits
        active = ", active parameters" if "active_parameters" in budgets else ""
        same = f"the same FLOPs, memory{active} and KV bytes"
        said.append(
            f"{same} could reach {less}" if gained else f"no design within {same} has less loss"
        )
    if needed is not None:
        least = found.stands[1]
        share = "all" if least else percent(needed)
        said.append(f"its loss takes {share} of its FLOPs")
    words = f"By {law}, {'; '.join(said)}. " if said else ""
    each = model.tokens / model.parameters.total
    words += f"It was trained on {format_number(each, 3)} tokens a parameter. "
    if found.complete:
        words += "Both proven"
    else:
        what = "the rest" if said else "anything"
        words += f"{not_complete(found.stop)} before {what} was proven"
    return f"{words}; the law extrapolates, and does not price serving beyond these limits."


def _notes(found: Audit) -> Iterator[str]:
    """What the comparison is made with."""
    bound = [use for result in (found.optimum, found.cheapest) for use in result.budgets]
    if any(use.binding for use in bound):
        yield "* binds: the design is at the limit, or something better fits without it."
    if found.left_out:
        parts = joined([_HAS.get(part, part) for part in found.left_out])
        yield (
            f"The space, of block {found.block!r}, does not build {parts} as the model has them: "
            "the model itself is compared beside it."
        )
    if found.model.violated:
        keys = joined([*dict.fromkeys(found.model.violated)])
        yield f"The model itself breaks {keys} of the problem, so it is not compared."
