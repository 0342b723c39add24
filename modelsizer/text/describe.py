"""Report of an architecture: its parameters, its costs and its fit to a problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.one_design import OneDesign
from modelsizer.problems.architecture.describing import (
    Description,
    groups_list,
    parameters_dict,
)
from modelsizer.problems.units import format_fixed, format_quantity
from modelsizer.text.costs import cost_rows
from modelsizer.text.kit.lines import line, pairs, section, title
from modelsizer.text.kit.tables import Styled

if TYPE_CHECKING:
    from rich.console import Console


def print_description(console: Console, source: str, found: Description) -> None:
    """Print parameter counts and costs of an architecture."""
    title(console, source)
    section(console, "Layers")
    for group in groups_list(found.architecture):
        line(console, f"  {group['count']} x {_part(group['attention'])}; {_part(group['ffn'])}")
    counts = [
        (name, f"{count:,}", format_quantity(count, "parameters"))
        for name, count in parameters_dict(found.parameters).items()
        if count or name == "total"
    ]
    section(console, "Parameters")
    pairs(console, counts, words=frozenset({0}))
    section(console, f"Costs at {found.batch} x {found.sequence:,} tokens")
    costs = (
        ("forward pass", found.forward_flops, "FLOPs"),
        ("forward and backward", found.forward_backward_flops, "FLOPs"),
        ("forward, a token", found.forward_flops_per_token, "FLOPs"),
        ("training, a token", found.training_flops_per_token, "FLOPs"),
        ("weights", found.weight_bytes, "bytes"),
        ("KV cache, a token", found.kv_bytes_per_token, "bytes"),
        ("KV cache", found.kv_cache, "bytes"),
        ("serving memory", found.serving_memory, "bytes"),
    )
    written = [(name, format_quantity(value, unit)) for name, value, unit in costs]
    pairs(console, written, words=frozenset({0}))
    if found.formats is found.architecture.stored:
        line(console, f"Weights as quantization_config stores them: {found.formats}.", above=1)


def print_design(console: Console, found: OneDesign) -> None:
    """Print the costs of an architecture under a problem and the constraints it violates."""
    problem, design = found.problem, found.design
    rows = cost_rows(problem, design, priced=found.trained)
    if found.trained and math.isfinite(design.tokens):
        rows = [
            ("tokens", format_quantity(design.tokens, "tokens")),
            ("training FLOPs", format_quantity(design.training_flops, "FLOPs")),
            ("loss", f"{format_fixed(design.loss, 6)} nats a token ({problem.law.name})"),
            *rows,
        ]
    section(console, "Under the settings given")
    pairs(console, rows)
    if design.violated:
        line(console, Styled(f"It breaks {', '.join(design.violated)}", "red"), above=1)


def _part(part: dict[str, Any]) -> str:
    words = [f"{k} {v}" for k, v in part.items() if k != "kind" and not isinstance(v, bool | str)]
    flags = [k for k, v in part.items() if v is True]
    return ", ".join([str(part["kind"]), *words, *flags])
