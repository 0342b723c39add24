"""Repairs that move one constraint, by the least change that is enough.

A repair moves one constraint and keeps the rest. Its value is exact: some design is feasible at it,
and none is at a limit one unit tighter (a byte, a FLOP, a token; of seconds, dollars, kWh and nats
the next double). Both are proven by a search of their own.
`modelsizer.optimizer.explain.setting_repairs` changes one setting, and
`modelsizer.optimizer.explain.joint_repair` moves several constraints at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from fractions import Fraction

from modelsizer.optimizer.constraints import RATIO, TOKENS, Constraint
from modelsizer.optimizer.explain.conflicts import Keys, Oracle, reached
from modelsizer.optimizer.explain.line_search import at_position, edge, position
from modelsizer.optimizer.explain.space_constraints import (
    reach,
    relaxed_space,
    space_constraints,
    step_of,
)
from modelsizer.optimizer.result import Side
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import integers
from modelsizer.problems.units import Number


@dataclass(frozen=True, slots=True)
class Repair:
    """One change that makes a problem feasible.

    Parameters
    ----------
    key : str
        Of a constraint, or of a setting.
    value : number or str
        What the limit or the setting must become.
    before : number or str
        What it is.
    unit : str
        A key of `modelsizer.problems.units.UNITS`; ``"setting"`` for a setting that has none.
    side : {"min", "max"} or None
        Side of the constraint; of an equality the side that gives way. None for a setting.
    excess : float or None
        Distance of the value from the limit, relative to the limit; None if no double holds it.
    settings : mapping of str to value
        What to set, by dotted key, if that is more than the key itself.
    cost : float or None
        See `modelsizer.optimizer.explain.change_costs`; None where it is not computed yet.
    reference : str
        ``"as MODEL [at TOKENS]"``, if the limit is that of a model, which the value replaces.
    device : str
        Name of the accelerator, if the limit is what fits it.
    """

    key: str
    value: Number | str
    before: Number | str
    unit: str
    side: Side | None = None
    excess: float | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    cost: float | None = None
    reference: str = ""
    device: str = ""

    @property
    def made(self) -> Mapping[str, object]:
        """What to set, by dotted key, to make it: of a problem, `Problem.with_settings` does."""
        return self.settings or {self.key: self.value}

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        cost = self.cost if self.cost is None or math.isfinite(self.cost) else None
        found: dict[str, object] = {"key": self.key, "limit": self.value, "unit": self.unit}
        found |= {"before": self.before, "side": self.side, "excess": self.excess}
        found |= {"cost": cost, "set": dict(self.made)}
        found |= {"reference": self.reference} if self.reference else {}
        found |= {"default": True, "fits": self.device} if self.device else {}
        return found if self.side is not None else found | {"value": self.value}


def limit_repairs(oracle: Oracle) -> Iterator[tuple[str, list[Repair]]]:
    """Yield each constraint with the repairs that move it alone, none where that cannot help."""
    for limit in oracle.relaxer.limits:
        yield limit.key, list(repairs_of(oracle, limit))


def repairs_of(oracle: Oracle, limit: Constraint) -> Iterator[Repair]:
    """The repairs that move one constraint alone: none, one, or for an equality up to two."""
    rest = oracle.all - {limit.key}
    if not oracle.feasible(rest):
        return
    if not limit.equality:
        yield _moved(oracle, limit, _guess(oracle, limit, rest))
        return
    pairs: tuple[tuple[Side, Side], ...] = (("min", "max"), ("max", "min"))
    for side, other in pairs:
        kept = limit.one_sided(other)
        if oracle.holds(oracle.relaxer.problem(oracle.all, [kept])):
            found = _moved(oracle, limit.one_sided(side), None, [kept])
            yield replace(found, key=limit.key)


def _moved(
    oracle: Oracle,
    limit: Constraint,
    guess: Fraction | float | None,
    also: Sequence[Constraint] = (),
) -> Repair:
    """The nearest limit of a constraint at which the problem is feasible.

    Parameters
    ----------
    oracle : Oracle
    limit : Constraint
    guess : Fraction or float, optional
        About where it is; sought from the limit itself otherwise.
    also : sequence of Constraint
        As `Relaxer.problem` takes moved constraints.
    """
    upper = limit.side == "max"
    step, last = 1, None if upper else 1
    if limit.of_space and limit.quantity != RATIO:
        choice = getattr(oracle.relaxer.origin.space, limit.quantity)
        step, last = step_of(limit.quantity, choice), reach(limit.quantity, choice)[upper]
    outward = step if upper else -step

    def holds(place: int) -> bool:
        moved = [limit.at(at_position(limit, place)), *also]
        return oracle.holds(oracle.relaxer.problem(oracle.all, moved))

    start = position(limit, limit.limit, up=not upper)
    near = start + outward if guess is None else position(limit, guess, up=upper)
    value = at_position(limit, edge(holds, start, near, outward, last))
    excess = limit.violation(value)
    shown = excess if math.isfinite(excess) else None
    made = settings_of(oracle.relaxer.origin, limit.at(value))
    return Repair(
        limit.key, value, limit.limit, limit.dimension, limit.side, shown, made,
        reference=limit.reference, device=limit.device,
    )  # fmt: skip


def settings_of(problem: Problem, moved: Constraint) -> dict[str, object]:
    """What to set of a problem, by dotted key, for one of its limits to stand elsewhere."""
    base, name = moved.base, moved.quantity
    if moved.of_space and name != RATIO:
        held = [*space_constraints(problem)]
        held = [limit for limit in held if (limit.base, limit.side) != (base, moved.side)]
        return {base: relaxed_space(problem.space, [*held, moved])[name]}
    table = problem.space if moved.of_space else problem.budgets
    given = problem.training.tokens if base == TOKENS else getattr(table, name)
    return {base: moved.interval(given).to_toml()}


def _guess(oracle: Oracle, limit: Constraint, rest: Keys) -> Fraction | float | None:
    if limit.quantity == RATIO:
        return _ratio(oracle, limit)
    return reached(oracle, limit, rest)


def _ratio(oracle: Oracle, limit: Constraint) -> Fraction | None:
    """The nearest ratio d_model / layers beyond a limit at which the problem is feasible."""
    space = oracle.relaxer.origin.space
    widths, depths = integers(space.d_model), integers(space.layers)
    ratios = sorted({Fraction(int(d), int(n)) for d in widths for n in depths})
    beyond = [r for r in ratios if (r > limit.limit if limit.side == "max" else r < limit.limit)]
    if limit.side == "min":
        beyond.reverse()

    def holds(ratio: Fraction) -> bool:
        place = position(limit, ratio, up=limit.side == "max")
        moved = limit.at(at_position(limit, place))
        return oracle.holds(oracle.relaxer.problem(oracle.all, [moved]))

    bad, good = -1, len(beyond) - 1
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(beyond[middle]) else (good, middle)
    return beyond[good] if beyond else None
