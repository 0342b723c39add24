"""Controls of a problem: what may be moved on the live page, and to which values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Literal

from modelsizer.live.setting_rows import ROWS, SettingRow
from modelsizer.live.state import CORNER, SCENARIO, corners_of
from modelsizer.live.stops import Stop, amount_stop, amount_text, around, place, sorted_stops
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import TOKENS, WHOLE, Constraint, constraints
from modelsizer.optimizer.result import Result
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import PRICES, flattened
from modelsizer.problems.records import dataclass
from modelsizer.problems.schema import described_keys
from modelsizer.problems.tables.tables import Table
from modelsizer.problems.units import Number, exact, format_quantity, plain

Group = Literal["limits", "training", "serving", "space", "evidence"]
Kind = Literal["slider", "menu", "text"]
_ENDS = {"max": "at most", "min": "at least", "=": "exactly"}
_DEFAULT = "default"
_NEAR = 5  # a limit that the file does not give is sought between what is used / 5 and x 5
_LAW = "objective.law"
_HELPS = MappingProxyType(
    {
        CORNER: "What the evidence leaves open, read one way or another: answers that stay the "
        "same at every corner hold whatever the truth.",
        SCENARIO: "Values that the file has under a name; what is moved here holds over them.",
    }
)


@dataclass(frozen=True, slots=True)
class Control:
    """Something that may be moved.

    Parameters
    ----------
    key : str
        Dotted key of the problem file, or ``"corner"`` or ``"scenario"``.
    label : str
    group : str
    kind : {"slider", "menu", "text"}
    stops : tuple of Stop
        What it offers; a text field beside it takes any value that the file takes.
    at : int or None
        The stop that the file has; None if it says nothing, or something else.
    text : str
        The file's own value, or the default; empty if there is none.
    unit, help, section : str
    given : bool
        Whether the file gives it. Of a limit: whether there is one.
    rare : bool
        Whether it stands behind a disclosure.
    needs : str
        What the file must say before it can be given; empty if nothing.
    fixed : bool
        Whether the stops are all there is.
    """

    key: str
    label: str
    group: Group
    kind: Kind
    stops: tuple[Stop, ...] = ()
    at: int | None = None
    text: str = ""
    unit: str = ""
    help: str = ""
    section: str = ""
    given: bool = True
    rare: bool = False
    needs: str = ""
    fixed: bool = False

    def to_dict(self) -> dict[str, object]:
        """The keys of the page."""
        found: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return found | {"stops": [stop.to_dict() for stop in self.stops]}

    def moved(self, value: object, number: Number | None) -> dict[str, object]:
        """Where it stands at another value, and the text of that.

        Parameters
        ----------
        value : object
            As it was set.
        number : int or float, optional
            The value in base units, if it is a number of this control's dimension.
        """
        at: float | None = next((i for i, s in enumerate(self.stops) if s.value == value), None)
        if at is None and number is not None and self.kind == "slider":
            at = place(number, self.stops)
        text = self.stops[int(at)].text if at is not None and at == int(at) else ""
        if number is not None and text and self.stops[int(at or 0)].number != number:
            text = ""
        if not text:
            text = value if isinstance(value, str) else typed(value)
            if number is not None and self.unit and not isinstance(value, str):
                text = amount_text(number, self.unit)
        return {"at": at, "text": text}


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
        *_settings(problem),
        *_prices(problem),
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
        own = Stop(limit.reference, f"{own.text} ({limit.reference})", limit.limit)
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
    name = base.partition(".")[2]
    words = "training tokens" if base == TOKENS else QUANTITIES[name].words
    return f"{words}, {_ENDS[end]}"


@cache
def _helps() -> dict[str, str]:
    """The first paragraph about each key of the problem file."""
    return {each.key: each.about.partition("\n\n")[0] for each in described_keys()}


def help_of(key: str) -> str:
    """What a key of the problem file is, without the marks of Markdown."""
    base = key.removesuffix(".max").removesuffix(".min")
    return _helps().get(base, "").replace("`", "")


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


# Settings


def _settings(problem: Problem) -> Iterator[Control]:
    """Settings of training, serving and lifetime, the usual ones first."""
    for name in ("training", "serving", "lifetime"):
        table: Table = getattr(problem, name)
        raw = problem.to_dict((name,)).get(name, {})
        rows = {row.name: row for row in ROWS if row.table == name}
        others = [key for key in type(table).model_fields if key not in rows and key != "tokens"]
        rows |= {key: SettingRow(name, key) for key in others}
        for row in rows.values():
            if not row.hidden(raw):
                yield _setting(row, table, raw)


def _setting(row: SettingRow, table: Table, raw: Mapping[str, object]) -> Control:
    field = type(table).model_fields[row.name]
    given = row.name in raw
    own_value = raw.get(row.name, field.initial if field.table is None else None)
    group: Group = "training" if row.table == "training" else "serving"
    stops, at = _setting_stops(row, own_value)
    text = _DEFAULT if own_value is None else row.text(own_value)
    if at is not None:
        text = stops[at].text
    menu = row.kind == "menu" or isinstance(own_value, list | tuple)
    kind: Kind = "text" if not stops else "menu" if menu else row.kind
    return Control(
        row.key,
        row.name,
        group,
        kind,
        stops,
        at,
        text,
        row.dimension,
        help_of(row.key),
        given=given,
        rare=not given and not row.usual,
        section="" if row.table == group else row.table,
    )


def _setting_stops(row: SettingRow, own: object) -> tuple[tuple[Stop, ...], int | None]:
    """What a row offers, with the file's own value among it."""
    stops = [row.stop(value) for value in row.offered(own)]
    if own is None:
        return tuple(stops), None
    mine = row.stop(own)
    at = next((i for i, stop in enumerate(stops) if stop.value == own), None)
    if at is None and stops:
        if row.kind == "slider" and mine.number is not None:
            stops = sorted([*stops, mine], key=lambda stop: float(stop.number or 0))
        elif row.kind == "slider" and not isinstance(own, list | tuple):
            return tuple(stops), None  # a range in place of the number
        else:
            stops = [mine, *stops]
        at = stops.index(mine)
    return tuple(stops), at


def _prices(problem: Problem) -> Iterator[Control]:
    given = dict(problem.prices.given)
    for name in dict.fromkeys((*given, *problem.prices.names(problem.devices))):
        number, stops, at = given.get(name), list[Stop](), None
        if number is not None:
            own = Stop(number, amount_text(number, "dollars"), number)
            numbers = around(number, "dollars", whole=False)
            stops = sorted_stops(own, numbers, "dollars")
            at = stops.index(own)
        yield Control(
            f"{PRICES}.{name}",
            f"{name}, an hour",
            "serving",
            "slider" if stops else "text",
            tuple(stops),
            at,
            stops[at].text if at is not None else "",
            "dollars",
            "Price of one accelerator for one hour.",
            section=PRICES,
            given=number is not None,
            rare=number is None,
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
    key = f"objective.{goal.sense}"
    yield Control(
        key, goal.sense, "evidence", "text", text=goal.quantity, help=help_of(key), rare=True
    )


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
