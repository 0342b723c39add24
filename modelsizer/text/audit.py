"""An audit as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.audit import Audit
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.units import format_quantity


def print_audit(console: Console, source: str, found: Audit) -> None:
    """Print the model beside the best design of its budgets and the cheapest of its loss."""
    optimum, cheapest = found.optimum.best, found.cheapest.best
    console.print(Text(f"{source} against the optimum of its own budgets", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for name in ("the model", "least loss", "least FLOPs"):
        table.add_column(name, justify="right", no_wrap=True)
    designs = (found.model, optimum, cheapest)
    for key in ("layers", "d_model", "heads", "kv_heads", "head_dim", "d_ff"):
        table.add_row(key, *(str(architecture_dict(d.architecture)[key]) for d in designs))
    for name, unit in (("parameters", "parameters"), ("tokens", "tokens"),
                       ("training_flops", "FLOPs"), ("serving_memory", "bytes"),
                       ("kv_bytes_per_token", "bytes")):  # fmt: skip
        table.add_row(name, *(format_quantity(float(d.exact[name]), unit) for d in designs))
    table.add_row("loss", *(f"{d.loss:.4f}" for d in designs))
    table.add_row("  of it shape", *(f"{d.shape_excess:.4f}" for d in designs))
    console.print(table)
    console.print(Text(_verdict(found, found.model), style=""))


def _verdict(found: Audit, model: Evaluation) -> str:
    law = found.problem.quality.name
    each = model.tokens / model.parameters.total
    return (
        f"\nBy {law}, the same FLOPs, memory and KV bytes could reach {found.loss_gained:.4f} nats "
        f"less; its loss takes {100 * found.compute_needed:.1f} % of its FLOPs. It was trained on "
        f"{each:.3g} tokens a parameter. Both proven ({found.optimum.solver}); the law "
        "extrapolates, and does not price serving beyond these limits."
    )
