"""Report of a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.result import machine_of
from modelsizer.optimizer.surveys.listing import cell
from modelsizer.optimizer.surveys.ranking import Ranking
from modelsizer.problems.architecture.choices import NARROW
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.left_open import left_open
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.lines import line, title, warnings
from modelsizer.text.kit.tables import WIDTH, Table, print_table
from modelsizer.text.kit.words import NONE, STOPS, and_more, counted, quantity, short_keys, signed
from modelsizer.text.machine_columns import keys_apart, same_machine

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.fronts.goals import Goal

_OF_DESIGNS = ("loss", "parameters", "tokens")  # in a table whatever the space offers
_SEVERAL = 2
FOLLOWING = ("heads", "d_ff", "expert_d_ff")
"""Widths that mostly follow from d_model: other choices are shown before them."""
Written = Literal["none", "some", "all"]
"""Which designs files have; where they are only the first, the command says so."""
_WHERE: dict[Written, str] = {
    "none": "; --csv PATH or --parquet PATH writes them all",
    "some": "",
    "all": "; the file has them all",
}
_RATIOS = ("aspect_ratio", "tokens_per_parameter")


def short_columns(problem: Problem, by: str, designs: Sequence[Evaluation] = ()) -> list[str]:
    """Default columns of a table of designs sorted by a quantity.

    Of the machine what is not the same for all designs of the table.
    """
    machines = [machine_of(problem, design) for design in designs]
    fixed = (by, *_OF_DESIGNS, *keys_apart(machines), *NARROW)
    return list(dict.fromkeys([*fixed, *left_open(problem.space)]))


def machine_sentence(problem: Problem, designs: Sequence[Evaluation]) -> str:
    """What the machines of all designs have in common, of what was chosen; may be empty."""
    return same_machine([machine_of(problem, design) for design in designs])


def show(design: Evaluation, name: str, rms: float | None = None) -> str:
    """The value of a design in a column, with its unit; `rms` is the error of the law."""
    value: Any = cell(design, name)
    if value is None:
        return NONE
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    if name == "loss":
        return loss_text(value, rms)
    if name == "shape_excess":
        return nats_text(value, rms)
    if name in _RATIOS:
        return format_number(value, 3) if name == "tokens_per_parameter" else f"{value:.1f}"
    if name == "training_flops_per_token":
        return format_quantity(value, "FLOPs")
    if name in QUANTITIES and QUANTITIES[name].dimension != "count":
        return quantity(value, name)
    return str(value)


def _show(problem: Problem, design: Evaluation, name: str, rms: float | None) -> str:
    """The value of a design of a problem, or what its machine has of a setting."""
    if name not in problem.menus:
        return show(design, name, rms)
    return value_text(name, machine_of(problem, design)[name])


def columns_of(ranking: Ranking, wanted: Sequence[str] | None) -> list[str]:
    """The columns to show besides the rank."""
    if wanted is not None:
        return [name for name in wanted if name != "rank"]
    shown = [group.best for group in ranking.groups] or ranking.best
    return short_columns(ranking.problem, ranking.goal.name, shown)


def print_ranking(
    console: Console, ranking: Ranking, wanted: Sequence[str] | None, *, written: Written = "none"
) -> None:
    """Print the best designs, or the best of each group."""
    problem = ranking.problem
    order = "most first" if ranking.goal.sense == "maximize" else "least first"
    title(console, problem.name)
    seen = ranking.designs if ranking.complete else ranking.looked_at
    line(
        console,
        f"{ranking.feasible:,} of {counted(seen, 'design')} keep every limit; "
        f"by {ranking.goal.name}, {order}; {ranking.seconds:.2f} s",
    )
    if not ranking.complete:
        told = f"{ranking.looked_at:,} designs were looked at, of {ranking.designs:,} in the space"
        if len(ranking.problem.layouts) > 1:
            told += ", each under every layout"
        line(console, f"Not complete: {STOPS[ranking.stop]}. {told}; others may be better.")
    line(console)
    if not ranking.feasible and not ranking.complete:
        return
    if not ranking.feasible:
        line(console, "`modelsizer solve` says why none does.")
        return
    columns = columns_of(ranking, wanted)
    if ranking.groups:
        _print_groups(console, ranking, columns, wanted)
        return
    table = best_table(ranking, columns, above=wanted is None)
    # By default, one line per design.
    print_table(console, table if wanted is not None else fitting(table))
    if wanted is None and (said := machine_sentence(problem, ranking.best)):
        line(console, said, above=1)
    if said := as_good(ranking.problem, ranking.goal, ranking.best):
        line(console, said, above=1)
    rest = ranking.feasible - len(ranking.best)
    if more := and_more(rest, _WHERE[written]):
        line(console, more, above=1)
    warnings(console, ranking.warnings)


def best_table(ranking: Ranking, columns: Sequence[str], *, above: bool = True) -> Table:
    """The best designs by rank; `above` adds how much each loses to the first."""
    return designs_table(ranking.problem, ranking.goal, ranking.best, columns, "rank", above=above)


def designs_table(
    problem: Problem,
    goal: Goal,
    designs: Sequence[Evaluation],
    columns: Sequence[str],
    heading: str = "",
    *,
    above: bool = True,
) -> Table:
    """Designs in their order; with `above`, of losses also the nats that each is over the first."""
    rms = problem.law.rms
    ranks = [str(rank) for rank in range(1, len(designs) + 1)]
    shown: list[tuple[str, list[str]]] = [(heading, ranks)]
    for name, said in zip(columns, short_keys(columns), strict=True):
        shown.append((said, [_show(problem, design, name, rms) for design in designs]))
        if above and name == goal.name == "loss":
            over = [signed(design.loss - designs[0].loss, rms=rms) for design in designs]
            shown.append(("above", over))
    return Table.of_columns(shown)


def as_good(problem: Problem, goal: Goal, designs: Sequence[Evaluation]) -> str:
    """How many designs of a list are as good as the first within the law's error; may be empty."""
    if goal.name != "loss" or problem.law.rms is None or len(designs) < _SEVERAL:
        return ""
    rms, many = problem.law.rms, len(designs)
    good = sum(design.loss - designs[0].loss <= rms for design in designs)
    if good == 1:
        return f"No other is as good as the first within the law's error ({rms:.2g} nats)."
    which = f"All {many}" if good == many else f"The first {good}"
    return f"{which} are as good within the law's error ({rms:.2g} nats)."


def fitting(table: Table, width: int = WIDTH) -> Table:
    """What fits of a table of designs; columns that tell them apart first, if it needs these."""
    own = _places(table)[-1] + 1  # after its rank, figures and layers
    found = table.fitting(width)
    varied = [len({row[i] for row in table.rows}) > 1 for i in range(table.count)]
    told_apart = len({tuple(row[own:]) for row in found.rows}) == len(found.rows)
    if told_apart or not any(varied[found.count :]):
        return found
    order = [*range(own), *_most_telling(table, own)]
    rows = [[row[i] for i in order] for row in table.rows]
    return replace(table, headings=[table.headings[i] for i in order], rows=rows).fitting(width)


def _places(table: Table) -> list[int]:
    """Where depth and width are, which may be what designs are grouped by."""
    return [i for i, name in enumerate(table.headings)
            if isinstance(name, str) and name.strip() in ("layers", "d_model")]  # fmt: skip


def _most_telling(table: Table, own: int) -> list[int]:
    """Columns from `own` on: each next one splits the most rows that those before leave alike.

    Where all split as many, a choice comes before a width that follows from others, and a column
    of one value last.
    """
    left = list(range(own, table.count))
    shown = _places(table)

    def groups(columns: Sequence[int]) -> int:
        return len({tuple(row[i] for i in columns) for row in table.rows})

    order = []
    while left:
        follows = {i: table.headings[i] in FOLLOWING for i in left}
        best = max(left, key=lambda i: (groups([*shown, i]), groups([i]) > 1, not follows[i], -i))
        left.remove(best)
        shown.append(best)
        order.append(best)
    return order


def group_table(ranking: Ranking, columns: Sequence[str]) -> Table:
    """Size, parameter range and best design of each group."""
    rows = []
    for group in ranking.groups:
        value = str(group.value).lower() if isinstance(group.value, bool) else str(group.value)
        ends = (format_quantity(end, "parameters", 3) for end in group.parameters)
        problem = ranking.problem
        cells = (_show(problem, group.best, name, problem.law.rms) for name in columns)
        rows.append([value, f"{group.designs:,}", *ends, *cells])
    headings = [ranking.group_by or "", "designs", "fewest", "most", *short_keys(columns)]
    return Table(headings, rows, words=frozenset())


def _print_groups(
    console: Console, ranking: Ranking, columns: Sequence[str], wanted: Sequence[str] | None
) -> None:
    """Print the best design of each group, with the size and parameter range of the group."""
    group_by = ranking.group_by
    assert group_by is not None
    best = min(
        range(len(ranking.groups)),
        key=lambda i: _key(ranking, ranking.groups[i].best),
    )
    table = group_table(ranking, [name for name in columns if name != group_by])
    marks = [
        [f"{value} *" if i == best else f"{value}  ", *cells]
        for i, (value, *cells) in enumerate(table.rows)
    ]
    table = replace(table, headings=[f"{group_by}  ", *table.headings[1:]], rows=marks)
    # By default, at most one line per group.
    print_table(console, table if wanted is not None else fitting(table))
    line(
        console,
        "fewest and most: parameters of the designs of a group; the other columns are of the "
        "best of them; * the best of all",
        above=1,
    )
    shown = [group.best for group in ranking.groups]
    if wanted is None and (said := machine_sentence(ranking.problem, shown)):
        line(console, said, above=1)


def _key(ranking: Ranking, design: Evaluation) -> tuple[float, tuple[int, ...]]:
    return ranking.goal.sign * float(design.exact[ranking.goal.name]), design.tie_key
