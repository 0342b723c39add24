"""A ranking as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from modelsizer.optimizer.surveys.listing import cell
from modelsizer.optimizer.surveys.ranking import Ranking
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.text.columns import GAP, print_columns

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
        _print_groups(console, ranking, columns, wanted)
        return
    ranks = [str(rank) for rank in range(1, len(ranking.best) + 1)]
    shown = [(name, [show(design, name) for design in ranking.best]) for name in columns]
    if wanted is None:  # without being asked, one line a design
        shown = _fitting(console, len("rank") - _MARK, shown)
    print_columns(console, ("rank", ranks), shown)
    if (rest := ranking.feasible - len(ranking.best)) > 0:
        console.print(f"\nand {rest:,} more; --csv PATH or --parquet PATH writes them all")


def _print_groups(
    console: Console, ranking: Ranking, columns: Sequence[str], wanted: Sequence[str] | None
) -> None:
    """The best of each group, with how many there are and what they span."""
    group_by = ranking.group_by
    assert group_by is not None
    best = min(
        range(len(ranking.groups)),
        key=lambda i: _key(ranking, ranking.groups[i].best),
    )
    groups = ranking.groups
    shown = [name for name in columns if name != group_by]
    values = [str(g.value).lower() if isinstance(g.value, bool) else str(g.value) for g in groups]
    ends = [[format_quantity(g.parameters[i], "parameters", 3) for g in groups] for i in (0, 1)]
    cells = [
        ("designs", [f"{group.designs:,}" for group in groups]),
        ("fewest", ends[0]),
        ("most", ends[1]),
        *((name, [show(group.best, name) for group in groups]) for name in shown),
    ]
    if wanted is None:  # without being asked, no more than one line a group
        cells = _fitting(console, len(max([group_by, *values], key=len)), cells)
    marks = [f"{value} *" if i == best else f"{value}  " for i, value in enumerate(values)]
    print_columns(console, (f"{group_by}  ", marks), cells)
    console.print(
        "\nfewest and most: parameters of the designs of a group; the other columns are of the "
        "best of them; * the best of all"
    )


def _fitting(
    console: Console, first: int, columns: list[tuple[str, list[str]]]
) -> list[tuple[str, list[str]]]:
    """The first columns that fit the width beside one of some letters and its mark."""
    room, found = console.width - first - _MARK - GAP, []
    for heading, cells in columns:
        room -= max(len(heading), *(len(cell) for cell in cells)) + GAP
        if room < 0:
            break
        found.append((heading, cells))
    return found


_MARK = 2  # letters of the mark of the best


def _key(ranking: Ranking, design: Evaluation) -> tuple[float, tuple[int, ...]]:
    return ranking.goal.sign * float(design.exact[ranking.goal.name]), design.tie_key
