"""Rows of what published laws suggest of the training of a design."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.hyperparameters import Suggestion, hyperparameters
from modelsizer.problems.laws.hyperparameters import BATCH_SIZE, LEARNING_RATE
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import format_quantity

HEADING = "How to train it (suggestions)"


def suggestion_rows(problem: Problem, design: Evaluation) -> list[tuple[str, str]]:
    """Batch and learning rate by each law, and how far its fit went; none without tokens.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    found = hyperparameters(problem, design)
    sequence = problem.training.sequence_length
    laws = _by_law(found)
    rows = [(law, _row(of_law, sequence)) for law, of_law in laws.items()]
    outside = {law: of_law[BATCH_SIZE].outside for law, of_law in laws.items()}
    if any(outside.values()):
        told = (f"{', '.join(ends)} ({law})" for law, ends in outside.items() if ends)
        rows.append(("extrapolated", "; ".join(told)))
    return rows


def learning_rate(value: float) -> str:
    """A learning rate with two digits, as training code writes it."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _by_law(found: Sequence[Suggestion]) -> dict[str, dict[str, Suggestion]]:
    laws: dict[str, dict[str, Suggestion]] = {}
    for each in found:
        laws.setdefault(each.law, {})[each.name] = each
    return laws


def _row(of_law: dict[str, Suggestion], sequence: int) -> str:
    tokens = of_law[BATCH_SIZE].value
    batch = f"batch {format_quantity(tokens, 'tokens', 2)} tokens"
    sequences = f"{max(round(tokens / sequence), 1):,} sequences"
    return f"{batch} ({sequences}), learning rate {learning_rate(of_law[LEARNING_RATE].value)}"
