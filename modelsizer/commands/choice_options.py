"""The options `--fix` and `--forbid`: choices pinned to a value, and values taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsizer.problems.problem import Problem


def narrowed(problem: Problem, fix: Sequence[str], forbid: Sequence[str]) -> Problem:
    """The problem with choices pinned and values forbidden.

    Parameters
    ----------
    problem : Problem
    fix, forbid : sequence of str
        ``choice=value`` each; the table ``space`` may be left out.

    Raises
    ------
    ProblemError
        If a text is no ``choice=value``, or the problem offers no such choice or value.
    """
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.narrowing import fixed, forbidden

    pins = _values(fix, "--fix")
    for name, values in pins.items():
        if len(values) > 1:
            raise ProblemError.of("--fix", f"{name} can be pinned to one value, not {values}")
    if pins:
        problem = fixed(problem, {name: values[0] for name, values in pins.items()})
    if out := _values(forbid, "--forbid"):
        problem = forbidden(problem, out)
    return problem


def _values(texts: Sequence[str], option: str) -> dict[str, list[object]]:
    """Values by choice."""
    from modelsizer.problems.key_values import read_value, split_pairs

    found: dict[str, list[object]] = {}
    for key, text in split_pairs(texts, option):
        value = read_value(text)
        values = value if isinstance(value, list) else [value]
        found.setdefault(key.removeprefix("space."), []).extend(values)
    return found
