"""Reports of designs in cases: what each gives up in each case, as text and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from modelsizer.optimizer.cases import Cases
from modelsizer.problems.table_files import csv_text
from modelsizer.text.kit.lines import line
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, counted

if TYPE_CHECKING:
    from rich.console import Console

BREAKS = "breaks"
"""Cell of a design that breaks a limit of a case."""
MOST_COLUMNS = 14
"""Cases that are columns of their own; of more the mean and the worst are shown."""
_LEAST_SHOWN = 0.5  # below which a whole number would say 0
_THOUSANDTHS = 1000


def whole(value: float) -> str:
    """A value to the unit, which tells little from nothing."""
    return "<1" if 0 < value < _LEAST_SHOWN else f"{value:,.0f}"


def print_grid(
    console: Console,
    title: str,
    cases: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    worst: Sequence[str] | None = None,
) -> None:
    """Print a row of each design with a numbered column of each case.

    Parameters
    ----------
    console : Console
    title : str
    cases : sequence of str
    rows : sequence of (str, sequence of str)
        Name of each design, its own number among the cases before it, and its cell of each case.
    worst : sequence of str, optional
        The worst of each design.
    """
    numbers = [str(number) for number in range(1, len(cases) + 1)]
    columns = [(n, [cells[i] for _, cells in rows]) for i, n in enumerate(numbers)]
    if worst is not None:
        columns.append(("worst", [*worst]))
    line(console, title, above=1, below=1)
    table = Table.of_columns([("design of", [name for name, _ in rows]), *columns])
    print_table(console, replace(table, folds={0: None}))


def numbered(names: Sequence[str]) -> list[str]:
    """Names with their numbers, aligned."""
    wide = len(str(len(names)))
    return [f"{number:>{wide}} {name}" for number, name in enumerate(names, start=1)]


def print_cases(console: Console, found: Cases, name: str) -> None:
    """Print what the design of each case gives up in every other, and the safest of them.

    Parameters
    ----------
    console : Console
    found : Cases
    name : str
        What a case is, such as ``"scenario"``.
    """
    of_loss = found.quantity == "loss"
    unit = "thousandths of a nat" if of_loss else f"% of {found.quantity}"
    names = [case.name for case in found.cases]
    own = {case: j for j, one in enumerate(found.designs) for case in one.best_in}
    shown = [(label, own[case]) for label, case in zip(numbered(names), names, strict=True)
             if case in own]  # fmt: skip

    def cell(case: int, design: int) -> str:
        if names[case] in found.designs[design].best_in:
            return NONE
        if found.cases[case].best is None:
            return ""
        regret = found.regret(case, design)
        return BREAKS if regret is None else whole(_scaled(found, regret, case))

    worst = [_worst(found, design) for _, design in shown]
    if len(names) <= MOST_COLUMNS:
        rows = [(label, [cell(i, j) for i in range(len(names))]) for label, j in shown]
        title = f"What the design of a row gives up in the {name} of a column, in {unit}"
        print_grid(console, title, names, rows, worst)
    else:
        line(console, f"What the design of each {name} gives up in the others, in {unit}",
             above=1, below=1)  # fmt: skip
        columns = (
            ("design of", [label for label, _ in shown]),
            (BREAKS, [str(len(found.breaks(design))) for _, design in shown]),
            ("worst", worst),
        )
        print_table(console, replace(Table.of_columns(columns), folds={0: None}))
    said = safest_sentence(found, name)
    if any(found.breaks(design) for _, design in shown):
        where = f"a limit of that {name}" if len(names) <= MOST_COLUMNS else "a limit of so many"
        said = f"{BREAKS}: the design breaks {where}. {said}"
    line(console, said, above=1)


def safest_sentence(found: Cases, name: str) -> str:
    """The design of least greatest regret among the optima, in a sentence."""
    best = found.safest
    each = counted(len(found.cases), name)
    if best is None:
        return f"None of these designs keeps the limits of all {each}."
    one, worst = found.designs[best], found.worst(best)
    assert worst is not None
    regret, at = worst
    if not regret:
        return f"The design of {one.name} is the best in all {each}."
    many = _amount(found, float(regret), at)
    return (
        f"Of these designs the one of {one.name} gives up least at worst: {many}, in {at}. Another "
        "design may give up less."
    )


def _scaled(found: Cases, regret: float, case: int) -> float:
    """A regret as cells show it."""
    if found.quantity == "loss":
        return _THOUSANDTHS * float(regret)
    best = found.cases[case].best
    return 100 * float(regret) / abs(float(best)) if best else float("inf")


def _worst(found: Cases, design: int) -> str:
    if (worst := found.worst(design)) is None:
        return BREAKS
    at = next(i for i, case in enumerate(found.cases) if case.name == worst[1])
    return whole(_scaled(found, float(worst[0]), at))


def _amount(found: Cases, regret: float, case: str) -> str:
    at = next(i for i, one in enumerate(found.cases) if one.name == case)
    if found.quantity == "loss":
        return f"{regret:.4f} nats"
    return f"{_scaled(found, regret, at):.1f} % of {found.quantity}"


def cases_csv(found: Cases | None) -> str:
    """CSV with a line for each case: its best design, and what each design gives up there."""
    return csv_text([] if found is None else found.rows())
