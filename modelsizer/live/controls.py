"""Controls of a problem: what may be moved on the live page, and to which values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

from modelsizer.live.control import Control, help_of, words_of
from modelsizer.live.setting_controls import price_controls, setting_controls
from modelsizer.live.state import CORNER, SCENARIO, corners_of
from modelsizer.live.stops import Stop, amount_stop, around, sorted_stops
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import TOKENS, WHOLE, Constraint, constraints
from modelsizer.optimizer.result import Result
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import flattened
from modelsizer.problems.units import Number, exact, format_quantity, plain

_ENDS = {"max": "at most", "min": "at least", "=": "exactly"}
_NEAR = 5  # a limit that the file does not give is sought between what is used / 5 and x 5
_LAW = "objective.law"
_HELPS = MappingProxyType(
    {
        CORNER: "What the evidence leaves open, read one way or another: answers that stay the "
        "same at every corner hold whatever the truth.",
        SCENARIO: "Values that the file has under a name; what is moved here holds over them.",
    }
)


def controls(problem: Problem, result: Result) -> tuple[Control, ...]:
    """The controls of a problem.

    Parameters
    ----------
    problem : Problem
        As the file has it.
    result : Result
        Its answer, whose costs are the middle of sliders of limits that the file does not give.
    """
    return (
        *limit_controls(problem),
        *_more_limits(problem, result),
        *setting_controls(problem),
        *price_controls(problem),
        *_space(problem),
        *_evidence(problem),
    )


# Limits


def limit_controls(problem: Problem) -> Iterator[Control]:
    """The limits that a problem has, the file's first."""
    raw = flattened(problem.to_dict(("budgets", "training")))
    found = [limit for limit in constraints(problem) if not limit.of_space]
    for limit in sorted(found, key=lambda each: bool(each.device)):
        yield _limit(limit, raw)


def _limit(limit: Constraint, raw: Mapping[str, object]) -> Control:
    dimension = limit.dimension
    own = amount_stop(limit.limit, dimension)
    key = limit.key
    if key == limit.base and isinstance(written := raw.get(key), Mapping):
        key = f"{limit.base}.{limit.side}"  # a table with one end
    elif key == limit.base and not limit.device:
        own = Stop(written, own.text, limit.limit)
    if limit.reference:
        text = format_quantity(limit.limit, dimension)
        own = Stop(limit.reference, f"{text} ({limit.reference})", limit.limit)
    elif limit.device:
        text = format_quantity(limit.limit, dimension)
        own = Stop(own.value, f"{text} (fits {limit.device})", limit.limit)
    stops = sorted_stops(own, around(limit.limit, dimension, whole=_whole(dimension)), dimension)
    return Control(
        key,
        _label(limit.base, "=" if limit.equality else limit.side),
        "limits",
        "slider",
        tuple(stops),
        stops.index(own),
        own.text,
        dimension,
        help_of(key),
        given=not limit.device,
    )


def _label(base: str, end: str) -> str:
    return f"{words_of(base)}, {_ENDS[end]}"


def _whole(dimension: str) -> bool:
    return dimension in WHOLE


def _more_limits(problem: Problem, result: Result) -> Iterator[Control]:
    """Limits that the file does not give, around what the answer uses."""
    exact = {} if result.design is None else result.design.exact
    given = set(problem.limits)
    if problem.training.tokens is None:
        yield _more(problem, f"{TOKENS}.max", "tokens", "max", exact.get("tokens"))
    for name, row in QUANTITIES.items():
        if name not in given and name != "tokens":  # as of training.tokens
            end = row.only or "max"
            key = f"budgets.{name}" if end == "max" else f"budgets.{name}.min"
            yield _more(problem, key, name, end, exact.get(name))


def _more(
    problem: Problem, key: str, name: str, end: str, used: Number | Fraction | None
) -> Control:
    dimension = QUANTITIES[name].dimension
    base = key.removesuffix(f".{end}")
    needs = problem.lacks(name)
    stops: list[Stop] = []
    if used is not None and math.isfinite(used) and not needs:
        numbers = around(plain(exact(used)), dimension, whole=_whole(dimension), span=_NEAR)
        stops = sorted_stops(None, numbers, dimension)
    return Control(
        key,
        _label(base, end),
        "limits",
        "slider" if stops else "text",
        tuple(stops),
        unit=dimension,
        help=help_of(key),
        section="more limits",
        given=False,
        rare=True,
        needs=needs,
    )


def _space(problem: Problem) -> Iterator[Control]:
    """Choices of the space, as the file writes them."""
    for key, value in flattened(problem.to_dict(("space",))).items():
        yield Control(
            key,
            key.partition(".")[2],
            "space",
            "text",
            text=typed(value),
            help=help_of(key),
            rare=True,
        )


# Evidence


def _evidence(problem: Problem) -> Iterator[Control]:
    if problem.scenarios:
        yield _menu(SCENARIO, "scenario", ["the file itself", *problem.scenarios], None)
    corners = corners_of(problem)
    if corners:
        yield _menu(CORNER, "reading of the evidence", ["as the file has it", *corners], None)
    laws = dict.fromkeys((problem.objective.law, *_laws(problem)))
    yield _menu(_LAW, "loss law", laws, problem.objective.law)
    goal = problem.objective
    known = (n for n, row in QUANTITIES.items() if goal.sense in row.senses)
    able = [name for name in known if not problem.lacks(name)]
    goals = _menu(f"objective.{goal.sense}", goal.sense, able, goal.quantity)
    yield replace(goals, rare=True)


def _menu(key: str, label: str, names: Iterable[str], own: str | None) -> Control:
    """A menu of names; of one without an own value the first stands for none of the others."""
    listed = list(names)
    stops = [Stop(name, name) for name in listed]
    if own is None:
        stops[0] = Stop(None, listed[0])
    at = 0 if own is None else listed.index(own)
    told = _HELPS.get(key) or help_of(key)
    return Control(key, label, "evidence", "menu", tuple(stops), at, stops[at].text, help=told)


def _laws(problem: Problem) -> Iterator[str]:
    """Names of the laws that the problem can be solved with."""
    base = problem.without_scenarios() if problem.scenarios else problem
    for name in (*problem.laws, *TOKEN_LAWS):
        try:
            base.with_settings({_LAW: name})
        except ProblemError:
            continue
        yield name
