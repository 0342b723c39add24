"""What a sweep changes: one key of the problem file, its ends, its unit and the values between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from modelsizer.optimizer.constraints import TOKENS, WHOLE, setting_of
from modelsizer.problems.errors import ProblemError, did_you_mean
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.units import Number, exact, parse_quantity, plain

DIGITS = 6  # significant digits of a value between the ends of a sweep
SPAN, POINTS = 100, 21
"""Of a sweep around a value: from the value over this to it times this, at so many points."""

_TABLES = ("space", "training", "serving", "budgets")
_DIMENSIONS = {
    "tokens": "tokens",
    "unique_tokens": "tokens",
    "memory_reserve": "bytes",
    "price_per_hour": "dollars",
    "watts": "watts",
    "overhead": "seconds",
}
"""Of keys that are no budget; all others are counts or plain numbers."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A key of the problem file that takes one value after another.

    Parameters
    ----------
    over : str
        As asked for.
    key : str
        What is set: a budget's end, such as ``budgets.training_flops.max``, or `over` itself.
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
    def of(cls, problem: Problem, over: str) -> Sweep:
        """What a dotted key sweeps in a problem.

        Raises
        ------
        ProblemError
            If it is no number that a problem file holds.
        """
        table, _, rest = over.partition(".")
        name, _, end = rest.partition(".")
        known = {t: tuple(type(getattr(problem, t)).model_fields) for t in _TABLES}
        limited = table == "budgets" or f"{table}.{name}" == TOKENS
        ends = ("", "min", "max") if limited else ("",)
        if name not in known.get(table, ()) or end not in ends:
            every = [f"{t}.{n}" for t, names in known.items() for n in names]
            meant = f"budgets.{over}" if over in known["budgets"] else over  # the table left out
            hint = did_you_mean(meant, every) or f"; known budgets: {', '.join(known['budgets'])}"
            raise ProblemError.of(over, f"is no limit or setting that can be swept{hint}")
        key = setting_of(problem, over) if limited and not end else over
        dimension = QUANTITIES[name].dimension if table == "budgets" else _DIMENSIONS.get(name)
        return cls(over, key, name, dimension or "count")

    @property
    def end(self) -> str:
        """``"min"`` or ``"max"`` where it is one end of a limit, otherwise empty."""
        last = self.key.rpartition(".")[2]
        return last if last in ("min", "max") else ""

    def now(self, problem: Problem) -> Number | None:
        """The value in the problem, where there is one."""
        table, name = self.over.split(".")[:2]
        given = getattr(getattr(problem, table), name)
        value = getattr(given, self.end or "max", given)
        return value if isinstance(value, int | float) else None

    def at(self, problem: Problem, value: Number) -> Problem:
        """The problem with the value set.

        Raises
        ------
        ProblemError
            If it makes no sense there.
        """
        return problem.with_settings({self.key: value})

    def read(self, value: object) -> Number:
        """A value with its unit, as the problem file writes it.

        Raises
        ------
        ProblemError
            If it is no number of this dimension above 0.
        """
        try:
            number = parse_quantity(value, self.dimension)
        except ValueError as error:
            raise ProblemError.of(self.over, str(error)) from None
        if number <= 0:
            raise ProblemError.of(self.over, f"{value!r} must be above 0: values are log-spaced")
        return number

    def scaled(self, value: Number, up: int, down: int) -> Number:
        """A value times `up` over `down`; whole, and 1 at least, where it is counted."""
        number = exact(value) * up / down
        return max(1, round(number)) if self.dimension in WHOLE else plain(number)

    def around(self, value: Number) -> tuple[Number, Number]:
        """The ends of a sweep around a value."""
        return self.scaled(value, 1, SPAN), self.scaled(value, SPAN, 1)

    def between(self, low: Number, high: Number, points: int) -> tuple[Number, ...]:
        """Values from one end to the other, evenly spaced in their logarithm.

        Whole where the quantity is counted and both ends are whole, and then fewer where they
        would repeat.
        """
        whole = self.dimension in WHOLE and {type(low), type(high)} == {int}
        inner = np.geomspace(float(low), float(high), points)[1:-1].tolist()
        rounded = [plain(exact(float(f"{value:.{DIGITS}g}"))) for value in inner]
        middle = [round(value) for value in rounded] if whole else rounded
        return tuple(sorted({low, *middle, high}))
