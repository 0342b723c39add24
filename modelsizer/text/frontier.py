"""Report of a frontier, the optimum along one constraint, as text, JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.frontiers.exponents import PUBLISHED, Exponent, Published, implied
from modelsizer.optimizer.frontiers.frontier import Frontier, OffSize, Point
from modelsizer.optimizer.result import machine_of
from modelsizer.problems.architecture.choices import SIZES
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import Number, format_quantity
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, title
from modelsizer.text.kit.tables import Heading, Table, print_table
from modelsizer.text.kit.words import NONE, STOPS, shape, signed
from modelsizer.text.machine_columns import machine_columns, same_machine

if TYPE_CHECKING:
    from rich.console import Console


BAND = "half and twice: what it costs to be off by a factor of two in size"
"""Description of the band around the optimum."""
_NO_DESIGN = {"infeasible": "no design", "limit": "not proven"}
_NAMES = {
    "non_embedding_parameters": "  non-embedding",
    "tokens_per_parameter": "tokens a parameter",
}
_LONG = 1000  # from which three digits would be written as a power of ten
_ARCHITECTURE = SIZES
_COLUMNS = ("limit", "status", "objective", "loss", *_ARCHITECTURE, "parameters",
            "non_embedding_parameters", "active_parameters", "tokens", "tokens_per_parameter",
            "training_flops", "half_loss", "half_parameters", "twice_loss", "twice_parameters",
            "edge", "held")  # fmt: skip


# Values


def frontier_dict(frontier: Frontier, exponents: Sequence[Exponent]) -> dict[str, Any]:
    """The keys of the JSON contract: those of the frontier, its exponents and published ones."""
    return frontier.to_dict() | {
        "exponents": [
            {
                "quantity": e.quantity,
                "exponent": e.exponent,
                "standard_error": e.standard_error,
                "r2": e.r2,
                "points": e.points,
            }
            for e in exponents
        ],
        "published": [
            {"source": p.source, "quantity": name, "exponent": value, "note": p.note}
            for p in (*implied(frontier.problem), *PUBLISHED)
            for name, value in p.exponents.items()
        ]
        if exponents
        else [],
    }


def frontier_csv(frontier: Frontier) -> str:
    """CSV with a line for each point; missing values are empty fields."""
    rows = []
    for point in frontier.points:
        row: dict[str, Any] = {"limit": point.limit, "status": point.status}
        row |= {"edge": "; ".join(point.edge), "held": str(point.held).lower()}
        if (design := point.design) is not None:
            widths = architecture_dict(design.architecture)
            row |= {name: widths[name] for name in _ARCHITECTURE}
            total = design.parameters.total
            row |= {
                "objective": point.value,
                "loss": design.loss,
                "parameters": total,
                "non_embedding_parameters": design.parameters.non_embedding,
                "active_parameters": design.parameters.active,
                "tokens": design.tokens,
                "tokens_per_parameter": design.tokens / total,
                "training_flops": design.training_flops,
            }
            row |= machine_of(frontier.problem, design)
        for name, off in (("half", point.half), ("twice", point.twice)):
            if off is not None and off.design is not None:
                row[f"{name}_loss"] = off.design.loss
                row[f"{name}_parameters"] = off.design.parameters.total
        rows.append(row)
    return csv_text(rows, [*_COLUMNS, *frontier.problem.menus])


# Tables


def print_frontier(
    console: Console, frontier: Frontier, exponents: Sequence[Exponent], notes: Iterable[str] = ()
) -> None:
    """Print the points, the fitted exponents and published ones."""
    problem = frontier.problem
    done = "complete" if frontier.complete else "not complete"
    title(console, problem.name)
    line(
        console,
        f"{frontier.over} swept: {len(frontier.points)} of {frontier.asked} points, {done}, "
        f"{frontier.seconds:.2f} s",
        below=1 if frontier.complete else 0,
    )
    if not frontier.complete:
        line(console, f"Not complete: {STOPS[frontier.stop]}.", below=1)
    if not frontier.points:
        return
    print_table(console, _points(frontier))
    said = same_machine(
        [machine_of(problem, point.design) for point in frontier.points if point.design is not None]
    )
    for note in (*filter(None, [said]), *_legend(frontier), *notes):
        paragraph(console, note, indent=0, above=1)
    if not exponents:
        return
    left = len(frontier.solved) - exponents[0].points
    section(console, "Exponents of training FLOPs")
    print_table(console, _fitted(exponents, implied(problem)), indent=INDENT, expand=True)
    held = f"{left} left out: held by a menu's end or a limit, they say nothing of the law. "
    line(
        console,
        f"{exponents[0].points} points fitted. {held if left else ''}"
        "Implied: by the file's laws, were C = 6ND and sizes real numbers.",
        above=1,
    )
    section(console, "Published")
    print_table(console, _published(PUBLISHED), indent=INDENT, expand=True)
    line(console, "* without embeddings; DeepSeek's size is in FLOPs a token.", above=1)


def _points(frontier: Frontier) -> Table:
    objective = frontier.problem.objective.quantity
    of_loss = objective == "loss"
    band = any(point.half is not None for point in frontier.points)
    heads: list[Heading] = ["limit", *([] if of_loss else [tuple(objective.split("_"))]), "loss",
                            "params", "tokens", *([("tokens", "/param")] if of_loss else []),
                            ("layers x", "d_model"), *(("half", "twice") if band else ()),
                            "held by"]  # fmt: skip
    rows = []
    for point in frontier.points:
        limit = format_quantity(point.limit, frontier.setting.dimension, 4)
        design = point.design
        if design is None:
            empty = [""] * (len(heads) - 2)
            rows.append([limit, *empty, _NO_DESIGN.get(point.status, point.status)])
            continue
        total = design.parameters.total
        cells = [limit]
        if not of_loss and point.value is not None:
            cells.append(format_quantity(point.value, QUANTITIES[objective].dimension, 4))
        cells.append(loss_text(design.loss, frontier.problem.law.rms))
        cells.append(format_quantity(total, "parameters", 4))
        cells.append(format_quantity(design.tokens, "tokens", 4))
        if of_loss:
            each = design.tokens / total
            cells.append(f"{each:.3g}" if each < _LONG else f"{each:,.0f}")
        cells.append(shape(design.architecture))
        if band:
            cells += [_cost(frontier, point, off) for off in (point.half, point.twice)]
        held = [edge.split()[0] for edge in point.edge] + (["limits"] if point.held else [])
        proof = [] if point.status == "optimal" else [_NO_DESIGN[point.status]]
        rows.append([*cells, ", ".join([*proof, *held])])
    problem = frontier.problem
    chosen = machine_columns(
        [None if p.design is None else machine_of(problem, p.design) for p in frontier.points]
    )
    heads[-1:] = [*(name for name, _ in chosen), heads[-1]]
    for at, row in enumerate(rows):
        row[-1:] = [*(cells[at] for _, cells in chosen), row[-1]]
    last = len(heads) - 1
    return Table(heads, rows, words=frozenset({last}), folds={last: None})


def _cost(frontier: Frontier, point: Point, off: OffSize | None) -> str:
    """Cost of another model size: nats of loss, or percent of another objective."""
    if off is None:
        return ""
    if off.design is None:
        return "none" if off.status == "infeasible" else "?"
    name = frontier.problem.objective.quantity
    there, here = float(off.design.quantity(name)), float(point.value or 0.0)
    if name == "loss":
        return signed(there - here, rms=frontier.problem.law.rms).replace("+0.", "+.")
    return f"{100 * (there / here - 1):+.0f} %"


def _legend(frontier: Frontier) -> list[str]:
    lines = []
    if any(point.half is not None for point in frontier.points):
        unit = "in nats" if frontier.problem.objective.quantity == "loss" else "in percent"
        lines.append(f"{BAND}, {unit}; none: no such design within the limits.")
    edges = {edge for point in frontier.points for edge in point.edge}
    if edges:
        lines.append(
            f"{', '.join(sorted(edges))}: the end of that menu of [space] holds the answer."
        )
    if any(point.held for point in frontier.points):
        lines.append("limits: without the file's other limits a better design fits.")
    return lines


def _number(value: Number | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _stated(value: float | None) -> str:
    """An exponent with two or three decimals, as published."""
    if value is None:
        return NONE
    return f"{value:.2f}" if round(value, 2) == value else f"{value:.3f}"


def _fitted(exponents: Sequence[Exponent], laws: Sequence[Published]) -> Table:
    rows = []
    known = {name: value for law in laws for name, value in law.exponents.items()}
    for e in exponents:
        name = _NAMES.get(e.quantity, e.quantity)
        row = (_number(e.exponent), f"{e.standard_error:.4f}", f"{e.r2:.4f}")
        rows.append((name, *row, _number(known.get(e.quantity))))
    return Table(("", "exponent", "std. error", "R2", "implied"), rows)


def _published(published: Sequence[Published]) -> Table:
    rows = []
    for row in published:
        outer = row.exponents.get("non_embedding_parameters")
        size = row.exponents.get("parameters", outer)
        star = "*" if outer is not None else " "
        tokens = row.exponents.get("tokens")
        rows.append((row.source, f"{_stated(size)}{star}", _stated(tokens)))
    return Table(("", "parameters", "tokens"), rows, folds={0: None})
