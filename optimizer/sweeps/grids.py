"""Axes, which are keys with several values, and the grid of several axes.

Values are written as a list, ``8192,32768,131072``, or as a range, ``1e22..1e26:log:41``,
``40 GB..80 GB:lin:5`` or ``1e9..9e9:step=2e9``. Text without a comma outside of brackets and quotes
is one value, as the problem file writes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from modelsizer.optimizer.constraints import is_limit, written_settings
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.errors import ProblemError, short
from modelsizer.problems.key_values import check_apart, read_value, split_list, split_pairs
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, exact, plain

MOST_POINTS = 1_000_000
"""Points of a grid; more are a mistake in a range, and would take days."""
_TRIED = 100  # values checked on each axis, and points checked for a value that is wrong alone
_RANGE = re.compile(r"(?P<low>[^:]+?)\s*\.\.\s*(?P<high>[^:]+?)\s*(?::\s*(?P<how>.*))?")
_HOW = re.compile(r"(?P<scale>log|lin)\s*:\s*(?P<points>[0-9]{1,12})|step\s*=\s*(?P<step>.+)")
_EXAMPLE = "write 1e22..1e26:log:41, 40 GB..80 GB:lin:5 or 8192..65536:step=8192"
_UNIT = re.compile(r"[A-Za-z$].*$")
_CUT = re.compile(r"0[0-9]{2}.*")  # of 131,072 behind the comma
_NEW_TABLES = ("space", "laws")
"""Tables of the problem file whose values change the tables of width options."""
_NEW_QUANTITIES = ("training", "serving")
"""Tables whose values change some quantities of them; other tables cost nothing to change."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A key and the values that it takes.

    Parameters
    ----------
    key : str
        Dotted key of the problem file.
    values : tuple
        Numbers in base units, or other values of the file; distinct, in the order given.
    """

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SweepGrid:
    """All combinations of the values of some keys; those of the last key change fastest.

    Parameters
    ----------
    axes : tuple of Axis
        At least one.
    """

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def positions(self, index: int) -> tuple[int, ...]:
        """Index of a point's value on each axis."""
        found = []
        for axis in reversed(self.axes):
            index, at = divmod(index, len(axis.values))
            found.append(at)
        return tuple(reversed(found))

    def point(self, index: int) -> dict[str, Any]:
        """Values of a point by key."""
        places = zip(self.axes, self.positions(index), strict=True)
        return {axis.key: axis.values[at] for axis, at in places}

    def neighbours(self, indices: Iterable[int]) -> list[int]:
        """The points in an order that makes solving one after another fast.

        Keys that need new tables change least often. As in a reflected Gray code, each point
        differs from the one before by one step of one key.
        """
        cost = [_cost(axis.key) for axis in self.axes]
        order = sorted(range(len(self.axes)), key=lambda i: -cost[i])
        asked = np.array(list(indices), dtype=np.int64)
        at = np.unravel_index(asked, [len(axis.values) for axis in self.axes])
        rank = np.zeros_like(asked)
        for i in order:
            most = len(self.axes[i].values)
            rank = rank * most + np.where(rank % 2, most - 1 - at[i], at[i])
        found: list[int] = asked[np.argsort(rank, kind="stable")].tolist()
        return found

    def to_list(self) -> list[dict[str, Any]]:
        """Plain values for JSON."""
        return [{"key": axis.key, "values": list(axis.values)} for axis in self.axes]


def _cost(key: str) -> int:
    table = key.partition(".")[0]
    return 2 if table in _NEW_TABLES else 1 if table in _NEW_QUANTITIES else 0


# Texts


def split_settings(texts: Sequence[str], option: str = "--set") -> dict[str, str]:
    """Values as text by key, from ``key=values`` texts.

    Raises
    ------
    ProblemError
        If a text has no key or no value, or a key comes twice.
    """
    found: dict[str, str] = {}
    for key, values in split_pairs(texts, option):
        if key in found:
            raise ProblemError.of(option, f"{key} is given twice; keep one of them")
        found[key] = values
    return found


def check_problem_key(key: str) -> None:
    """Refuse a key of a scenario, which changes no solve of the problem itself.

    Raises
    ------
    ProblemError
        With the key.
    """
    if key.partition(".")[0] == "scenarios":
        message = "values of the problem itself are swept, not of its scenarios"
        raise ProblemError.of(key, message)


def axis_of(problem: Problem, key: str, text: str, clock: Clock | None = None) -> Axis:
    """The axis of a key and values as text.

    Raises
    ------
    StoppedError
        If the clock stops the listing of values.
    ProblemError
        If a range cannot be read, or a value is missing or comes twice. Whether the values are
        valid in the problem is not checked; see `grid_of`.
    """
    check_problem_key(key)
    match = _RANGE.fullmatch(text)
    if match is not None and len(split_list(text)) == 1:
        return Axis(key, tuple(_range(problem, key, text, match, clock or Clock())))
    if any(_CUT.fullmatch(piece) for piece in split_list(text)[1:]):
        raise ProblemError.of(
            key, f"{short(text)}: a comma stands between values, not within a number"
        )
    raw = [read_value(piece) for piece in split_list(text)]
    if len(raw) == 1 and isinstance(raw[0], list):
        raw = raw[0]
    values: list[Any] = [_plain(problem, key, value) for value in raw]
    for at, value in enumerate(values):
        if value == "" or value in values[:at]:
            what = "a value is missing" if value == "" else f"{short(value)} is given twice"
            raise ProblemError.of(key, f"{short(text)}: {what}; a comma stands between two values")
    return Axis(key, tuple(values))


def values_axis(problem: Problem, key: str, values: Iterable[Any]) -> Axis:
    """The axis of a key and its values, numbers with units in base units."""
    return Axis(key, tuple(_plain(problem, key, value) for value in values))


def grid_of(problem: Problem, axes: Sequence[Axis]) -> SweepGrid:
    """The grid of some axes, validated before hours of solving.

    Each value is checked in the problem; of long axes only the first and the last. A value that is
    invalid alone is checked together with values of the other keys.

    Raises
    ------
    ProblemError
        If there is no axis, there are more than `MOST_POINTS` points, or a value is invalid both
        alone and with others.
    """
    if not axes:
        raise ProblemError.of(
            "--set", f"no key takes several values: list them as 8192,32768, or {_EXAMPLE}"
        )
    grid = SweepGrid(tuple(axes))
    if (points := len(grid)) > MOST_POINTS:
        shape = " x ".join(str(len(axis.values)) for axis in axes)
        raise ProblemError.of(
            "--set", f"{shape} = {points:,} points; a grid has {MOST_POINTS:,} at most"
        )
    for axis in axes:
        values = axis.values if len(axis.values) <= _TRIED else (axis.values[0], axis.values[-1])
        for value in values:
            _try(problem, grid, axis.key, value)
    return grid


def _try(problem: Problem, grid: SweepGrid, key: str, value: object) -> None:
    try:
        problem.with_settings(written_settings({key: value}))
        return
    except ProblemError as error:
        alone = error
    others = [[(axis.key, v) for v in axis.values] for axis in grid.axes if axis.key != key]
    for point in islice(product(*others), _TRIED):
        try:
            problem.with_settings(written_settings(dict(point) | {key: value}))
            return
        except ProblemError:
            continue
    raise alone


def _plain(problem: Problem, key: str, value: Any) -> Any:
    """A number, or text with a unit, in the base unit where that gives the same problem."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        setting = NumericSetting.of(problem, key)
    except ProblemError:
        return value
    try:
        number = setting.read(value)
    except ProblemError:
        if is_limit(key) and not isinstance(value, str):
            raise  # a number that cannot be meant
        return value
    try:
        there = problem.with_settings(written_settings({key: number}))
        same = there == problem.with_settings({key: value})
    except ProblemError:
        return value
    return number if same else value


def _range(
    problem: Problem, key: str, text: str, match: re.Match[str], clock: Clock
) -> list[Number]:
    setting = NumericSetting.of(problem, key)
    how = _HOW.fullmatch(match["how"] or "")
    if how is None:
        raise ProblemError.of(key, f"{short(text)} is no range; {_EXAMPLE}")
    unit = _UNIT.search(_after_exponent(match["high"]))
    low_text = match["low"]
    if unit is not None and _UNIT.search(_after_exponent(low_text)) is None:
        low_text = f"{low_text} {unit[0]}"  # 40..80 GB
    low, high = setting.read(low_text), setting.read(match["high"])
    if low >= high:
        raise ProblemError.of(key, f"{short(text)}: a range goes from a number to a greater one")
    if how["step"] is not None:
        return list(clock.each(_steps(setting, low, high, setting.read(how["step"]), text)))
    points = int(how["points"])
    if not 2 <= points <= MOST_POINTS:
        raise ProblemError.of(key, f"{short(text)}: a range has 2 to {MOST_POINTS:,} points")
    if how["scale"] == "log":
        return list(setting.between(low, high, points, clock))
    last = points - 1
    ends = [exact(low) * (last - i) + exact(high) * i for i in clock.each(range(points))]
    values = [setting.scaled(plain(end), 1, last) for end in clock.each(ends)]
    return list(dict.fromkeys(values))  # counts repeat where points are many


def _after_exponent(text: str) -> str:
    """A number as text without the e of its exponent, so that only its unit has letters."""
    return re.sub(r"(?<=[0-9])[eE](?=[+-]?[0-9])", "", text)


def _steps(
    setting: NumericSetting, low: Number, high: Number, step: Number, text: str
) -> Iterator[Number]:
    start, stride = exact(low), exact(step)
    count = int((exact(high) - start) / stride) + 1
    if count > MOST_POINTS:
        raise ProblemError.of(
            setting.over, f"{short(text)} has {count:,} points, {MOST_POINTS:,} at most"
        )
    yield from (plain(start + i * stride) for i in range(count))


def split_problem(
    source: str | Path, texts: Sequence[str], without: Sequence[str] = ()
) -> tuple[Problem, dict[str, str]]:
    """A problem with the settings of one value, and the settings of several values as text.

    Parameters
    ----------
    source : str or Path
        As `Problem.load` takes it.
    texts : sequence of str
        ``key=values`` each.
    without : sequence of str
        Limits to leave out.

    Raises
    ------
    ProblemError
        If the file, a text or a single value is wrong.
    """
    values = split_settings(texts)
    listed = {key: text for key, text in values.items() if _looks_many(text)}
    single = {key: read_value(text) for key, text in values.items() if key not in listed}
    check_apart(single, without)
    bracketed = {key: value for key, value in single.items() if isinstance(value, list) and value}
    problem = Problem.load(source, {k: v for k, v in single.items() if k not in bracketed})
    problem = problem.without(*without) if without else problem
    for key, value in bracketed.items():
        # One value where the key takes a menu; otherwise several.
        try:
            problem = problem.with_settings({key: value})
        except ProblemError:
            listed[key] = values[key]
    return problem, {key: text for key, text in values.items() if key in listed}


def _looks_many(text: str) -> bool:
    return len(split_list(text)) > 1 or ".." in text
