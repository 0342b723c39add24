"""What several optima of one space share, choice by choice, and where a choice turns.

A number of an optimum holds if it is within a factor of two of the answer's: an optimum between two
entries of a menu moves by one with little reason. A word, such as a kind of attention, holds if it
is the same. A choice turns if it does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import CHOICES, SHOWN
from modelsizer.problems.architecture.describing import architecture_dict

FACTOR = 2
"""Between two numbers of a choice that count as the same."""
KINDS = (*(choice.name for choice in CHOICES if choice.words), "routed_experts", "block")
"""Choices whose absence is a choice too; others are absent because of one of these."""


def choices_held(optima: Iterable[Architecture]) -> dict[str, list[Any]]:
    """Values that each choice takes, ascending, None first; without choices that none has."""
    rows = [architecture_dict(architecture) for architecture in optima]
    found = {}
    for name in SHOWN:
        values = dict.fromkeys(row[name] for row in rows)
        if any(value is not None for value in values):
            found[name] = sorted(values, key=_order)
    return found


def turning(answer: Architecture, optima: Mapping[str, Architecture]) -> dict[str, dict[str, Any]]:
    """Choices that do not hold somewhere, each with its value by the name of the place."""
    mine = architecture_dict(answer)
    found: dict[str, dict[str, Any]] = {}
    for place, architecture in optima.items():
        theirs = architecture_dict(architecture)
        for name in SHOWN:
            if not is_same(name, mine[name], theirs[name]):
                found.setdefault(name, {})[place] = theirs[name]
    return found


def is_same(name: str, first: Any, second: Any) -> bool:
    """Whether two values of a choice, None where a design has it not, count as the same."""
    if first == second:
        return True
    if first is None or second is None:
        return name not in KINDS
    if isinstance(first, bool | str) or isinstance(second, bool | str):
        return False
    low, high = sorted((first, second))
    return bool(high <= FACTOR * low)


def _order(value: Any) -> tuple[bool, Any]:
    return value is not None, 0 if value is None else value
