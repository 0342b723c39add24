"""Report of a solve."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelsizer.optimizer.result import Result
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_fixed, format_number, format_quantity
from modelsizer.text.answer_rows import (
    architecture_rows,
    limits_table,
    loss_words,
    prediction_rows,
)
from modelsizer.text.costs import cost_rows
from modelsizer.text.hyperparameters import HEADING, suggestion_rows
from modelsizer.text.kit.lines import INDENT, paragraph, section, title, warnings
from modelsizer.text.kit.tables import WIDTH, Styled, Table, print_table
from modelsizer.text.kit.words import STOPS, counted

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.verification import Verification

_COLOURS = {"optimal": "green", "infeasible": "red", "limit": "yellow"}
STATUS = {"optimal": "Proven optimal", "infeasible": "Proven infeasible", "limit": "Not proven"}
"""Statuses of a result in words."""
_NAMES = 15  # letters of the longest name, tied_embeddings
_ENGINES = {"scipy": "SciPy's HiGHS", "pulp": "PuLP", "exhaustive": "enumeration"}


def _pairs(console: Console, rows: Iterable[tuple[str, str]], sign: str = " ") -> None:
    """Print names and values, aligned across the sections."""
    cells = [(name.ljust(_NAMES), sign, value) for name, value in rows]
    words = frozenset({0, 1, 2})
    print_table(console, Table((), cells, words, {2: None}), indent=INDENT, gap=1)


def lead(result: Result) -> str:
    """The answer in a sentence or two; of a result without a design that there is none."""
    if (design := result.design) is None:
        if result.status == "infeasible":
            return "No design keeps every limit."
        return "Stopped before a design was found that keeps every limit."
    a, objective = design.architecture, result.objective
    size = format_quantity(design.parameters.total, "parameters")
    tokens = "unlimited"
    if math.isfinite(design.tokens):
        tokens = format_quantity(design.tokens, "tokens")
    text = (
        f"{a.layers} layers of width {a.trunk.d_model}: {size} parameters, trained on {tokens} "
        f"tokens to a predicted loss of {loss_words(result.problem, design.loss)}."
    )
    if objective.name != "loss":
        most = "most" if objective.sense == "maximize" else "least"
        value = format_quantity(objective.value or 0, QUANTITIES[objective.name].dimension)
        text += f" Its {objective.name.replace('_', ' ')} is the {most}: {value}."
    return text


def certificate(result: Result) -> str:
    """The optimality certificate in words: what is proven, and by which steps."""
    s = result.statistics
    designs = counted(int(s["designs"]), "design")
    if s.get("layouts", 1) > 1:
        of = "machines and layouts" if result.problem.menus else "parallel layouts"
        designs += f" in {s['layouts']:,} {of} ({s['candidates']:,} pairs)"
    better = "more" if result.objective.sense == "maximize" else "less"
    what = result.objective.name
    if result.status == "infeasible":
        return f"Proven infeasible: none of the {designs} keeps every limit, in exact arithmetic."
    steps = [f"{s['by_budgets']:,} break a limit"]
    if s.get("by_blocks"):
        steps = [f"{s['by_blocks']:,} lie in blocks ruled out whole", *steps]
    if s["by_bounds"]:
        steps.append(f"{s['by_bounds']:,} are ruled out by bounds{_rounds(result)}")
    if s["by_dominance"]:
        steps.append(f"{s['by_dominance']:,} by a design as good")
    steps.append(f"{s['compared']:,} compared exactly")
    how = "; ".join(steps)
    if result.status == "optimal" and result.gap == 0:
        return f"Proven optimal: none of {designs} has {better} {what}. {how}. Gap 0."
    bound = "none" if result.bound is None else _value(result, result.bound)
    gap = "" if result.gap is None else f", gap {_value(result, result.gap)}"
    if result.status == "optimal":
        return (
            f"Proven optimal within the gap asked for: no other of {designs} has {better} {what} "
            f"than the bound {bound}{gap}."
        )
    why = STOPS[result.stop]
    if result.design is None:
        return f"Nothing is proven: {why} before a design was found among {designs}."
    return f"Not proven: {why}. Best found so far; bound {bound}{gap}."


def _rounds(result: Result) -> str:
    rounds = int(result.statistics["rounds"])
    if not rounds:
        return ""
    times = "once" if rounds == 1 else f"{rounds} times"
    return f" ({_ENGINES.get(result.solver, result.solver)} solved {times})"


def _value(result: Result, value: float) -> str:
    if result.objective.name == "loss":
        return format_number(value, 3) if abs(value) < 0.1 else format_fixed(value, 9)
    return format_quantity(value, QUANTITIES[result.objective.name].dimension, 9)


def verdict(result: Result, checked: Verification) -> str:
    """Outcome of the verification by a second solver."""
    took = f"{checked.solver}, in {checked.seconds:.2f} s,"
    if checked.agrees:
        what = "that no design keeps every limit" if result.design is None else "the same design"
        return f"Verified: {took} proves {what}."
    if "limit" in (result.status, checked.status):
        return f"Not verified: {took} came to {checked.status}, {result.solver} to {result.status}."
    found = "no design" if checked.objective is None else _value(result, checked.objective)
    return (
        f"The proofs disagree: {took} says {checked.status}, {found}. Trust neither, and please "
        "report this with the problem file."
    )


def print_result(
    console: Console,
    result: Result,
    checked: Verification | None = None,
    *,
    verbose: bool = False,
) -> None:
    """Print a result and its verification, if there is one.

    Parameters
    ----------
    console : Console
    result : Result
    checked : Verification, optional
    verbose : bool
        Show all warnings and the steps of the proof.
    """
    took = f"{result.status}, {result.solver}, {result.seconds:.2f} s"
    title(console, result.problem.name, Styled(took, _COLOURS[result.status]))
    if result.design is not None:
        section(console, "Architecture")
        _pairs(console, architecture_rows(result), "=")
        for note in result.notes:
            paragraph(console, note, expand=False)
        section(console, "Prediction")
        _pairs(console, prediction_rows(result))
        if rows := cost_rows(result.problem, result.best):
            section(console, "Costs")
            _pairs(console, rows)
        if rows := suggestion_rows(result.problem, result.best):
            section(console, HEADING)
            _pairs(console, rows)
        if result.budgets:
            section(console, "Limits")
            headings = ("", "used", "limit", "", "")
            table = limits_table(result.budgets, headings, WIDTH - INDENT)
            print_table(console, table, indent=INDENT)
    section(console, "Certificate")
    paragraph(console, certificate(result), expand=False)
    if checked is not None:
        paragraph(console, verdict(result, checked))
    if verbose:
        section(console, "Steps of the proof")
        _pairs(console, ((name, f"{value:,}") for name, value in result.statistics.items()))
    if result.status == "infeasible":
        warnings(console, result.warnings, "Why", verbose=True)
    else:
        warnings(console, result.warnings, verbose=verbose)
