"""List the best designs, or all nearly optimal ones, with proof.

Designs with at most some value are collected by branch and bound: boxes whose bound exceeds it
are pruned, the others are split and finally evaluated. So no design within the value is missed,
and if k designs are found, they include the k best of all. Small spaces are ranked completely
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from modelsizer.optimizer.bounds.limits import feasible_boxes
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.result import Result, design_dict
from modelsizer.optimizer.search.blocks import BlockSearch
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.surveys.distances import logarithms
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, keep_designs
from modelsizer.optimizer.surveys.listing import design_columns
from modelsizer.optimizer.surveys.ordering import evaluated, noise, one_layout_each, ordered, valued
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.brief import named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import short
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.units import Number, parse_quantity

MOST_HELD = 20_000_000  # more designs make a tolerance useless; 1 GB
FIRST_STEP, GROWTH = 1e-6, 8.0
"""Initial relative distance to the optimum when searching the next best, and its growth."""
SMALL = 4  # designs in a box below which evaluating them is cheaper than a bound
EVALUATED_AT_ONCE = 50  # designs evaluated exactly between two looks at the clock
SAVED = ("serving_memory", "decode_latency", "kv_cache", "inference_flops_per_token", "layers",
         "parameters", "training_memory")  # fmt: skip
"""Quantities for which the design that needs least is listed, besides the objective."""


class TooManyError(ValueError):
    """Raised if more designs lie within a tolerance than can be held in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class NearOptimal(Tabled):
    """Designs close to the optimum.

    Parameters
    ----------
    problem : Problem
    goal : Goal
    best : tuple of Evaluation
        Designs in order, the optimum first; ties by `Evaluation.tie_key`. Also where the time was
        too short for all of them, none is left out between them.
    tolerance : float or None
        Distance to the optimum within which designs were counted, in the objective's unit.
    within : int or None
        Number of designs within the tolerance; None where it is not known.
    savings : mapping of str to Evaluation
        For each quantity, the design within the tolerance that needs least of it.
    stop : Stop
        ``"proven"`` if nothing is missing, otherwise why it ended early.
    """

    problem: Problem
    goal: Goal
    best: tuple[Evaluation, ...]
    tolerance: float | None = None
    within: int | None = None
    savings: tuple[tuple[str, Evaluation], ...] = ()
    stop: Stop = "proven"

    def _words(self) -> str:
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {named(self.problem.name)}: {len(self.best)} best by {self.goal.name}{whole}"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.stop == "proven"

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        found: dict[str, Any] = {
            "complete": self.complete,
            "designs": [
                {"rank": rank} | design_dict(self.problem, design)
                for rank, design in enumerate(self.best, start=1)
            ],
        }
        if self.tolerance is not None:
            found["within"] = {
                "tolerance": self.tolerance,
                "designs": self.within,
                "savings": {
                    name: design_dict(self.problem, design) for name, design in self.savings
                },
            }
        return found


def k_best(result: Result, count: int, clock: Clock | None = None) -> NearOptimal:
    """Find the best `count` designs of a solved problem, or all if there are fewer.

    Parameters
    ----------
    result : Result
        A proven optimum, with gap 0.
    count : int
        At least 1.
    clock : Clock, optional

    Raises
    ------
    ValueError
        If the result is not a proven optimum, or `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"must be 1 or more, not {count}")
    clock = Clock() if clock is None else clock
    scorer, value = _start(result)
    step, everything = FIRST_STEP, False
    best, ending = [result.best], Ending()
    with ending:
        while True:
            limit = np.inf if everything else value + step * max(1.0, abs(value))
            held = ordered(scorer, collected(scorer, limit, clock), clock)
            last = len(held) >= count or everything
            known = len(held) if last else int((held.value <= limit).sum())
            which = np.arange(len(best), min(count, known))  # none comes between these
            best.extend(_evaluated(scorer, held, which, clock))
            if last:
                break
            step *= GROWTH
            everything = step > GROWTH**2
    return NearOptimal(result.problem, scorer.goals[0], tuple(best), stop=ending.stop)


def near_optimal(
    result: Result, tolerance: float, show: int, clock: Clock | None = None
) -> NearOptimal:
    """Count all designs within a tolerance of the optimum, and evaluate the best of them.

    Parameters
    ----------
    result : Result
        A proven optimum, with gap 0.
    tolerance : float
        In the unit of the objective.
    show : int
        Number of designs to evaluate.
    clock : Clock, optional

    Raises
    ------
    ValueError
        If the result is not a proven optimum, or the tolerance is negative.
    TooManyError
        If more than `MOST_HELD` designs lie within it.
    """
    return _near(result, tolerance, clock, lambda held: np.arange(min(show, len(held))))


def diverse(result: Result, tolerance: float, show: int, clock: Clock | None = None) -> NearOptimal:
    """Select designs within a tolerance that differ most in shape; see `near_optimal`.

    The first is the optimum; each next one is farthest, in the logarithms of layers, widths and
    heads, from those selected before (Gonzalez 1985, doi 10.1016/0304-3975(85)90224-5).
    """

    def farthest(held: KeptDesigns) -> Ints:
        at = logarithms(held.column)
        taken = [0]
        away = _distance(at, at[0])
        while len(taken) < min(show, len(held)) and away.max() > 0:
            taken.append(int(away.argmax()))
            away = np.minimum(away, _distance(at, at[taken[-1]]))
        return np.array(taken)

    return _near(result, tolerance, clock, farthest)


def _near(
    result: Result,
    tolerance: float,
    clock: Clock | None,
    selected: Callable[[KeptDesigns], Ints],
) -> NearOptimal:
    """Count the designs within a tolerance, and evaluate the ones selected and the savings."""
    if not tolerance >= 0:
        raise ValueError(f"must be zero or more, not {tolerance}")
    clock = Clock() if clock is None else clock
    scorer, value = _start(result)
    best, within = [result.best], None
    savings: tuple[tuple[str, Evaluation], ...] = ()
    ending = Ending()
    with ending:
        held = ordered(scorer, collected(scorer, value + tolerance, clock), clock)
        held = held.take(held.value <= value + tolerance)
        within = len(held)
        best.extend(_evaluated(scorer, held, selected(held)[1:], clock))
        savings = tuple(_savings(scorer, held, clock))
    return NearOptimal(
        result.problem,
        scorer.goals[0],
        tuple(best),
        tolerance,
        within,
        savings,
        ending.stop,
    )


def _evaluated(
    scorer: Scorer, held: KeptDesigns, which: Ints, clock: Clock
) -> Iterator[Evaluation]:
    """Evaluate designs exactly, one after the other; a stop keeps those yielded before."""
    for begin in range(0, len(which), EVALUATED_AT_ONCE):
        clock.check()
        yield from evaluated(scorer, held, which[begin : begin + EVALUATED_AT_ONCE])


def _distance(at: Floats, point: Floats) -> Floats:
    found: Floats = np.linalg.norm(at - point, axis=1)
    return found


def _start(result: Result) -> tuple[Scorer, float]:
    """Scorer of a solved problem, and the value to minimise at the optimum."""
    if result.status != "optimal" or result.gap != 0:
        why = (
            "no design keeps every limit"
            if result.status == "infeasible"
            else "solve without a gap and without limits of time and nodes"
        )
        raise ValueError(f"only a proven optimum has a next best: {why}")
    objective = result.objective
    goal = Goal(objective.name, objective.sense)
    scorer = Scorer(result.problem, [goal])
    return scorer, goal.sign * float(result.best.exact[objective.name])


def collected(
    scorer: Scorer, limit: float, clock: Clock | None = None, most: int = MOST_HELD
) -> KeptDesigns:
    """All feasible designs whose value to minimise is at most a limit.

    Raises
    ------
    TooManyError
        If there are more than `most`.
    StoppedError
        If the time limit of the clock has passed.
    """
    problem = scorer.problem
    parts: list[KeptDesigns] = []
    total = 0
    for part in designs_below(scorer, limit, clock):
        parts.append(part)
        total += len(part)
        if total > most:
            raise TooManyError(f"more than {most:,} designs; take a smaller tolerance")
    if not parts:
        tables = scorer.model.store.tables(problem, scorer.names)
        empty, none = next(iter(tables)).take(np.zeros(0, dtype=int)), np.zeros(0, dtype=np.int64)
        return keep_designs(problem, empty, none, none[:, None], np.zeros(0))
    held = KeptDesigns.join(parts)
    return one_layout_each(held) if len(problem.layouts) > 1 and len(held) else held


def designs_below(
    scorer: Scorer,
    limit: float,
    clock: Clock | None = None,
    layouts: Sequence[Layout] | None = None,
) -> Iterator[KeptDesigns]:
    """Yield in parts all feasible designs whose value to minimise is at most a limit.

    Each is yielded once for each layout under which it is feasible, of those given.

    Raises
    ------
    StoppedError
        If the time limit of the clock has passed.
    """
    clock = Clock() if clock is None else clock
    problem, model = scorer.problem, scorer.model
    edge = limit + abs(limit) * noise(scorer) if np.isfinite(limit) else limit
    tables: Iterable[Table]
    if model.store.listable(problem) or not np.isfinite(limit):
        tables = model.store.tables(problem, scorer.names)
    else:
        tables = BlockSearch(model, edge, scorer.names, clock=clock, layouts=layouts).tables()
    for table in map(model.prepared, tables):
        clock.check()
        for row, j in _within(scorer, table, edge, clock):
            found = valued(scorer, table, row, j)
            yield found.take(found.value <= edge)
            clock.check()


def _within(scorer: Scorer, table: Table, edge: float, clock: Clock) -> Iterable[tuple[Ints, Ints]]:
    """Designs of a table that may be at or below a value, in chunks."""
    model = scorer.model
    boxes = feasible_boxes(table, model.rules(table))
    while len(boxes) and np.isfinite(edge):
        clock.check()
        least = model.relax(table, boxes.row, boxes.low, boxes.high).least
        boxes = boxes.take(np.isfinite(least) & (least <= edge))
        sizes = (boxes.high - boxes.low + 1).prod(axis=1)
        few = sizes <= SMALL
        if boxes.designs <= DESIGNS_AT_ONCE:
            break
        yield from box_designs(boxes.row[few], boxes.low[few], boxes.high[few], DESIGNS_AT_ONCE)
        boxes = boxes.take(~few)
        if len(boxes):
            boxes = boxes.halved()
    yield from box_designs(boxes.row, boxes.low, boxes.high, DESIGNS_AT_ONCE)


def _savings(scorer: Scorer, held: KeptDesigns, clock: Clock) -> Iterable[tuple[str, Evaluation]]:
    """For each quantity, the design that needs least of it; the best of equals."""
    problem, goal = scorer.problem, scorer.goals[0].name
    wanted = [name for name in SAVED if name != goal and not problem.lacks(name)]
    if not problem.training.every_device and "training_memory" in wanted:
        wanted.remove("training_memory")
    best: dict[str, tuple[float, int]] = {}
    for begin in range(0, len(held), DESIGNS_AT_ONCE):
        clock.check()
        part = held.take(slice(begin, begin + DESIGNS_AT_ONCE))
        needs = sorted({n for n in wanted if QUANTITIES[n].affine})
        columns = design_columns(scorer, part, wanted, needs, 1)
        for name, column in columns.items():
            at = int(np.argmin(column))
            if name not in best or float(column[at]) < best[name][0]:
                best[name] = (float(column[at]), begin + at)
    for name, (_, at) in best.items():
        yield name, evaluated(scorer, held, np.array([at]))[0]


def tolerance_of(text: str, name: str, value: Number) -> float:
    """Convert a user's tolerance to the unit of an objective.

    Parameters
    ----------
    text : str
        ``"0.001"``: nats of loss, or a fraction of any other objective; ``"0.1 %"``: of the
        objective, whatever it is.

    Raises
    ------
    ValueError
        If it is not a number.
    """
    stripped = text.strip()
    percent = stripped.endswith("%")
    try:
        number = float(parse_quantity(stripped.removesuffix("%"), "nats"))
    except ValueError:
        raise ValueError(f"{short(text)} is not a tolerance; write 0.001 or 0.1 %") from None
    if percent:
        return number / 100 * abs(float(value))
    return number if name == "loss" else number * abs(float(value))
