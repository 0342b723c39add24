"""Report of a problem: what is sought, the limits, and the tables as they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.constraints import Constraint, constraints, value_text
from modelsizer.problems.reading import flattened
from modelsizer.problems.summary import Summary
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import INDENT, line, pairs, section, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import counted

if TYPE_CHECKING:
    from rich.console import Console

_TOLD = ("name", "scenarios")
"""Tables that are named only."""


def print_problem(console: Console, found: Summary) -> None:
    """Print the objective and the number of designs, every limit, and every other key given."""
    problem = found.problem
    title(console, problem.name)
    of = counted(found.designs, "design")
    if found.layouts > 1:
        of += f" under {counted(found.layouts, 'layout')}"
    line(console, f"{found.goal} ({problem.law.name}, shape {problem.shape.name}) over {of}")
    section(console, "Limits")
    rows = [_limit(found, one) for one in constraints(problem)]
    print_table(console, Table((), rows, words=frozenset({0, 1, 3})), indent=INDENT)
    given = {k: v for k, v in problem.to_dict().items() if k not in (*_TOLD, "budgets")}
    section(console, "Given")
    pairs(console, [(key, value_text(key, value)) for key, value in flattened(given).items()])
    if problem.scenarios:
        line(console, f"scenarios: {', '.join(problem.scenarios)}")


def print_problems(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the names of problems, what they are about, and their numbers of designs."""
    cells = [(str(row["name"]), str(row["about"]), f"{row['designs']:,}") for row in rows]
    headings, words = ("name", "about", "designs"), frozenset({0, 1})
    print_table(console, Table(headings, cells, words, {1: None}))


def _limit(found: Summary, one: Constraint) -> tuple[str, str, str, str]:
    """Name, sign, value and origin of a limit; each machine on offer may have its own."""
    devices = {device for name, device, _ in found.default_limits if name == one.quantity}
    if one.device and len(devices) > 1:
        return one.name, one.sign, "", "what fits the accelerator chosen (default)"
    return one.name, one.sign, format_quantity(one.limit, one.dimension), one.given_as
