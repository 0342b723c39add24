"""Prices of limits as a person reads them, at 80 columns, as CSV, and for pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.prices.prices import PERCENTS, SHOWN, Change, Price, Prices
from modelsizer.plots.drawing.axes import words
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number, exact, format_quantity

if TYPE_CHECKING:
    from modelsizer.plots.limits.tornado import Row

IN_TABLE = (-SHOWN, -1, 1, SHOWN)
CURVE_STEPS, CURVE_SPAN, LOSS_SPAN = 20, 2.0, 1.1
"""Limits of a price curve on each side of today's, and the factor that the last is of it."""
_DIGITS = (4, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Unit:
    """An amount of a limit that people ask the price of."""

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
_POWERS_FROM = 10**15  # FLOPs that are a budget, not a token's


def unit_of(price: Price) -> Unit:
    """The largest unit that the limit holds one of; of a FLOPs budget its leading power of ten."""
    limit = exact(price.constraint.limit)
    if price.constraint.dimension == "FLOPs" and limit >= _POWERS_FROM:
        power = len(str(int(limit))) - 2  # a tenth of it, of the order of what one would add
        return Unit(f"1e{power} FLOPs", Fraction(10**power))
    if price.constraint.dimension == "count":
        return Unit({"layers": "layer"}.get(price.constraint.quantity, "unit"), Fraction(1))
    sizes = _UNITS[price.constraint.dimension]
    return next((unit for unit in sizes if limit >= unit.size), sizes[-1])


def _signed(value: float, objective: str) -> str:
    """A change of the objective, in units."""
    if value == 0:
        return "0"
    sign = "+" if value > 0 else "-"
    if objective == "loss":
        size = f"{abs(value):.6f}"
        return sign + (size if float(size) else f"{abs(value):.1e}")
    return sign + format_quantity(abs(value), QUANTITIES[objective].dimension, 3)


def _percent(value: float | None) -> str:
    if value is None:
        return "-"
    return "0" if value == 0 else f"{value:+.1f} %" if abs(value) >= 1 else f"{value:+.2f} %"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=True)
    return table


def _name(price: Price) -> str:
    name = price.constraint.name
    return (QUANTITIES[name].short if name in QUANTITIES else "") or name


def _limit(price: Price) -> str:
    sign = "= " if price.constraint.equality else "" if price.constraint.side == "max" else ">= "
    text = format_quantity(price.constraint.limit, price.constraint.dimension)
    return sign + text.removesuffix(" tokens/s")  # the name says it


def _apart(price: Price, value: Number | None, none: str) -> str:
    """A limit with digits until it looks different from today's, if it is."""
    if value is None:
        return none
    kind = price.constraint.dimension
    today, text = price.constraint.limit, ""
    for digits in _DIGITS:
        text = format_quantity(value, kind, digits)
        if value == today or text != format_quantity(today, kind, digits):
            break
    return text


def _says(change: Change, objective: str) -> str:
    return "none fits" if change.change is None else _signed(change.change, objective)


def print_prices(console: Console, found: Prices) -> None:
    """Print what each limit is worth, the most first."""
    result = found.result
    objective, sought = result.objective.name, result.objective
    best = result.best
    assert sought.value is not None
    shape = f"{best.architecture.layers} layers of {best.architecture.trunk.d_model}"
    dimension = QUANTITIES[objective].dimension
    value = format_quantity(sought.value, dimension, 6 if objective == "loss" else 4)
    console.print(Text(result.problem.name or "unnamed problem", style="bold"))
    console.print(f"Today: {shape}, {objective} {value}; {found.seconds:.1f} s\n")
    if not found.rows:
        console.print("No limit is given that could be priced.")
        return
    _section(console, f"Change of {objective} at another limit, solved again")
    table = _table("limit", "today", "", *(f"{p:+d} %" for p in IN_TABLE))
    for row in found.rows:
        cells = [_says(row.at(percent), objective) for percent in IN_TABLE]
        table.add_row(_name(row), _limit(row), "binds" if row.binding else "slack", *cells)
    _show(console, table)
    _print_worth(console, found)
    _print_ranges(console, found, shape)
    _print_multipliers(console, found)


def _section(console: Console, title: str) -> None:
    console.print(Text(title, style="bold"))


def _show(console: Console, table: Table) -> None:
    console.print(Padding(table, (0, 0, 1, 2), expand=False))


def _print_worth(console: Console, found: Prices) -> None:
    moves = [
        row
        for row in found.rows
        # Compute is worth itself.
        if any(c.worth and round(c.worth, 3) != c.percent for c in row.changes)
    ]
    if not moves:
        return
    _section(console, "Worth as much as so much more, or less, compute")
    table = _table("limit", *(f"{p:+d} %" for p in (*(-p for p in PERCENTS[:0:-1]), *PERCENTS[1:])))
    for row in moves:
        cells = [_percent(change.worth) for change in row.changes if abs(change.percent) > 1]
        table.add_row(_name(row), *cells)
    _show(console, table)


def _print_ranges(console: Console, found: Prices, shape: str) -> None:
    _section(console, f"Limits at which {shape} stays the best, all else held")
    table = _table("limit", "today", "from", "to", "the same until")
    for row in found.rows:
        start = _apart(row, row.stays.start, "any")
        end = _apart(row, row.stays.end, "any")
        if row.constraint.side == "max":
            end = end if row.stays.end is None else f"below {end}"
        else:
            start = start if row.stays.start is None else f"above {start}"
        spare = "-" if row.same_until == row.constraint.limit else _apart(row, row.same_until, "-")
        table.add_row(_name(row), _limit(row), start, end, spare)
    _show(console, table)


def _print_multipliers(console: Console, found: Prices) -> None:
    relaxation, objective = found.relaxation, found.result.objective.name
    _section(console, "Slope of the continuous relaxation (an estimate, not a bound)")
    if relaxation is None:
        console.print("  not found: SciPy found no point that keeps the limits")
        return
    table = _table("limit", f"{objective} for each", "", "for 10 % more")
    for row in found.rows:
        if not row.multiplier:
            continue
        unit = unit_of(row)
        each = _signed(row.multiplier * float(unit.size), objective)
        tenth = _signed(row.multiplier * float(row.constraint.limit) / 10, objective)
        table.add_row(_name(row), each, unit.name, tenth)
    if table.row_count:
        table.columns[2].justify = "left"
        _show(console, table)
    zero = [_name(row) for row in found.rows if row.multiplier == 0]
    unknown = [_name(row) for row in found.rows if row.multiplier is None]
    for names, what in ((zero, "0 (slack there)"), (unknown, "not found")):
        if names:
            console.print(Padding(Text(f"{what}: {', '.join(names)}"), (0, 0, 0, 2)))
    tokens = relaxation.tokens
    rest = "" if tokens is None else f", {format_quantity(tokens, 'tokens')} tokens"
    point = f"{relaxation.layers:.1f} layers of {relaxation.d_model:.0f}{rest}"
    console.print(Padding(Text(f"at its optimum, {point}; other choices as today"), (0, 0, 0, 2)))


_COLUMNS: dict[str, Callable[[Price, Change], Any]] = {
    "name": lambda p, _: p.constraint.name,
    "side": lambda p, _: p.constraint.side,
    "unit": lambda p, _: p.constraint.dimension,
    "binding": lambda p, _: str(p.binding).lower(),
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
    "stays_optimal_from": lambda p, _: p.stays.start,
    "stays_optimal_to": lambda p, _: p.stays.end,
    "same_until": lambda p, _: p.same_until,
    "multiplier": lambda p, _: p.multiplier,
}


def csv_text(found: Prices) -> str:
    """One line for each limit and change; nothing where a value is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in found.rows:
        for change in row.changes:
            cells = [read(row, change) for read in _COLUMNS.values()]
            writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def tornado_rows(found: Prices, percent: int = SHOWN) -> list[Row]:
    """Rows of `modelsizer.plots.limits.tornado`: every limit a tenth lower and a tenth higher."""
    names = [row.constraint.name for row in found.rows]
    rows: list[Row] = []
    for row in found.rows:
        ends = [row.at(-percent), row.at(percent)]
        low, high = (None if c.objective is None else float(c.objective) for c in ends)
        texts = [format_quantity(c.limit, row.constraint.dimension, 3) for c in ends]
        name = words(row.constraint.quantity).removesuffix(" of an accelerator").split(" (")[0]
        name = name.removesuffix(" a token").replace("-embedding ", "-embedding\n")
        if names.count(row.constraint.name) > 1:
            name += ", most" if row.constraint.side == "max" else ", least"
        rows.append((name, low, high, texts[0], texts[1]))
    return rows


def curve_limits(price: Price) -> list[Number]:
    """Limits at which a price curve is solved: today's, its surroundings, where designs change."""
    steps = range(-CURVE_STEPS, CURVE_STEPS + 1)
    span = LOSS_SPAN if price.constraint.quantity == "loss" else CURVE_SPAN
    found = [price.constraint.scaled(exact(round(span ** (s / CURVE_STEPS), 4))) for s in steps]
    edges = [price.stays.start, price.stays.end]
    found += [edge for edge in edges if edge is not None and found[0] < edge < found[-1]]
    return sorted(set(found))
