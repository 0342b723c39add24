"""The least that must be given up: every single relaxation of a limit, and turn of a setting.

A single repair moves one limit, or turns one setting, and leaves the rest. Its value is exact: a
design keeps all limits at it, and none does one unit tighter (a byte, a FLOP, a token; of seconds,
dollars, kWh and nats the next double). Both are proven by a search of their own.
`modelsizer.optimizer.explain.joint_repair` relaxes several limits at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from modelsizer.optimizer.explain.conflicts import Keys, Oracle, reached
from modelsizer.optimizer.explain.named_limits import (
    AFFECTS,
    OF_CACHE,
    NamedLimit,
    Repair,
    at_position,
    edge,
    position,
    reach,
    step_of,
)
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.tables.menus import Interval, integers
from modelsizer.problems.units import Number

BYTES = (2, 1, 0.5)
BITS = (16, 8, 4)
RECOMPUTE = ("none", "selective", "half", "full")  # of less and less memory
ZERO_STAGES = (0, 1, 2, 3)
MOST_ACCELERATORS = 2**20  # beyond it more of them are no repair that anybody can make
TRIED_ONE_BY_ONE = 64
"""Batch sizes tried one after the other where a least throughput asks for more and a memory or a
latency for less, so that no bisection would do."""


# Limits


def limit_repairs(oracle: Oracle) -> list[Repair]:
    """Every named limit that, moved alone, makes the problem feasible, and how far."""
    return [repair for limit in oracle.relaxer.limits for repair in repairs_of(oracle, limit)]


def repairs_of(oracle: Oracle, limit: NamedLimit) -> Iterator[Repair]:
    """The repairs that move one limit alone: one, none, or two of an exact number."""
    rest = oracle.all - {limit.key}
    if not oracle.feasible(rest):
        return
    if limit.side != "exact":
        yield _moved(oracle, limit, limit.side, _guess(oracle, limit, rest), lambda v: v)
        return
    below, above = Interval(max=limit.value), Interval(min=limit.value)
    for side, half in (("min", below), ("max", above)):
        problem = oracle.relaxer.problem(oracle.all, {limit.key: half})
        if not oracle.holds(problem):
            continue

        def both(value: Number, side: str = side) -> Interval:
            return Interval(value, limit.value) if side == "min" else Interval(limit.value, value)

        yield _moved(oracle, limit, side, None, both)


def _moved(
    oracle: Oracle,
    limit: NamedLimit,
    side: str,
    guess: Fraction | float | None,
    ends: Callable[[Number], Number | Interval],
) -> Repair:
    """The nearest value of one end of a limit at which the problem is feasible, as it must become.

    Parameters
    ----------
    guess : Fraction or float, optional
        About where it is; sought from the limit itself otherwise.
    ends : callable
        From a value of the end to what `Relaxer.problem` takes.
    """
    step, last = 1, None if side == "max" else 1
    if limit.of_space and limit.quantity != "aspect_ratio":
        choice = getattr(oracle.relaxer.origin.space, limit.quantity)
        step, last = step_of(limit.quantity, choice), reach(limit.quantity, choice)[side == "max"]
    outward = step if side == "max" else -step

    def holds(place: int) -> bool:
        value = ends(at_position(limit, place))
        return oracle.holds(oracle.relaxer.problem(oracle.all, {limit.key: value}))

    start = position(limit, limit.value, up=side == "min")
    near = start + outward if guess is None else position(limit, guess, up=side == "max")
    value = at_position(limit, edge(holds, start, near, outward, last))
    return Repair(limit.key, value, limit.value, limit.unit, side, limit.excess(value))


def _guess(oracle: Oracle, limit: NamedLimit, rest: Keys) -> Fraction | float | None:
    if limit.quantity == "aspect_ratio":
        return _ratio(oracle, limit)
    return reached(oracle, limit, rest)


def _ratio(oracle: Oracle, limit: NamedLimit) -> Fraction | None:
    """The nearest ratio d_model / layers beyond a limit at which the problem is feasible."""
    space = oracle.relaxer.origin.space
    widths, depths = integers(space.d_model), integers(space.layers)
    ratios = sorted({Fraction(int(d), int(n)) for d in widths for n in depths})
    beyond = [r for r in ratios if (r > limit.value if limit.side == "max" else r < limit.value)]
    if limit.side == "min":
        beyond.reverse()

    def holds(ratio: Fraction) -> bool:
        place = position(limit, ratio, up=limit.side == "max")
        moved = {limit.key: at_position(limit, place)}
        return oracle.holds(oracle.relaxer.problem(oracle.all, moved))

    bad, good = -1, len(beyond) - 1
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(beyond[middle]) else (good, middle)
    return beyond[good] if beyond else None


# Settings


def setting_repairs(oracle: Oracle, conflicts: Sequence[Keys]) -> list[Repair]:
    """Every setting that, turned alone, makes the problem feasible: the least turn that does.

    Bytes and bits go to the next smaller of 2, 1 and 0.5, or 16, 8 and 4; batch and context to the
    largest that is feasible below what they are; accelerators to the fewest above. Where a least
    throughput is asked for, the batch may also grow.

    Parameters
    ----------
    oracle : Oracle
    conflicts : sequence of frozenset of str
        Minimal conflicts among budgets and token limits.
    """
    found = []
    for key in AFFECTS:
        if can_help(oracle, key, conflicts):
            found += [
                Repair(key, value, before, _unit(key)) for before, value in _turns(oracle, key)
            ]
    return found


def can_help(oracle: Oracle, key: str, conflicts: Sequence[Keys]) -> bool:
    """Whether a setting touches some limit of every conflict."""
    quantities = {limit.key: limit.quantity for limit in oracle.relaxer.limits}
    return all(any(quantities[k] in AFFECTS[key] for k in conflict) for conflict in conflicts)


def _unit(key: str) -> str:
    return "bytes" if key.endswith("_bytes") else "setting"


def _turns(oracle: Oracle, key: str) -> Iterator[tuple[Number | str, Number | str]]:
    """What a setting is, and what it may be turned to."""
    problem = oracle.relaxer.origin
    serving, training = problem.serving, problem.training

    def holds(value: Number | str) -> bool:
        try:
            asked = oracle.relaxer.problem(oracle.all, settings={key: value})
        except ProblemError:
            return False  # the setting does not go with another, such as kv_bits with kv_block
        return oracle.holds(asked)

    def menu(now: Number | str, values: Sequence[Number | str]) -> Iterator[Number | str]:
        after = values[values.index(now) + 1 :] if now in values else ()
        yield from [value for value in after if holds(value)][:1]

    now: Number | str | None
    if key.endswith(("_bytes", "_bits")):
        in_bits = getattr(serving, key.replace("serving.", "").replace("_bytes", "_bits"))
        if key.endswith("_bits") == (in_bits is not None):
            now = getattr(serving, key.removeprefix("serving."))
            assert now is not None
            yield from ((now, v) for v in menu(now, BITS if key.endswith("_bits") else BYTES))
    elif key in ("training.recompute", "training.zero_stage"):
        now = getattr(training, key.removeprefix("training."))
        choice = RECOMPUTE if key.endswith("recompute") else ZERO_STAGES
        yield from ((now, v) for v in menu(now, choice))
    elif key == "serving.accelerators":
        each = serving.tensor_parallel
        more = _more(lambda n: holds(n * each), serving.devices // each)
        yield from ((serving.devices, n * each) for n in more)
    elif key == "training.accelerators":
        if training.accelerators is not None:
            yield from ((training.accelerators, n) for n in _more(holds, training.accelerators))
    elif key == "serving.batch_size" and problem.budgets.decode_throughput is not None:
        yield from ((serving.batch_size, n) for n in _batches(oracle, serving.batch_size))
    else:
        now = (
            problem.context_length
            if key == "serving.context_length"
            else getattr(serving if key.startswith("serving") else training, key.split(".")[1])
        )
        assert isinstance(now, int)
        yield from ((now, n) for n in _fewer(holds, now))


def _fewer(holds: Callable[[int], bool], now: int) -> list[int]:
    """The largest number below one that holds, if all smaller ones do."""
    if now == 1 or not holds(1):
        return []
    return [edge(holds, now, now - 1, -1, 1)]


def _more(holds: Callable[[int], bool], now: int) -> list[int]:
    """The least number above one that holds, if all larger ones do."""
    most = MOST_ACCELERATORS
    return [edge(holds, now, now + 1, 1, most)] if now < most and holds(most) else []


def _batches(oracle: Oracle, now: int) -> Iterator[int]:
    """The nearest smaller and larger batch that are feasible under a least throughput.

    Of each design throughput, memory and latency all grow with the batch. So without the throughput
    every batch below some number is feasible, without the rest every one above some other.
    """
    relaxer = oracle.relaxer
    throughput = {limit.key for limit in relaxer.limits if limit.quantity == "decode_throughput"}
    growing = {limit.key for limit in relaxer.limits if limit.quantity in OF_CACHE} - throughput

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
