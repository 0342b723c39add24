"""What can be verified of an answer without its problem, as earlier versions saved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelsizer.optimizer.answers.differences import Difference, differences, same
from modelsizer.optimizer.answers.reading import UNREADABLE
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.answers import from_answer
from modelsizer.problems.architecture.describing import design_architecture, parameters_dict

CHECKED = ("architecture", "parameters", "gap", "budgets")


def check_alone(answer: Mapping[str, Any]) -> Iterator[Difference]:
    """Contradictions of an answer with itself: sizes, parameters, gap, and use of limits.

    Yields
    ------
    Difference
    """
    if answer.get("architecture") is not None:
        try:
            architecture = from_answer(answer)
            counted = parameters_dict(count_parameters(architecture))
            shown = design_architecture(architecture)
            # Earlier versions wrote fewer keys of an architecture.
            written = {key: shown[key] for key in shown if key in answer["architecture"]}
        except UNREADABLE as error:
            yield Difference("architecture", answer["architecture"], None, str(error))
        else:
            yield from differences(answer["architecture"], written, "architecture")
            yield from differences(answer.get("parameters"), counted, "parameters")
    ends: list[Any] = [answer.get(key) for key in ("lower_bound", "upper_bound", "gap")]
    low, high, gap = ends
    if _number(low) and _number(high) and not same(gap, high - low):
        yield Difference("gap", gap, high - low, "is the distance of the bounds")
    budgets = answer.get("budgets")
    for at, use in enumerate(budgets if isinstance(budgets, list) else []):
        if not isinstance(use, Mapping):
            continue
        pair: list[Any] = [use.get(key) for key in ("used", "limit")]
        used, limit = pair
        if not (_number(used) and _number(limit)):
            continue
        over = used < limit if use.get("side") == "min" else used > limit
        if over and not same(used, limit):
            yield Difference(f"budgets[{at}].used", used, limit, "breaks its limit")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
