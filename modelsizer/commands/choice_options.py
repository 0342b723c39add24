"""The options `--fix` and `--forbid`: pin choices to a value, and remove values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsizer.problems.problem import Problem


def narrowed(problem: Problem, fix: Sequence[str], forbid: Sequence[str]) -> Problem:
    """Return the problem with choices pinned and values forbidden.

    Parameters
    ----------
    problem : Problem
    fix, forbid : sequence of str
        Each ``choice=value``; the prefix ``space.`` may be omitted.

    Raises
    ------
    ProblemError
        If a text is not ``choice=value``, or the problem has no such choice or value.
    """
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.narrowing import fixed, forbidden

    pins = _values(fix, "--fix")
    for name, values in pins.items():
        if len(values) != 1:
            raise ProblemError.of("--fix", f"{name} can be pinned to one value, not {values}")
    if pins:
        problem = fixed(problem, {name: values[0] for name, values in pins.items()})
    if out := _values(forbid, "--forbid"):
        problem = forbidden(problem, out)
    return problem


def _values(texts: Sequence[str], option: str) -> dict[str, list[object]]:
    """Parse texts into values by choice."""
    from modelsizer.problems.key_values import read_value, split_pairs

    found: dict[str, list[object]] = {}
    for key, text in split_pairs(texts, option):
        value = read_value(text)
        values = value if isinstance(value, list) else [value]
        found.setdefault(key.removeprefix("space."), []).extend(values)
    return found
