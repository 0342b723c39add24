"""A ranking as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from optimizer.listing import cell
from optimizer.ranking import Ranking
from problems.evaluation import Evaluation
from problems.quantities import QUANTITIES
from problems.units import format_quantity

SHORT = ("loss", "parameters", "tokens", "layers", "d_model", "heads", "kv_heads", "d_ff")
"""Columns at 80 columns of text, the quantity ranked by before them."""
_RATIOS = ("aspect_ratio", "tokens_per_parameter")


def show(design: Evaluation, name: str) -> str:
    """One cell of a design, in units."""
    value: Any = cell(design, name)
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    if name == "loss":
        return f"{value:.6f}"
    if name == "shape_excess":
        return f"{value:.6f}"
    if name in _RATIOS:
        return f"{value:.3g}" if name == "tokens_per_parameter" else f"{value:.1f}"
    if name == "training_flops_per_token":
        return format_quantity(value, "FLOPs")
    if name in QUANTITIES and QUANTITIES[name].dimension != "count":
        return format_quantity(value, QUANTITIES[name].dimension)
    return str(value)


def _table(headings: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def columns_of(ranking: Ranking, wanted: Sequence[str] | None) -> list[str]:
    """The columns to show, but for the rank."""
    if wanted is not None:
        return [name for name in wanted if name != "rank"]
    by = ranking.goal.name
    return list(dict.fromkeys([by, *SHORT]))


def print_ranking(console: Console, ranking: Ranking, wanted: Sequence[str] | None) -> None:
    """Print the best designs, or the best of each group."""
    problem = ranking.problem
    order = "most first" if ranking.goal.sense == "maximize" else "least first"
    console.print(Text(problem.name or "unnamed problem", style="bold"))
    console.print(
        f"{ranking.feasible:,} of {ranking.designs:,} designs keep every limit; "
        f"by {ranking.goal.name}, {order}; {ranking.seconds:.2f} s\n"
    )
    if not ranking.feasible:
        console.print("`modelsizer solve` says why none does.")
        return
    columns = columns_of(ranking, wanted)
    if ranking.group_by is not None:
        _print_groups(console, ranking, columns)
        return
    table = _table(["rank", *columns])
    for rank, design in enumerate(ranking.best, start=1):
        table.add_row(str(rank), *(show(design, name) for name in columns))
    console.print(table)
    if (rest := ranking.feasible - len(ranking.best)) > 0:
        console.print(f"\nand {rest:,} more; --csv PATH or --parquet PATH writes them all")


def _print_groups(console: Console, ranking: Ranking, columns: Sequence[str]) -> None:
    """The best of each group, with how many there are and what they span."""
    group_by = ranking.group_by
    assert group_by is not None
    best = min(
        range(len(ranking.groups)),
        key=lambda i: _key(ranking, ranking.groups[i].best),
    )
    shown = [name for name in columns if name != group_by]
    if len(shown) > _BESIDE:
        shown = [name for name in shown if name not in _LESS]
    table = _table([group_by, "designs", "fewest", "most", *shown, ""])
    for i, group in enumerate(ranking.groups):
        fewest, most = (format_quantity(n, "parameters", 3) for n in group.parameters)
        cells = [show(group.best, name) for name in shown]
        value = str(group.value).lower() if isinstance(group.value, bool) else str(group.value)
        mark = "best" if i == best else ""
        table.add_row(value, f"{group.designs:,}", fewest, most, *cells, mark)
    console.print(table)
    console.print(
        "\nfewest and most: parameters of the designs of a group; the other columns are of the "
        "best of them"
    )


_BESIDE = 6  # columns that fit beside those of a group at 80 columns of text
_LESS = ("heads", "kv_heads", "d_ff")


def _key(ranking: Ranking, design: Evaluation) -> tuple[float, tuple[int, ...]]:
    return ranking.goal.sign * float(design.exact[ranking.goal.name]), design.tie_key
