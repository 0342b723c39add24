"""Repairs that change one setting of training or serving, by the least change that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from modelsizer.optimizer.explain.conflicts import Keys, Oracle
from modelsizer.optimizer.explain.line_search import edge
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.optimizer.explain.setting_steps import (
    COUNTS,
    LAYOUTS,
    NUMBERS,
    SETTINGS,
    changed,
    setting_value,
    steps,
)
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.batches import BATCH
from modelsizer.problems.quantities.needs import affected_by
from modelsizer.problems.quantities.quantity import Inverse
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.device_limits import OF_TABLES
from modelsizer.problems.space.layouts import offered_by_default

MOST_ACCELERATORS = 2**20  # more are no practical repair
TRIED_ONE_BY_ONE = 64
"""Batch sizes tried one by one where a least throughput needs more and memory or latency less, so
that feasibility is not monotone and bisection fails."""


_OF_TRAINING = ("training.accelerator", "training.accelerators")
_GROUPS = ("serving.expert_parallel", "serving.attention_data_parallel")
_TOGETHER = {
    "serving.accelerators": ("serving.tensor_parallel", *_GROUPS),
    "serving.tensor_parallel": ("serving.accelerators", *_GROUPS),
    "serving.accelerator": ("serving.compute",),
    "training.accelerator": ("training.precision",),
    "training.data_parallel": _OF_TRAINING,
    "training.tensor_parallel": _OF_TRAINING,
    "training.pipeline_parallel": _OF_TRAINING,
}
"""Settings without a single value of which there is no next value of another."""


def setting_repairs(
    oracle: Oracle, conflicts: Sequence[Keys]
) -> Iterator[tuple[str, list[Repair]]]:
    """Yield each setting with the least changes of it alone that make the problem feasible.

    Menus, layouts and kinds of accelerator take the least costly feasible value of
    `modelsizer.optimizer.explain.setting_steps`; batch, context and sequences the largest feasible
    number below; accelerators the fewest above. Where a least throughput is given, the batch may
    also grow.

    Parameters
    ----------
    oracle : Oracle
    conflicts : sequence of frozenset of str
        Minimal conflicts among budgets and token limits.

    Yields
    ------
    key : str
    repairs : list of Repair
        None where no value helps.
    """
    for key in SETTINGS:
        yield key, list(_repairs(oracle, key)) if can_help(oracle, key, conflicts) else []


def can_help(oracle: Oracle, key: str, conflicts: Sequence[Keys]) -> bool:
    """Whether a setting affects some constraint of every conflict, and has a next value."""
    menus = oracle.relaxer.origin.menus
    if key not in menus and menus.keys() & {*_TOGETHER.get(key, ())}:
        return False  # what goes with a choice
    quantities = {limit.key: limit.quantity for limit in oracle.relaxer.limits}
    changed = affected_by(key)
    if key.endswith(".accelerator"):  # whose memory is a limit by itself
        held = {limit.quantity for limit in oracle.relaxer.limits if limit.device}
        changed |= held & {OF_TABLES[key.partition(".")[0]]}
    if key in LAYOUTS and (key in menus or _divides(oracle.relaxer.origin, key)):
        return True  # it decides which designs there are
    return all(any(quantities[k] in changed for k in conflict) for conflict in conflicts)


def _divides(problem: Problem, key: str) -> bool:
    """Whether designs must be divisible by the ways of a layout."""
    table, _, name = key.partition(".")
    ways = getattr(problem.serving if table == "serving" else problem.training, name)
    ways = offered_by_default(problem.training).get(name, ways) if table == "training" else ways
    return ways is not None and ways != 1


def holds_with(oracle: Oracle, settings: Mapping[str, object]) -> bool:
    """Whether the problem is feasible with other settings; not if they do not go together.

    References ("as MODEL") are those of the problem with these settings.
    """
    try:
        if any(limit.reference for limit in oracle.relaxer.limits):
            after = oracle.after(settings)
            return after.holds(after.relaxer.problem(after.all))
        return oracle.holds(oracle.relaxer.problem(oracle.all, settings=settings))
    except (ProblemError, UnknownFigureError):
        return False  # such as kv_bits with kv_block


def _repairs(oracle: Oracle, key: str) -> Iterator[Repair]:
    """Changes of a setting with which the problem is feasible."""
    problem = oracle.relaxer.origin
    if key in problem.menus or key not in (*NUMBERS, *COUNTS):
        tried = (step for step in steps(problem, key) if holds_with(oracle, step.made))
        yield from islice(tried, 1)
        return
    now = setting_value(problem, key)
    if not isinstance(now, int):
        return

    def holds(value: int) -> bool:
        return holds_with(oracle, {key: value})

    if key in COUNTS:
        each = problem.serving.tensor_parallel if key == "serving.accelerators" else 1
        values = [n * each for n in _more(lambda n: holds(n * each), now // each)]
    elif key == "serving.batch_size" and set(_rising()) & set(problem.limits):
        values = [*_batches(oracle, now)]
    else:
        values = _fewer(holds, now)
    yield from (changed(key, now, value) for value in values)


def _fewer(holds: Callable[[int], bool], now: int) -> list[int]:
    """The largest number below one that holds, if all smaller ones do."""
    if now == 1 or not holds(1):
        return []
    good, bad = 1, now
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return [good]


def _more(holds: Callable[[int], bool], now: int) -> list[int]:
    """The least number above one that holds, if all larger ones do."""
    most = MOST_ACCELERATORS
    return [edge(holds, now, now + 1, 1, most)] if now < most and holds(most) else []


def _rising() -> list[str]:
    """Quotients that grow with the batch."""
    return [
        name
        for name, row in QUANTITIES.items()
        if isinstance(row.how, Inverse) and (row.how.reads is None or BATCH in row.how.reads)
    ]


def _batches(oracle: Oracle, now: int) -> Iterator[int]:
    """The nearest smaller and larger batch that are feasible under a least throughput.

    Of each design throughput, memory and latency all grow with the batch. So without the throughput
    every batch below some number is feasible, without the rest every one above some other.
    """
    relaxer = oracle.relaxer
    grown, rising = affected_by("serving.batch_size"), _rising()
    throughput = {limit.key for limit in relaxer.limits if limit.quantity in rising}
    growing = {limit.key for limit in relaxer.limits if limit.quantity in grown} - throughput

    def holds(batch: int, kept: Keys) -> bool:
        return oracle.holds(relaxer.problem(kept, settings={"serving.batch_size": batch}))

    most = now if holds(now, oracle.all - throughput) else 0
    smaller = [most] if most else _fewer(lambda n: holds(n, oracle.all - throughput), now)
    for top in smaller:
        tried = range(min(top, now - 1), max(0, top - TRIED_ONE_BY_ONE), -1)
        yield from [n for n in tried if holds(n, oracle.all)][:1]
    if not holds(now, oracle.all - growing):
        larger = _more(lambda n: holds(n, oracle.all - growing), now)
    else:
        larger = [now + 1]
    for first in larger:
        tried = range(first, first + TRIED_ONE_BY_ONE)
        yield from [n for n in tried if holds(n, oracle.all)][:1]
