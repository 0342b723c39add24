"""A problem with fewer choices: one pinned to a value, or a value of one forbidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture.choices import BY_NAME, CHOICES, MENUS
from modelsizer.problems.errors import ProblemError, did_you_mean, short
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.menus import Choice

_WHY_NOT = {key: reason for choice in CHOICES for key, reason in choice.menus.items()}


_FIX, _FORBID = "--fix", "--forbid"
"""Options that give the values, for messages."""


def fixed(problem: Problem, values: Mapping[str, object]) -> Problem:
    """The problem with choices pinned to values that their menus offer.

    Parameters
    ----------
    problem : Problem
    values : mapping of str to value
        By the choice's name, ``{"layers": 80}``.

    Raises
    ------
    ProblemError
        If there is no such choice, or its menu does not offer the value.
    """
    settings: dict[str, object] = {}
    for name, value in values.items():
        menu = _menu(problem, name, _FIX)
        if value not in menu:
            raise ProblemError.of(
                _FIX, f"space.{name} does not offer {short(value)}{_near(menu, value)}"
            )
        settings[f"space.{name}"] = value
    return problem.with_settings(settings)


def forbidden(problem: Problem, values: Mapping[str, Sequence[object]]) -> Problem:
    """The problem with values taken from its menus.

    Raises
    ------
    ProblemError
        If there is no such choice, its menu does not offer a value, or nothing is left of it.
    """
    settings: dict[str, object] = {}
    for name, out in values.items():
        menu = _menu(problem, name, _FORBID)
        for value in out:
            if value not in menu:
                hint = _near(menu, value)
                raise ProblemError.of(_FORBID, f"space.{name} does not offer {short(value)}{hint}")
        left = [value for value in menu if value not in out]
        if not left:
            raise ProblemError.of(_FORBID, f"nothing is left of space.{name}")
        settings[f"space.{name}"] = left
    return problem.with_settings(settings)


def _menu(problem: Problem, name: str, option: str) -> list[Any]:
    """The values that a choice may take."""
    if name not in MENUS:
        named = BY_NAME.get(name)  # as answers call it, such as routed_experts
        hint = did_you_mean(next(iter(named.menus), name) if named else name, MENUS)
        raise ProblemError.of(option, f"no choice {short(name)}{hint}; choices: {', '.join(MENUS)}")
    given = problem.space.menu(name)
    if given is None:
        reason = _WHY_NOT[name] or f"space.{name} is not offered by the problem"
        raise ProblemError.of(option, reason)
    if isinstance(given, Choice):
        return list(given.numbers)
    return list(given) if isinstance(given, tuple) else [given]


def _near(menu: Sequence[Any], value: object) -> str:
    """What is offered instead: the nearest numbers, or all."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        below = [v for v in menu if v < value][-1:]
        above = [v for v in menu if v > value][:1]
        return f"; nearest: {', '.join(str(v) for v in [*below, *above])}"
    return f"; it offers {', '.join(str(v) for v in menu)}"
