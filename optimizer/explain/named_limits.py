"""The limits of a problem by name, and the problem with some of them left out or moved.

A *named limit* is one end of a budget, of the training tokens, or of the ranges of layers, d_model
and aspect_ratio. All else that a problem says, the other menus and the settings, is the situation
that the limits are held in.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

from modelsizer.optimizer.budgets import sides
from modelsizer.problems.costs.tokens import TIMED
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.tables.lifetime import LIFETIME
from modelsizer.problems.tables.menus import Choice, Interval, Menu, Steps
from modelsizer.problems.tables.space import DEFAULT_D_MODEL_STEP
from modelsizer.problems.units import Number, exact

End = Literal["min", "max", "exact"]

UNIVERSE = {"layers": (1, 1024), "d_model": (128, 65536)}
"""How far an end of the space reaches once it is left out: eight times the depth (Llama 3.1 405B:
126) and four times the width (16384) of the largest dense models that are published."""
DEFAULT_STEPS = {"layers": 1, "d_model": DEFAULT_D_MODEL_STEP}  # of a fixed value
UNLIMITED_TOKENS = 10**200
"""Tokens where nothing limits them: so many that no law tells them from endless ones, and yet
their FLOPs are a double."""
_WHOLE = ("bytes", "parameters", "tokens", "FLOPs", "count")


@dataclass(frozen=True, slots=True)
class NamedLimit:
    """One end of a limit.

    Parameters
    ----------
    key : str
        Dotted key of the file: ``"budgets.kv_cache"``; where both ends are given, that of the end,
        ``"budgets.parameters.min"``. Ends of the space are always of the latter kind.
    base : str
        The key without the end.
    quantity : str
        A name of `modelsizer.problems.quantities`; ``"aspect_ratio"`` for that rule of the space.
    side : {"min", "max", "exact"}
        ``training.tokens = N`` is one limit, of exactly so many.
    value : int or float
    """

    key: str
    base: str
    quantity: str
    side: End
    value: Number

    @property
    def of_space(self) -> bool:
        """Whether it is an end of the space."""
        return self.base.startswith("space.")

    @property
    def unit(self) -> str:
        """A key of `modelsizer.problems.units.UNITS`."""
        return QUANTITIES[self.quantity].dimension if self.quantity in QUANTITIES else "count"

    @property
    def whole(self) -> bool:
        """Whether it is counted in whole units."""
        return self.unit in _WHOLE and self.quantity != "aspect_ratio"

    @property
    def sign(self) -> str:
        """What stands between quantity and value."""
        return {"min": ">=", "max": "<=", "exact": "="}[self.side]

    def excess(self, used: Number | Fraction) -> float:
        """How far a quantity is beyond the limit, relative to it; 0 where it keeps it."""
        ratio = float(Fraction(used) / exact(self.value)) if math.isfinite(used) else math.inf
        over, under = max(0.0, ratio - 1), max(0.0, 1 - ratio)
        return {"max": over, "min": under, "exact": max(over, under)}[self.side]


def named_limits(problem: Problem) -> tuple[NamedLimit, ...]:
    """Every named limit: budgets and tokens first, in the order of the file format."""
    return (*_promised(problem), *_of_space(problem))


def _promised(problem: Problem) -> Iterator[NamedLimit]:
    given = {f"budgets.{name}": (name, i) for name, i in problem.budgets.limits.items()}
    if problem.training.tokens is not None:
        given["training.tokens"] = ("tokens", problem.training.tokens)
    for base, (name, interval) in given.items():
        if interval.written_as_number and interval.min == interval.max:
            assert interval.max is not None
            yield NamedLimit(base, base, name, "exact", interval.max)
            continue
        ends = list(sides(interval))
        for side, value in ends:
            yield NamedLimit(f"{base}.{side}" if len(ends) > 1 else base, base, name, side, value)


def _of_space(problem: Problem) -> Iterator[NamedLimit]:
    for name in UNIVERSE:
        choice: Choice = getattr(problem.space, name)
        low, high = choice.numbers[0], choice.numbers[-1]
        least, most = reach(name, choice)
        base = f"space.{name}"
        if least < low:
            yield NamedLimit(f"{base}.min", base, name, "min", low)
        if most > high:
            yield NamedLimit(f"{base}.max", base, name, "max", high)
    aspect = problem.space.aspect_ratio
    if isinstance(aspect, Interval):
        for side, value in sides(aspect):
            base = "space.aspect_ratio"
            yield NamedLimit(f"{base}.{side}", base, "aspect_ratio", side, value)


# Ends of the space


def step_of(name: str, choice: Choice) -> int:
    """The step in which a menu goes on beyond its ends: a list goes on by the gcd of its steps."""
    if isinstance(choice, Steps):
        return int(choice.step)
    values = [int(n) for n in choice.numbers]
    steps = [b - a for a, b in pairwise(values)]
    return math.gcd(*steps) if steps else DEFAULT_STEPS[name]


def reach(name: str, choice: Choice) -> tuple[int, int]:
    """The least and the greatest value of a menu once its ends are left out."""
    low, high = int(choice.numbers[0]), int(choice.numbers[-1])
    least, most = UNIVERSE[name]
    step = step_of(name, choice)
    return low - max(0, low - least) // step * step, high + max(0, most - high) // step * step


def _widened(name: str, choice: Choice, low: int, high: int) -> object:
    """A menu that goes on to other ends; what a list leaves out between its own stays out."""
    step = step_of(name, choice)
    values = [int(n) for n in choice.numbers]
    if isinstance(choice, Menu):
        return [*range(low, values[0], step), *values, *range(values[-1] + step, high + 1, step)]
    return {"min": low, "max": high, "step": step}


# Settings


_SERVED = frozenset({
    "kv_cache", "kv_bytes_per_token", "serving_memory", "decode_latency", "decode_throughput",
    "prefill_latency", "inference_flops_per_token",
})  # fmt: skip
OF_CACHE = _SERVED - {"prefill_latency", "inference_flops_per_token"}
AFFECTS = {
    "serving.kv_bytes": OF_CACHE,
    "serving.kv_bits": OF_CACHE,
    "serving.weight_bytes": _SERVED - {"kv_cache", "kv_bytes_per_token"},
    "serving.weight_bits": _SERVED - {"kv_cache", "kv_bytes_per_token"},
    "serving.batch_size": OF_CACHE - {"kv_bytes_per_token"},
    "serving.context_length": (_SERVED - {"kv_bytes_per_token"}) | {*LIFETIME},
    "serving.accelerators": frozenset({"serving_memory"}),
    "training.accelerators": frozenset({"training_memory", "training_time"}),
    "training.microbatch_size": frozenset({"training_memory"}),
    "training.zero_stage": frozenset({"training_memory"}),
    "training.recompute": frozenset({"training_memory", "training_flops", *TIMED, *LIFETIME}),
}
"""Settings that people turn, and the quantities that they change. One that touches no limit of some
conflict cannot help, and is not tried."""


# The problem with other limits


class Relaxer:
    """Problems with some limits of one left out or moved.

    Parameters
    ----------
    problem : Problem

    Attributes
    ----------
    limits : tuple of NamedLimit
    keys : tuple of str
    """

    def __init__(self, problem: Problem) -> None:
        self.origin = problem
        self.limits = named_limits(problem)
        self.keys = tuple(limit.key for limit in self.limits)
        self._bare = problem.bare()

    def __getitem__(self, key: str) -> NamedLimit:
        return self.limits[self.keys.index(key)]

    def problem(
        self,
        kept: Collection[str],
        moved: Mapping[str, Number | Interval] | None = None,
        goal: tuple[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Problem:
        """The problem with only some of its limits.

        Parameters
        ----------
        kept : collection of str
            Keys of the limits that hold.
        moved : mapping, optional
            Other values for some of them; of an exact one both ends.
        goal : (sense, quantity), optional
            The objective. By default one under which any design that keeps the limits is as
            quickly found as may be: loss where it is limited, parameters otherwise.
        settings : mapping, optional
            Values under dotted keys of training and serving.

        Raises
        ------
        ProblemError
            If the objective makes no sense under these limits, or a setting is wrong.
        """
        moved = moved or {}
        tables: dict[str, Any] = {name: dict(table) for name, table in self._bare.items()
                                  if isinstance(table, dict)}  # fmt: skip
        ends: dict[str, dict[str, Number]] = {}
        for limit in self.limits:
            if limit.key not in kept:
                continue
            value = moved.get(limit.key, limit.value)
            if isinstance(value, Interval):
                ends.setdefault(limit.base, {}).update(sides(value))
            elif limit.side == "exact":
                ends.setdefault(limit.base, {}).update({"min": value, "max": value})
            else:
                ends.setdefault(limit.base, {})[limit.side] = value
        tables["space"] |= self._space(kept, moved)
        if isinstance(self.origin.space.aspect_ratio, Interval):
            rule = ends.get("space.aspect_ratio")
            tables["space"] |= {"aspect_ratio": rule} if rule else {}
            if not rule:
                del tables["space"]["aspect_ratio"]
        budgets = {k.removeprefix("budgets."): e for k, e in ends.items() if k.startswith("budg")}
        tokens = dict(ends.get("training.tokens", {}))
        bounding = ("tokens", "training_flops", *TIMED, *LIFETIME)
        if "max" not in tokens and not any("max" in budgets.get(n, {}) for n in bounding):
            tokens["max"] = UNLIMITED_TOKENS
        tables["budgets"] = budgets
        tables["training"] = {k: v for k, v in tables.get("training", {}).items() if k != "tokens"}
        if tokens:
            tables["training"]["tokens"] = tokens
        if goal is None:
            goal = ("minimize", "loss" if "max" in budgets.get("loss", {}) else "parameters")
        tables["objective"] = tables.get("objective", {}) | {goal[0]: goal[1]}
        for key, setting in (settings or {}).items():
            table, _, name = key.partition(".")
            tables[table] = tables.get(table, {}) | {name: setting}
        return Problem.from_tables(tables, like=self.origin)

    def _space(
        self, kept: Collection[str], moved: Mapping[str, Number | Interval]
    ) -> dict[str, object]:
        """Menus whose ends are moved or left out."""
        found: dict[str, object] = {}
        for name in UNIVERSE:
            mine = {limit.side: limit for limit in self.limits if limit.base == f"space.{name}"}
            choice: Choice = getattr(self.origin.space, name)
            least, most = reach(name, choice)
            ends: dict[str, int] = {"min": int(choice.numbers[0]), "max": int(choice.numbers[-1])}
            given = dict(ends)
            for side, limit in mine.items():
                far = least if side == "min" else most
                value = moved.get(limit.key, limit.value) if limit.key in kept else far
                assert not isinstance(value, Interval)
                ends[side] = int(value)
            if ends != given:
                found[name] = _widened(name, choice, ends["min"], ends["max"])
        return found


# Changes


@dataclass(frozen=True, slots=True)
class Repair:
    """One change that makes a problem feasible.

    Parameters
    ----------
    key : str
        Of a named limit, or of a setting.
    value : number or str
        What the limit or the setting must be.
    before : number or str
        What it is.
    unit : str
        A key of `modelsizer.problems.units.UNITS`; ``"setting"`` for a setting that has none.
    side : {"min", "max"} or None
        Which end of a limit it is. ``training.tokens = N`` has two: fewer, or more.
    excess : float or None
        How far the value is from the limit, relative to it.
    """

    key: str
    value: Number | str
    before: Number | str
    unit: str
    side: str | None = None
    excess: float | None = None

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        found: dict[str, object] = {"key": self.key, "limit": self.value, "unit": self.unit}
        found |= {"before": self.before, "side": self.side, "excess": self.excess}
        return found if self.side is not None else found | {"value": self.value}


# Units


def position(limit: NamedLimit, value: Number | Fraction, *, up: bool) -> int:
    """A value as a count of units: itself where they are whole, else doubles in their order."""
    at = Fraction(value) if isinstance(value, Fraction) else exact(value)
    if limit.whole:
        return math.ceil(at) if up else math.floor(at)
    place = int(struct.unpack("<q", struct.pack("<d", float(at)))[0])
    while up and exact(_double(place)) < at:
        place += 1
    while not up and exact(_double(place)) > at:
        place -= 1
    return place


def at_position(limit: NamedLimit, place: int) -> Number:
    """The inverse of `position`."""
    return place if limit.whole else _double(place)


def _double(place: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", place))[0])


def edge(
    holds: Callable[[int], bool], start: int, guess: int, outward: int, last: int | None = None
) -> int:
    """The first place, from `start` in steps of `outward`, that holds, if all beyond it do.

    Parameters
    ----------
    holds : callable
        False at `start`, true far enough out.
    guess : int
        Where it is looked for first, in growing strides away from it.
    last : int, optional
        The outermost place, known to hold.
    """

    def place(n: int) -> int:
        return start + n * outward

    most = math.inf if last is None else abs(last - start) // abs(outward)
    at = int(min(max(1, -(-(guess - start) // outward)), most))
    stride = 1
    if holds(place(at)):
        good, bad = at, at - 1
        while bad > 0 and holds(place(bad)):
            good, bad, stride = bad, max(0, bad - 2 * stride), 2 * stride
    else:
        bad, good = at, at + 1
        while good < most and not holds(place(good)):
            bad, good, stride = good, int(min(good + 2 * stride, most)), 2 * stride
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(place(middle)) else (good, middle)
    return place(good)
