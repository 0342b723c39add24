"""A numeric setting of the problem file: its key, its unit, and values for it."""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.constraints import WHOLE, constraints, is_limit, setting_of
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.errors import ProblemError, did_you_mean, short
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import PRICES
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.limits import ANY, Bare
from modelsizer.problems.tables.space import ExpertsSpace, LatentSpace, LinearSpace
from modelsizer.problems.units import Number, exact, format_number, parse_quantity, plain

DIGITS = 6  # significant digits of a value between the first and the last of a sweep
_HOUR, _DAY, _OF_TIMES = 3600, 86400, 3  # digits of hours and days
SPAN, POINTS = 100, 21
"""A sweep around a value goes from value / SPAN to value x SPAN, at POINTS values."""

_TABLES = ("space", "training", "serving", "lifetime", "budgets")
_OF_SPACE = tuple(
    f"{table}.{name}"
    for table, model in (
        ("latent", LatentSpace),
        ("experts", ExpertsSpace),
        ("linear", LinearSpace),
    )
    for name in model.model_fields
)
_DIMENSIONS = {
    "tokens": "tokens",
    "unique_tokens": "tokens",
    "inference_tokens": "tokens",
    "memory_reserve": "bytes",
    "price_per_hour": "dollars",
    "watts": "watts",
    "overhead": "seconds",
}
"""Dimensions of settings; all others are counts or plain numbers."""


@dataclass(frozen=True, slots=True)
class NumericSetting:
    """A key of the problem file that holds a number, and can be swept.

    Parameters
    ----------
    over : str
        The key as asked for.
    key : str
        The key that is set: one side of a limit, such as ``budgets.training_flops.max``, or `over`
        itself.
    name : str
        The last word of the key: of a budget its quantity.
    dimension : str
        Key of `modelsizer.problems.units.UNITS`.
    """

    over: str
    key: str
    name: str
    dimension: str

    @classmethod
    def of(cls, problem: Problem, over: str) -> NumericSetting:
        """The setting that a dotted key names in a problem.

        Parameters
        ----------
        problem : Problem
        over : str
            Of a limit with or without its side; see `modelsizer.optimizer.constraints.setting_of`.

        Raises
        ------
        ProblemError
            If no number of the problem file has this key.
        """
        table, _, rest = over.partition(".")
        if table == PRICES and rest in problem.prices.names(problem.devices):
            return cls(over, over, rest, "dollars")
        known = {t: tuple(type(getattr(problem, t)).model_fields) for t in _TABLES}
        known["space"] += _OF_SPACE
        name, _, end = (rest, "", "") if rest in known["space"] else rest.partition(".")
        limited = is_limit(f"{table}.{name}")
        ends = ("", "min", "max") if limited else ("",)
        if name not in known.get(table, ()) or end not in ends:
            known[PRICES] = problem.prices.names(problem.devices)
            every = [f"{t}.{n}" for t, names in known.items() for n in names]
            meant = f"budgets.{over}" if over in known["budgets"] else over  # the table left out
            hint = did_you_mean(meant, every) or f"; known budgets: {', '.join(known['budgets'])}"
            raise ProblemError.of(over, f"is no limit or setting that can be swept{hint}")
        key = setting_of(problem, over) if limited and not end else over
        dimension = QUANTITIES[name].dimension if table == "budgets" else _DIMENSIONS.get(name)
        return cls(over, key, name.rpartition(".")[2], dimension or "count")

    def now(self, problem: Problem) -> Number | None:
        """The value in the problem; None if it gives none."""
        table, _, name = self.over.partition(".")
        if is_limit(self.key):
            for each in constraints(problem):
                if self.key == f"{each.base}.{each.side}" or (
                    each.equality and each.base == ".".join(self.over.split(".")[:2])
                ):
                    return each.limit
            return None
        if table == "space":
            value = problem.space.menu(name)
        elif table == PRICES:
            value = dict(problem.prices.given).get(name)
        else:
            value = getattr(getattr(problem, table), name)
        return value if isinstance(value, int | float) else None

    def at(self, problem: Problem, value: Number) -> Problem:
        """The problem with another value.

        Raises
        ------
        ProblemError
            If it makes no sense in the problem.
        """
        return problem.with_settings({self.key: self.written(value)})

    def written(self, value: Number) -> Number | str:
        """A value as the problem file has it."""
        return self._bare.written(value, self.dimension)

    @property
    def _bare(self) -> Bare:
        """What a value without a unit can mean."""
        upper = is_limit(self.key) and not self.key.endswith(".min")
        return QUANTITIES[self.name].bare if upper else ANY

    def read(self, value: object) -> Number:
        """A value with its unit, as the problem file writes it.

        Raises
        ------
        ProblemError
            If it is no number of this dimension above 0.
        """
        try:
            number = parse_quantity(value, self.dimension)
            if number > 0:
                self._bare.check(value, number, self.dimension)
        except ValueError as error:
            raise ProblemError.of(self.over, str(error)) from None
        if number <= 0:
            raise ProblemError.of(
                self.over, f"{short(value)} must be above 0, as ends and steps of a range are"
            )
        return number

    def scaled(self, value: Number, up: int, down: int) -> Number:
        """A value times `up` over `down`; whole, and 1 at least, where it is counted."""
        number = exact(value) * up / down
        return max(1, round(number)) if self.dimension in WHOLE else plain(number)

    def around(self, value: Number) -> tuple[Number, Number]:
        """The first and the last value of a sweep around a value."""
        return self.scaled(value, 1, SPAN), self.scaled(value, SPAN, 1)

    def spaced(
        self,
        problem: Problem,
        first: object = None,
        last: object = None,
        points: int = POINTS,
    ) -> tuple[Number, ...]:
        """Values from `first` to `last`, evenly spaced in their logarithm.

        Parameters
        ----------
        problem : Problem
        first, last : number or str, optional
            As the problem file writes them; by default the problem's own value over `SPAN`, and
            times it.
        points : int

        Raises
        ------
        ProblemError
            If the problem gives no value to take a default from, or `first` is not below `last`.
        """
        now = self.now(problem)
        if now is None and (first is None or last is None):
            message = "the file gives no such value to sweep around: give --from and --to"
            raise ProblemError.of(self.over, message)
        low, high = self.around(now or 1)
        low = low if first is None else self.read(first)
        high = high if last is None else self.read(last)
        if low >= high:
            raise ProblemError.of(
                "--from",
                f"{format_number(low, DIGITS)} is not below --to, {format_number(high, DIGITS)}",
            )
        return self.between(low, high, points)

    def _rounded(self, value: float) -> Number:
        """A value to `DIGITS` digits; of a time, in the hours or days that it is shown in."""
        unit, digits = 1, DIGITS
        if self.dimension == "seconds" and value >= _HOUR:
            unit, digits = _DAY if value >= _DAY else _HOUR, _OF_TIMES
        return plain(exact(float(f"{value / unit:.{digits}g}")) * unit)

    def between(
        self, low: Number, high: Number, points: int, clock: Clock | None = None
    ) -> tuple[Number, ...]:
        """Values evenly spaced in their logarithm, `low` and `high` among them.

        Whole where the quantity is counted and both are whole; fewer where they would repeat.

        Raises
        ------
        StoppedError
            If the clock stops it.
        """
        clock = Clock() if clock is None else clock
        whole = self.dimension in WHOLE and {type(low), type(high)} == {int}
        inner = np.geomspace(float(low), float(high), points)[1:-1].tolist()
        rounded = [self._rounded(value) for value in clock.each(inner)]
        middle = [round(value) for value in rounded] if whole else rounded
        return tuple(sorted({low, *middle, high}))
