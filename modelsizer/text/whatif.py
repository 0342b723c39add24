"""Report of scenarios side by side, as text and CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.result import BudgetUse, machine_of
from modelsizer.optimizer.sweeps.whatif import BASE, Answer, WhatIf
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import flattened
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_quantity
from modelsizer.text.cases import print_cases
from modelsizer.text.kit.lines import line, paragraph, section, title
from modelsizer.text.kit.tables import Heading, Styled, Table, print_table
from modelsizer.text.kit.words import NONE, STOPS, percent, quantity, setting, signed
from modelsizer.text.machine_columns import machine_columns, same_machine

if TYPE_CHECKING:
    from rich.console import Console

MOST_COLUMNS = 3
"""Most scenarios beside the base that are printed as columns; more are printed as rows."""
_BINDS = " *"
_LONGEST_NAME = 24  # letters of a name as a row's head, beyond which it is folded
_LONGEST_HEAD = 15  # and as a column's
_NO_DESIGN = {"infeasible": "no design", "limit": "not proven"}
_Cell = Callable[[Answer], str]


# Cells


def _loss(answer: Answer) -> str:
    design = answer.result.design
    return NONE if design is None else quantity(design.loss, "loss", answer.result.problem.law.rms)


def _objective(answer: Answer) -> str:
    sought = answer.result.objective
    if sought.value is None:
        return NONE
    return format_quantity(sought.value, QUANTITIES[sought.name].dimension)


def _size(answer: Answer) -> str:
    design = answer.result.design
    return NONE if design is None else format_quantity(design.parameters.total, "parameters")


def _tokens(answer: Answer) -> str:
    design = answer.result.design
    if design is None:
        return NONE
    if not math.isfinite(design.tokens):
        return "unlimited"
    return format_quantity(design.tokens, "tokens")


def _setting(choices: Mapping[str, Mapping[str, Any]], name: str) -> _Cell:
    def cell(answer: Answer) -> str:
        return setting(choices[answer.scenario.name], name)

    return cell


def _amount(name: str) -> _Cell:
    def cell(answer: Answer) -> str:
        use = answer.uses.get(name)
        if use is None:
            return NONE
        return format_quantity(use.used, use.unit) + (_BINDS if use.binding else "")

    return cell


def _share(name: str, *, mark: bool = False) -> _Cell:
    def cell(answer: Answer) -> str:
        use = answer.uses.get(name)
        if use is None:
            return NONE
        return percent(share(use)) + (_BINDS if mark and use.binding else "")

    return cell


def share(use: BudgetUse) -> float:
    """Use as a fraction of the limit."""
    return float(use.used) / float(use.limit)


def _changes(found: WhatIf) -> list[tuple[str, _Cell]]:
    """Rows of the comparison, without those of the constraints."""
    objective = found.base.result.objective
    rows: list[tuple[str, _Cell]] = []
    if any(answer.result.status != "optimal" for answer in found.answers):
        rows.append(("status", lambda a: _NO_DESIGN.get(a.result.status, a.result.status)))
    if not (found.one_objective and objective.name == "loss"):
        dimension = QUANTITIES[objective.name].dimension
        name = objective.name if found.one_objective else "objective"
        rows.append((name, _objective))
        rows.append(("change", lambda a: _less(a, found.objective_change(a), dimension)))
    rows.append(("loss", _loss))
    rows.append(("change", lambda a: _less(a, found.loss_change(a), "nats")))
    choices = found.choices
    rows += [(name, _setting(choices, name)) for name in found.differing]
    rows += _machines(found)
    return [*rows, ("parameters", _size), ("tokens", _tokens)]


def _machines(found: WhatIf) -> list[tuple[str, _Cell]]:
    """Rows of what differs of the machines that were chosen."""
    names = [answer.scenario.name for answer in found.answers]
    chosen = [_machine(answer) for answer in found.answers]

    def cells_by(name: str, cells: list[str]) -> tuple[str, _Cell]:
        by_name = dict(zip(names, cells, strict=True))
        return name, lambda answer: by_name[answer.scenario.name]

    return [cells_by(name, cells) for name, cells in machine_columns(chosen)]


def _machine(answer: Answer) -> dict[str, Any] | None:
    design = answer.result.design
    return None if design is None else machine_of(answer.result.problem, design)


def _heading(name: str) -> tuple[str, ...]:
    """A name on several lines, which break after an equals sign rather than within a value."""
    key, equals, value = name.partition("=")
    parts = (f"{key}{equals}", value) if value else (key,)
    return tuple(piece for part in parts for piece in wrap(part, _LONGEST_HEAD))


def _less(answer: Answer, change: float | None, dimension: str) -> str:
    rms = answer.result.problem.law.rms
    return "" if answer.scenario.name == BASE else signed(change, dimension, rms=rms)


# Tables


def print_whatif(console: Console, found: WhatIf) -> None:
    """Print the answers, with few scenarios as columns and many as rows."""
    title(console, found.base.scenario.problem.name)
    if len(found.others) <= MOST_COLUMNS:
        _print_columns(console, found)
    else:
        _print_rows(console, found)
    notes = []
    if said := same_machine([m for m in map(_machine, found.answers) if m is not None]):
        notes.append(said)
    if found.limits:
        notes.append("* binds: the design is at the limit, or something better fits without it.")
    if found.incomparable:
        names = ", ".join(found.incomparable)
        notes.append(f"Judged by another law than the base, on a scale of its own: {names}.")
    if not found.others:
        notes.append("There is no scenario: give --scenario 'name: key=value', --set key=a,b or a "
                     "table [scenarios.name] in the file.")  # fmt: skip
    if notes:
        line(console)
    for note in notes:
        line(console, Styled(note, "dim"))
    _print_reasons(console, found)
    cases = found.cases()
    if cases is not None and len(cases.designs) > 1:
        print_cases(console, cases, "scenario")


def _print_reasons(console: Console, found: WhatIf) -> None:
    for answer in found.answers:
        if answer.result.status == "infeasible":
            section(console, f"{answer.scenario.name}: no design keeps every limit")
            for reason in answer.reasons:
                paragraph(console, f"- {reason}")
        elif answer.result.status == "limit":
            why = STOPS[answer.result.stop]
            line(console, f"{answer.scenario.name}: {why} before the proof", above=1)


def _print_columns(console: Console, found: WhatIf) -> None:
    sections: list[tuple[str, list[tuple[str, _Cell]]]] = [("", _changes(found))]
    if keys := _keys(found):
        sections.insert(0, ("what is set", [(key, _set(found, key)) for key in keys]))
    limits: list[tuple[str, _Cell]] = []
    for name in found.limits:
        limits += [(name, _amount(name)), ("  of the limit", _share(name))]
    if limits:
        sections.append(("limits", limits))
    body: list[list[str]] = []
    for at, (heading, rows) in enumerate(sections):
        if at or heading:
            body += [[""]] if at and heading else []
            body.append([Styled(heading, "dim")])
        for name, cell in rows:
            body.append([f"  {name}", *(cell(answer) for answer in found.answers)])
    names = (answer.scenario.name for answer in found.answers)
    headings: list[Heading] = ["", *map(_heading, names)]
    folds = dict.fromkeys(range(1, len(headings)), _LONGEST_HEAD)
    print_table(console, Table(headings, body, folds=folds))


def _keys(found: WhatIf) -> list[str]:
    """Keys set by any scenario."""
    return list(dict.fromkeys(key for answer in found.others for key in answer.scenario.settings))


def _set(found: WhatIf, key: str) -> _Cell:
    own = flattened(found.base.scenario.problem.to_dict())

    def cell(answer: Answer) -> str:
        if answer.scenario.name == BASE:
            return value_text(key, own[key]) if key in own else NONE
        settings = answer.scenario.settings
        return value_text(key, settings[key]) if key in settings else ""

    return cell


def _print_rows(console: Console, found: WhatIf) -> None:
    for text in filter(None, (_settings_words(answer) for answer in found.others)):
        line(console, f"  {text}")
    line(console)
    print_table(console, _by_scenario(found, _changes(found)))
    if found.limits:
        line(console, Styled("share of each limit that is used", "dim"), above=1)
        shares = [(name, _share(name, mark=True)) for name in found.limits]
        print_table(console, _by_scenario(found, shares))


def _settings_words(answer: Answer) -> str:
    """Settings of a scenario, unless its name states them."""
    name = answer.scenario.name
    parts = [f"{key} = {value_text(key, v)}" for key, v in answer.scenario.settings.items()]
    if len(parts) == 1 and name.rpartition("=")[2] in parts[0] and "=" in name:
        return ""
    return f"{name}: {', '.join(parts)}"


def _by_scenario(found: WhatIf, columns: Sequence[tuple[str, _Cell]]) -> Table:
    """A table with a row for each scenario."""
    rows = [
        [answer.scenario.name, *(cell(answer) for _, cell in columns)] for answer in found.answers
    ]
    return Table(["", *(name for name, _ in columns)], rows, folds={0: _LONGEST_NAME})


# CSV


def whatif_csv(found: WhatIf) -> str:
    """CSV with a line for each scenario, in base units; missing values are empty fields."""
    rows, cases = [_csv_row(found, answer) for answer in found.answers], found.cases()
    if cases is not None:
        rows = [row | cases.regret_columns(i) for i, row in enumerate(rows)]
    return csv_text(rows)


def _csv_row(found: WhatIf, answer: Answer) -> dict[str, Any]:
    result = answer.result
    row: dict[str, Any] = {
        "name": answer.scenario.name,
        "settings": "; ".join(f"{k}={_plain(v)}" for k, v in answer.scenario.settings.items()),
        "status": result.status,
        "objective": result.objective.value,
        "loss": None,
        "loss_change": found.loss_change(answer),
    }
    if (design := result.design) is not None:
        row |= {"loss": design.loss}
        row |= {k: _plain(v) for k, v in architecture_dict(design.architecture).items()}
        row |= {"parameters": design.parameters.total, "tokens": design.tokens}
        row["training_flops"] = design.training_flops
        row |= {key: _plain(value) for key, value in (_machine(answer) or {}).items()}
    for name, use in answer.uses.items():
        row |= {f"{name}_used": use.used, f"{name}_limit": use.limit}
        row |= {f"{name}_share": share(use), f"{name}_binds": _plain(use.binding)}
    row["reason"] = "; ".join(answer.reasons)
    return row


def _plain(value: object) -> object:
    """A value in the notation of a problem file, on one line."""
    return (
        value
        if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
        else (json.dumps(value))
    )
