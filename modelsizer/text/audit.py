"""Report of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.optimizer.audit import Audit
from modelsizer.problems.architecture.choices import WIDE
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console


def print_audit(console: Console, source: str, found: Audit) -> None:
    """Print the model beside the best design of its budgets and the cheapest of its loss."""
    optimum, cheapest = found.optimum.best, found.cheapest.best
    title(console, f"{source} against the optimum of its own budgets")
    designs = (found.model, optimum, cheapest)
    rows = [(key, *(str(architecture_dict(d.architecture)[key]) for d in designs)) for key in WIDE]
    for name, unit in (("parameters", "parameters"), ("tokens", "tokens"),
                       ("training_flops", "FLOPs"), ("serving_memory", "bytes"),
                       ("kv_bytes_per_token", "bytes")):  # fmt: skip
        rows.append((name, *(format_quantity(float(d.exact[name]), unit) for d in designs)))
    rows.append(("loss", *(f"{d.loss:.4f}" for d in designs)))
    rows.append(("  of it shape", *(f"{d.shape_excess:.4f}" for d in designs)))
    print_table(console, Table(("", "the model", "least loss", "least FLOPs"), rows))
    line(console, _verdict(found, found.model), above=1)


def _verdict(found: Audit, model: Evaluation) -> str:
    law = found.problem.quality.name
    each = model.tokens / model.parameters.total
    return (
        f"By {law}, the same FLOPs, memory and KV bytes could reach {found.loss_gained:.4f} nats "
        f"less; its loss takes {percent(found.compute_needed)} of its FLOPs. It was trained on "
        f"{each:.3g} tokens a parameter. Both proven ({found.optimum.solver}); the law "
        "extrapolates, and does not price serving beyond these limits."
    )
