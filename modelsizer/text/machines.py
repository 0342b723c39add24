"""Report of the machine of an answer, and of what insisting on another costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.surveys.machines import Forced, Machine, Machines
from modelsizer.problems.architecture.choices import SIZES
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.laws.digits import NOISE
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import Number
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, title
from modelsizer.text.kit.tables import Heading, Table, print_table
from modelsizer.text.kit.words import NONE, UNKNOWN, quantity, shape, short_keys, signed

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.designs.evaluation import Evaluation

_MOST_NAMED = 8  # other values of a menu, the cheapest first
_NONE = "no design"
_WHOLE = 10  # percent from which decimals say nothing
_MOST_AS_GOOD = 3  # machines that are as good


def print_machines(console: Console, found: Machines) -> None:
    """Print the values chosen, what another of each costs, and the runner-up."""
    section(console, "Machine")
    print_table(console, machine_table(found), indent=INDENT)
    paragraph(console, runner_up_words(found), above=1, expand=False)


def print_all_machines(console: Console, found: Machines) -> None:
    """Print the machine chosen, and a row for every other value of each menu."""
    result = found.result
    title(console, result.problem.name)
    name, design = result.objective.name, shape(result.best.architecture)
    best = quantity(result.objective.value or 0, name, result.problem.law.rms)
    line(console, f"{name} {best}, {design}", below=1)
    print_table(console, Table((), [(k, _value(found, k, v)) for k, v in found.chosen.items()]))
    section(console, "Insisting on another")
    print_table(console, _forced_table(found), indent=INDENT)
    paragraph(console, runner_up_words(found), above=1, expand=False)


def _forced_table(found: Machines) -> Table:
    """A row for each other value: what it costs, the design, and what else differs."""
    unit = "nats" if found.result.objective.name == "loss" else "more"
    rows, before = [], ""
    for each in sorted(found.forced, key=_place(found)):
        cells = ["" if each.key == before else each.key, _value(found, each.key, each.value)]
        before = each.key
        if each.design is None or each.machine is None:
            rows.append([*cells, UNKNOWN if each.status == "limit" else _NONE])
            continue
        rest = {**each.machine, each.key: found.chosen[each.key]}
        also = differing(found, rest)
        rows.append([*cells, cost(found, each), shape(each.design.architecture), also])
    headings: list[Heading] = ["", "value", unit, ("layers x", "d_model"), "with"]
    return Table(headings, rows, words=frozenset({0, 1, 4}), folds={4: None})


def _place(found: Machines) -> Callable[[Forced], tuple[int, float]]:
    """Order: by key as the problem has them, the cheapest value first."""
    keys = list(found.chosen)

    def place(each: Forced) -> tuple[int, float]:
        return keys.index(each.key), math.inf if each.difference is None else abs(each.difference)

    return place


def machines_csv(found: Machines) -> str:
    """CSV with a line for each other value, after one for the machine chosen."""
    keys = list(found.chosen)
    best = found.result
    rows = [_csv_row("", "", "optimal", best.objective.value, 0, best.best, found.chosen)]
    rows += [
        _csv_row(
            each.key, each.value, each.status, each.objective, each.difference, each.design,
            each.machine or {},
        )
        for each in found.forced
    ]  # fmt: skip
    columns = ("key", "value", "status", "objective", "difference", *SIZES, *keys)
    return csv_text(rows, columns)


def _csv_row(
    key: str,
    value: object,
    status: str,
    objective: Number | None,
    difference: float | None,
    design: Evaluation | None,
    machine: Machine,
) -> dict[str, Any]:
    widths = {} if design is None else architecture_dict(design.architecture)
    return {
        "key": key,
        "value": value,
        "status": status,
        "objective": objective,
        "difference": difference,
        **{name: widths.get(name) for name in SIZES},
        **machine,
    }


def machine_table(found: Machines) -> Table:
    """A row for each menu: its key, the value chosen, and what the others cost."""
    rows = []
    for key, value in found.chosen.items():
        others = [each for each in found.forced if each.key == key]
        rows.append((key, _value(found, key, value), _others(found, others)))
    name = found.result.objective.name
    unit = "nats" if name == "loss" else f"of {name}"
    headings = ("", "chosen", f"insisting on another costs, {unit}")
    return Table(headings, rows, words=frozenset({0, 1, 2}), folds={2: None})


def _others(found: Machines, others: list[Forced]) -> str:
    """Other values of a menu: the cheapest first, those without a design last."""
    known = [each for each in others if each.difference is not None]
    known.sort(key=lambda each: abs(each.difference or 0))
    texts = [f"{_value(found, each.key, each.value)} {cost(found, each)}" for each in known]
    shown = texts[:_MOST_NAMED]
    if more := len(texts) - len(shown):
        shown.append(f"{more:,} more up to {cost(found, known[-1])}")
    for status, words in (("infeasible", _NONE), ("limit", UNKNOWN)):
        without = [_value(found, each.key, each.value) for each in others if each.status == status]
        if without:
            many = len(without) > _MOST_NAMED
            shown.append(f"{f'{len(without):,} others' if many else ', '.join(without)}: {words}")
    return ", ".join(shown) or NONE


def cost(found: Machines, each: Forced) -> str:
    """What a value costs: nats of loss, or the change of another objective."""
    name = found.result.objective.name
    if each.difference is None or not _dearer(each):
        return "+0"
    if name == "loss":
        return signed(each.difference, rms=found.result.problem.law.rms)
    best = float(found.result.objective.value or 0)
    if best:
        share = 100 * each.difference / best
        return f"{share:+.0f} %" if abs(share) >= _WHOLE else f"{share:+.2g} %"
    return signed(each.difference, QUANTITIES[name].dimension, 3)


def runner_up_words(found: Machines) -> str:
    """The best answer on another machine, in a sentence, or those that are as good."""
    best = found.runner_up
    if best is None:
        if not found.complete:
            return "The runner-up is not known: the time did not suffice for all of them."
        return "No other machine has a design."
    known = [each for each in found.forced if each.difference is not None]
    even = list(dict.fromkeys(_changed(found, each) for each in known if not _dearer(each)))
    if not even:
        return f"Runner-up: {_described(found, best)}."
    more = len(even) - _MOST_AS_GOOD
    words = "; ".join([*even[:_MOST_AS_GOOD], *([f"{more:,} more"] if more > 0 else [])])
    dearer = [each for each in known if _dearer(each)]
    if not dearer:
        return f"As good: {words}."
    next_best = min(dearer, key=lambda each: abs(each.difference or 0))
    return f"As good: {words}. Next: {_described(found, next_best)}."


def _dearer(each: Forced) -> bool:
    return abs(each.difference or 0) > NOISE


def _changed(found: Machines, each: Forced) -> str:
    assert each.machine is not None
    return differing(found, each.machine)


def _described(found: Machines, each: Forced) -> str:
    """In what a machine differs, its design and what it costs."""
    assert each.design is not None
    same = each.design.architecture == found.result.best.architecture
    design = "the same design" if same else shape(each.design.architecture)
    return f"{_changed(found, each)}, {design}, {cost(found, each)}"


def differing(found: Machines, other: Machine) -> str:
    """The values in which a machine differs from the chosen one."""
    chosen = found.chosen
    return ", ".join(
        f"{name} {_value(found, key, other[key])}"
        for key, name in zip(chosen, short_keys(list(chosen)), strict=True)
        if other[key] != chosen[key]
    )


def _value(found: Machines, key: str, value: object) -> str:
    """A value of a menu; of a table such as speculation the parts that are not the same in all."""
    if isinstance(value, dict):
        offered = [found.chosen[key], *(each.value for each in found.forced if each.key == key)]
        tables = [each for each in offered if isinstance(each, dict)]
        telling = [part for part in value if any(t.get(part) != value[part] for t in tables)]
        return " ".join(f"{part} {value[part]}" for part in telling or value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
