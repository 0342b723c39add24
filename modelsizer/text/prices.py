"""Report of the prices of constraints, as text and CSV, and the rows of their figures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.prices.prices import PERCENTS, SHOWN, Change, Price, Prices
from modelsizer.plots.drawing.axes import words
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import Number, exact, format_quantity
from modelsizer.text.kit.lines import INDENT, line, paragraph, title
from modelsizer.text.kit.tables import Styled, Table, print_table
from modelsizer.text.kit.words import (
    NONE,
    STOPS,
    UNKNOWN,
    not_complete,
    quantity,
    signed,
    signed_percent,
)

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.plots.limits.tornado import Row

IN_TABLE = (-SHOWN, -1, 1, SHOWN)
CURVE_STEPS, CURVE_SPAN, LOSS_SPAN = 20, 2.0, 1.1
"""Points of a price curve on each side of the current limit, and its span as a factor."""
_DIGITS = (4, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in which the price of a constraint is stated."""

    name: str
    size: Fraction


_UNITS: dict[str, tuple[Unit, ...]] = {
    "bytes": (Unit("GiB", Fraction(2**30)), Unit("MiB", Fraction(2**20)),
              Unit("KiB", Fraction(2**10))),
    "parameters": (Unit("1B parameters", Fraction(10**9)), Unit("1M parameters", Fraction(10**6))),
    "tokens": (Unit("1T tokens", Fraction(10**12)), Unit("1B tokens", Fraction(10**9))),
    "FLOPs": (Unit("TFLOP", Fraction(10**12)), Unit("GFLOP", Fraction(10**9)),
              Unit("MFLOP", Fraction(10**6))),
    "seconds": (Unit("day", Fraction(86400)), Unit("hour", Fraction(3600)), Unit("s", Fraction(1)),
                Unit("ms", Fraction(1, 1000)), Unit("us", Fraction(1, 10**6))),
    "dollars": (Unit("1M USD", Fraction(10**6)), Unit("1K USD", Fraction(1000)),
                Unit("USD", Fraction(1))),
    "kWh": (Unit("GWh", Fraction(10**6)), Unit("MWh", Fraction(1000)), Unit("kWh", Fraction(1))),
    "tokens/s": (Unit("token/s", Fraction(1)),),
    "nats": (Unit("0.01 nats", Fraction(1, 100)),),
    "count": (Unit("unit", Fraction(1)),),
}  # fmt: skip
_POWERS_FROM = 10**15  # FLOPs from which a limit is a budget, not FLOPs per token


def unit_of(price: Price) -> Unit:
    """The largest unit not above the limit; for a FLOPs budget a power of ten below it."""
    limit = exact(price.constraint.limit)
    if price.constraint.dimension == "FLOPs" and limit >= _POWERS_FROM:
        power = len(str(int(limit))) - 2  # about a tenth of the limit
        return Unit(f"1e{power} FLOPs", Fraction(10**power))
    if price.constraint.dimension == "count":
        return Unit({"layers": "layer"}.get(price.constraint.quantity, "unit"), Fraction(1))
    sizes = _UNITS[price.constraint.dimension]
    return next((unit for unit in sizes if limit >= unit.size), sizes[-1])


def _change(change: Change, objective: str, rms: float | None) -> str:
    """A change of the objective with its unit."""
    if change.change is None:
        return "none fits" if change.status == "infeasible" else UNKNOWN
    return _each(change.change, objective, rms)


def _each(value: float, objective: str, rms: float | None) -> str:
    return signed(value, QUANTITIES[objective].dimension, 3, rms)


def _name(price: Price) -> str:
    name = price.constraint.name
    return (QUANTITIES[name].short if name in QUANTITIES else "") or name


def _limit(price: Price) -> str:
    sign = "= " if price.constraint.equality else "" if price.constraint.side == "max" else ">= "
    text = format_quantity(price.constraint.limit, price.constraint.dimension)
    return sign + text.removesuffix(" tokens/s")  # the name already has the unit


def _apart(price: Price, value: Number | None, none: str) -> str:
    """A limit with enough digits to tell it from the current one."""
    if value is None:
        return none
    kind = price.constraint.dimension
    today, text = price.constraint.limit, ""
    for digits in _DIGITS:
        text = format_quantity(value, kind, digits)
        if value == today or text != format_quantity(today, kind, digits):
            break
    return text


def print_prices(console: Console, found: Prices, file: str = "") -> None:
    """Print the price of each constraint, the largest first; `file` has the problem, if one has."""
    result = found.result
    if result.status == "infeasible":
        command = f"modelsizer explain {file}".rstrip()
        line(console, "Proven infeasible: no design keeps every limit, so none has a price. "
                      f"`{command}` says which limits conflict.")  # fmt: skip
        return
    if result.status != "optimal":
        title(console, result.problem.name)
        line(console, f"No price is known: {STOPS[found.stop]} before the optimum was proven; "
                      f"{found.seconds:.1f} s")  # fmt: skip
        return
    objective, sought = result.objective.name, result.objective
    best = result.best
    assert sought.value is not None
    shape = f"{best.architecture.layers} layers of {best.architecture.trunk.d_model}"
    rms = result.problem.law.rms
    value = quantity(sought.value, objective, rms)
    title(console, result.problem.name)
    line(console, f"Today: {shape}, {objective} {value}; {found.seconds:.1f} s", below=1)
    if not found.rows:
        line(console, "No limit is given that could be priced.")
        return
    if not found.complete:
        told = f"{not_complete(found.stop)} before the values marked {UNKNOWN} were found."
        line(console, told, below=1)
    named = [row.constraint for row in found.rows if row.constraint.reference]
    if named:
        each = ", ".join(f"{limit.name} ({limit.reference})" for limit in named)
        paragraph(console, f"Limits that are those of a model move as numbers: {each}.")
        line(console)
    headings = ["limit", "today", "", *(f"{p:+d} %" for p in IN_TABLE)]
    rows = [
        [
            _name(row),
            _limit(row),
            UNKNOWN if row.binding is None else "binds" if row.binding else "slack",
            *(_change(row.at(percent), objective, rms) for percent in IN_TABLE),
        ]
        for row in found.rows
    ]
    changes = Table(headings, rows)
    _print(console, f"Change of {objective} at another limit, solved again", changes)
    _print_worth(console, found)
    _print(console, f"Limits at which {shape} stays the best, all else held", _ranges(found))
    _print_multipliers(console, found)


def _print(console: Console, heading: str, table: Table) -> None:
    """Print a table under a heading, followed by an empty line."""
    line(console, Styled(heading, "bold"))
    print_table(console, table, indent=INDENT, below=1)


def _print_worth(console: Console, found: Prices) -> None:
    moves = [
        row
        for row in found.rows
        # The price of compute in compute is trivial.
        if "worth" not in row.unfinished
        and any(c.worth and round(c.worth, 3) != c.percent for c in row.changes)
    ]
    if not moves:
        return
    percents = (*(-p for p in PERCENTS[:0:-1]), *PERCENTS[1:])
    rows = [
        [_name(row), *(signed_percent(c.worth) for c in row.changes if abs(c.percent) > 1)]
        for row in moves
    ]
    table = Table(["limit", *(f"{p:+d} %" for p in percents)], rows)
    _print(console, "Worth as much as so much more, or less, compute", table)


def _ranges(found: Prices) -> Table:
    """Ranges of each limit in which the design stays optimal and in which nothing changes."""
    rows = []
    for row in found.rows:
        if row.stays is None or row.same_until is None:
            rows.append((_name(row), _limit(row), UNKNOWN, UNKNOWN, UNKNOWN))
            continue
        start = _apart(row, row.stays.start, "any")
        end = _apart(row, row.stays.end, "any")
        if row.constraint.side == "max":
            end = end if row.stays.end is None else f"below {end}"
        else:
            start = start if row.stays.start is None else f"above {start}"
        same = row.same_until == row.constraint.limit
        spare = NONE if same else _apart(row, row.same_until, NONE)
        rows.append((_name(row), _limit(row), start, end, spare))
    return Table(("limit", "today", "from", "to", "the same until"), rows)


def _print_multipliers(console: Console, found: Prices) -> None:
    relaxation, objective = found.relaxation, found.result.objective.name
    rms = found.result.problem.law.rms
    if any("multiplier" in row.unfinished for row in found.rows):
        return
    heading = "Slope of the continuous relaxation (an estimate, not a bound)"
    rows = []
    for row in found.rows if relaxation is not None else ():
        if row.multiplier:
            unit = unit_of(row)
            each = _each(row.multiplier * float(unit.size), objective, rms)
            tenth = _each(row.multiplier * float(row.constraint.limit) / 10, objective, rms)
            rows.append((_name(row), each, unit.name, tenth))
    if rows:
        headings = ("limit", f"{objective} for each", "", "for 10 % more")
        _print(console, heading, Table(headings, rows, words=frozenset({0, 2})))
    else:
        line(console, Styled(heading, "bold"))
    if relaxation is None:
        line(console, "  not found: SciPy found no point that keeps the limits")
        return
    zero = [_name(row) for row in found.rows if row.multiplier == 0]
    unknown = [_name(row) for row in found.rows if row.multiplier is None]
    for names, what in ((zero, "0 (slack there)"), (unknown, "not found")):
        if names:
            paragraph(console, f"{what}: {', '.join(names)}")
    tokens = relaxation.tokens
    rest = "" if tokens is None else f", {format_quantity(tokens, 'tokens')} tokens"
    point = f"{relaxation.layers:.1f} layers of {relaxation.d_model:.0f}{rest}"
    paragraph(console, f"at its optimum, {point}; other choices as today")


_COLUMNS: dict[str, Callable[[Price, Change], Any]] = {
    "name": lambda p, _: p.constraint.name,
    "side": lambda p, _: p.constraint.side,
    "unit": lambda p, _: p.constraint.dimension,
    "binding": lambda p, _: None if p.binding is None else str(p.binding).lower(),
    "today": lambda p, _: p.constraint.limit,
    "used": lambda p, _: p.used,
    "percent": lambda _, c: c.percent,
    "limit": lambda _, c: c.limit,
    "status": lambda _, c: c.status,
    "objective": lambda _, c: c.objective,
    "change": lambda _, c: c.change,
    "layers": lambda _, c: c.layers,
    "d_model": lambda _, c: c.d_model,
    "percent_of_compute": lambda _, c: c.worth,
    "stays_optimal_from": lambda p, _: None if p.stays is None else p.stays.start,
    "stays_optimal_to": lambda p, _: None if p.stays is None else p.stays.end,
    "same_until": lambda p, _: p.same_until,
    "multiplier": lambda p, _: p.multiplier,
    "unfinished": lambda p, _: " ".join(p.unfinished),
}


def prices_csv(found: Prices) -> str:
    """CSV with a line for each constraint and change; unknown values are empty fields."""
    rows = [
        {name: read(row, change) for name, read in _COLUMNS.items()}
        for row in found.rows
        for change in row.changes
    ]
    return csv_text(rows, list(_COLUMNS))


def tornado_rows(found: Prices, percent: int = SHOWN) -> list[Row]:
    """Rows of `modelsizer.plots.limits.tornado`: each limit decreased and increased by 10 %.

    Limits for which either was not solved in time are left out.
    """
    names = [row.constraint.name for row in found.rows]
    rows: list[Row] = []
    for row in found.rows:
        ends = [row.at(-percent), row.at(percent)]
        if any(end.status == "limit" for end in ends):
            continue
        low, high = (None if c.objective is None else float(c.objective) for c in ends)
        texts = [format_quantity(c.limit, row.constraint.dimension, 3) for c in ends]
        name = words(row.constraint.quantity).removesuffix(" per accelerator").split(" (")[0]
        name = name.removesuffix(" per token").replace("-embedding ", "-embedding\n")
        if names.count(row.constraint.name) > 1:
            name += ", most" if row.constraint.side == "max" else ", least"
        rows.append((name, low, high, texts[0], texts[1]))
    return rows


def curve_limits(price: Price) -> list[Number]:
    """Limits at which a price curve is solved, including those where the design changes."""
    steps = range(-CURVE_STEPS, CURVE_STEPS + 1)
    span = LOSS_SPAN if price.constraint.quantity == "loss" else CURVE_SPAN
    found = [price.constraint.scaled(exact(round(span ** (s / CURVE_STEPS), 4))) for s in steps]
    edges = [] if price.stays is None else [price.stays.start, price.stays.end]
    found += [edge for edge in edges if edge is not None and found[0] < edge < found[-1]]
    return sorted(set(found))
