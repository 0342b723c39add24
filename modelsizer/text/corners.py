"""Report of a problem at its corners: what holds, what turns, and what each choice may lose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.laws.corners import Corner, ProblemCorners
from modelsizer.optimizer.laws.holding import choices_held
from modelsizer.optimizer.laws.least_regret import LeastRegret
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.left_open import left_open
from modelsizer.problems.units import format_fixed, format_quantity
from modelsizer.text.kit.lines import INDENT, line, paragraph, section
from modelsizer.text.kit.tables import GAP, WIDTH, Heading, Table, print_table
from modelsizer.text.kit.words import NONE, counted, joined, not_complete, setting, shape

if TYPE_CHECKING:
    from rich.console import Console

_ALWAYS = ("layers", "d_model", "kv_heads")
_RANGES = ("layers", "d_model", "d_ff", "full_layers", "expert_d_ff")
_FOLLOWS = {"heads": "head_dim"}  # a choice that turns only with another one
_FEW = 3  # values that are listed
_SEVERAL = 2  # corners of which something can be said
_DIGITS = 3
_LONGEST_NAME = 17  # letters of a corner's names on a line
_LEAST = 5e-5  # nats, below which a cell of four decimals would say 0
_NO_DESIGN = {"infeasible": "no design", "limit": "not proven"}


def print_corners(
    console: Console, found: ProblemCorners, judged: str = "the answer", of: str = ""
) -> None:
    """Print what holds at the corners of a problem, and a row for each.

    Parameters
    ----------
    console : Console
    found : ProblemCorners
    judged : str
        What `found.judged` is.
    of : str
        What the corners are of, if there are others.
    """
    section(console, f"Corners of {of}" if of else "Corners")
    if said := holding_sentence(found):
        paragraph(console, said, expand=False)
        line(console)
    if found.apart and all(corner.status == "infeasible" for corner in found.apart):
        paragraph(console, "No design keeps every limit at any corner.", expand=False)
        return
    rows = corners_table(found, judged)
    wide = INDENT + sum(rows.widths) + GAP * (rows.count - 1) > WIDTH
    print_table(console, rows, indent=INDENT, gap=1 if wide else GAP)
    notes = list(corner_notes(found, judged))
    for at, note in enumerate(notes):
        paragraph(console, note, above=0 if at else 1, expand=False)


def holding_sentence(found: ProblemCorners) -> str:
    """What the optima share and where a choice turns; empty unless two corners are proven."""
    optima, turns = found.optima, found.turns
    if found.design is None or len(optima) < _SEVERAL:
        return ""
    many, values = len(optima), choices_held(optima.values())
    named = dict.fromkeys((*_ALWAYS, *left_open(found.problem.space)))
    held: dict[int, list[str]] = {many: []}
    for name in values:
        if name in named and name not in turns:
            held[many].append(f"{name} {_span(name, values[name])}")
        elif name in turns and _FOLLOWS.get(name) not in turns:
            held.setdefault(many - len(turns[name]), []).append(_turned(found, name))
    words = {many: f"all {counted(many, 'corner')}", 0: f"none of {many}"}
    said = [
        f"Holds in {words.get(count, f'{count} of {many}')}: {', '.join(held[count])}"
        for count in sorted(held, reverse=True)
        if held[count]
    ]
    return f"{'. '.join(said)}."


def _turned(found: ProblemCorners, name: str) -> str:
    """A choice where it holds, and where it turns: ``kv_heads 8 (1 at ablations low)``."""
    places = found.turns[name]
    elsewhere = (a for corner, a in found.optima.items() if corner not in places)
    values = choices_held(elsewhere).get(name, [None]) if len(places) < len(found.optima) else []
    by_value: dict[str, list[str]] = {}
    for corner, value in places.items():
        by_value.setdefault(_word(value), []).append(corner)
    away = "; ".join(f"{value} at {joined(names)}" for value, names in by_value.items())
    return f"{name} {_span(name, values)} ({away})" if values else f"{name} ({away})"


def _span(name: str, values: Sequence[Any]) -> str:
    """Values of a choice: a range, or a few of them."""
    words = [_word(value) for value in values]
    if len(words) > 1 and (name in _RANGES or len(words) > _FEW) and None not in values:
        return f"{words[0]} to {words[-1]}"
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _word(value: Any) -> str:
    return "none" if value is None else setting({"": value}, "")


def corners_table(found: ProblemCorners, judged: str = "the answer") -> Table:
    """A row for each corner that is a problem of its own, under all its names."""
    rows = list(found.apart)
    names = [
        ", ".join([row.name, *(c.name for c in found.corners if c.same_as == row.name)])
        for row in rows
    ]
    columns: list[tuple[Heading, list[str]]] = [("corner", names)]
    sought = found.problem.objective.quantity
    if sought != "loss":
        columns.append((sought, [_objective(row, sought) for row in rows]))
    columns += [
        ("loss", [_loss(row) for row in rows]),
        ("shape", [_cell(row, lambda d: shape(d.architecture)) for row in rows]),
    ]
    designs = [architecture_dict(row.design.architecture) for row in rows if row.design]
    if any(design["kv_heads"] is not None for design in designs):
        columns.append(("kv", [_cell(row, lambda d: _choice(d, "kv_heads")) for row in rows]))
    if any(design["routed_experts"] is not None for design in designs):
        columns.append(("experts", [_cell(row, _experts) for row in rows]))
    columns += [
        ("N", [_cell(row, _size) for row in rows]),
        ("D", [_cell(row, _tokens) for row in rows]),
    ]
    for heading, regret in _judgements(found, judged):
        columns.append((heading, [_nats(regret.get(row.name)) for row in rows]))
    made = Table.of_columns(columns, words=frozenset({0}))
    return replace(made, folds={0: _LONGEST_NAME})


def _judgements(
    found: ProblemCorners, judged: str
) -> Iterator[tuple[Heading, Mapping[str, float]]]:
    """Columns of regrets: of the answer, and of the design of least greatest regret."""
    least = found.least_regret
    if found.regret:
        yield ("regret", judged.removeprefix("the ")), found.regret
    if least is not None and not _is_judged(found, least):
        yield ("regret", "least"), least.regret


def _is_judged(found: ProblemCorners, least: LeastRegret) -> bool:
    return found.judged is not None and found.judged.architecture == least.design.architecture


def corner_notes(found: ProblemCorners, judged: str = "the answer") -> Iterator[str]:
    """Sentences below the table."""
    if not found.complete:
        yield f"{not_complete(found.stop)} before all was proven."
    if len(found.optima) >= _SEVERAL:
        yield "A choice holds where it is within a factor of two of the answer's."
    for corner in found.corners:
        if corner.status == "refused":
            yield f"Not a corner here: {corner.name}, since {corner.reason}."
    if found.why_not:
        yield f"No regrets: {found.why_not}."
    if any(corner.name not in found.regret for corner in found.apart if found.regret):
        yield "A design without a regret at a corner breaks a limit there."
    least = found.least_regret
    if least is None:
        return
    proven = "proven" if least.proven else f"of all designs at least {_nats(least.bound)}"
    worst = max(found.regret.values(), default=math.nan)
    same = _is_judged(found, least)
    if same and not least.worst:
        where = "corner" if len(found.optima) == len(found.apart) else "corner that has a design"
        yield f"{judged[0].upper()}{judged[1:]} is the best at every {where}, proven."
        return
    yield "Regret: nats above the least loss of the row's corner, with as many tokens as fit."
    what = f"{judged} has" if same else f"{_design(found, least.design)} has"
    text = f"Least greatest regret: {what} at most {_nats(least.worst)} nats, at {least.worst_at}"
    text += f" ({proven})"
    if not same and math.isfinite(worst):
        at = max(found.regret, key=lambda name: found.regret[name])
        text += f"; {judged} has {_nats(worst)}, at {at}"
    error = found.problem.law.rms
    if error is not None:
        text += f". The law's own error is {format_fixed(error, _DIGITS)} nats"
    yield f"{text}."


def _design(found: ProblemCorners, design: Evaluation) -> str:
    """Depth, width and size, and the open choices in which it is not the answer."""
    mine = architecture_dict(design.architecture)
    theirs = {} if found.design is None else architecture_dict(found.design.architecture)
    open_ = dict.fromkeys(("kv_heads", *left_open(found.problem.space)))
    differ = [name for name in open_ if mine[name] is not None and mine[name] != theirs.get(name)]
    choices = joined([f"{name} {setting(mine, name)}" for name in differ])
    size = f"{_size(design)} parameters, {_tokens(design)} tokens"
    return f"{shape(design.architecture)}{' with ' * bool(choices)}{choices} ({size})"


def _cell(row: Corner, of: Callable[[Evaluation], str]) -> str:
    return NONE if row.design is None else of(row.design)


def _loss(row: Corner) -> str:
    if row.design is None:
        return _NO_DESIGN.get(row.status, NONE)
    return format_fixed(row.design.loss, _DIGITS)


def _objective(row: Corner, name: str) -> str:
    if row.design is None:
        return NONE
    return format_quantity(row.design.quantity(name), QUANTITIES[name].dimension, _DIGITS)


def _choice(design: Evaluation, name: str) -> str:
    return setting(architecture_dict(design.architecture), name)


def _experts(design: Evaluation) -> str:
    """Active and routed experts: ``8/128``."""
    found = _of(design.architecture)
    if found["routed_experts"] is None:
        return "none"
    return f"{found['active_experts']}/{found['routed_experts']}"


def _of(architecture: Architecture) -> dict[str, Any]:
    return architecture_dict(architecture)


def _size(design: Evaluation) -> str:
    return format_quantity(design.parameters.total, "parameters", _DIGITS)


def _tokens(design: Evaluation) -> str:
    if not math.isfinite(design.tokens):
        return "unlimited"
    return format_quantity(design.tokens, "tokens", _DIGITS)


def _nats(value: float | None) -> str:
    if value is None:
        return NONE
    return "0" if not value else "<.0001" if value < _LEAST else format_fixed(value, 4)
