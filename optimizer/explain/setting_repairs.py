"""Repairs that change one setting of training or serving, by the least change that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelsizer.optimizer.explain.conflicts import Keys, Oracle
from modelsizer.optimizer.explain.line_search import edge
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.needs import affected_by
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.units import Number

SETTINGS = (
    "serving.kv_bytes",
    "serving.kv_bits",
    "serving.weight_bytes",
    "serving.weight_bits",
    "serving.batch_size",
    "serving.context_length",
    "serving.accelerators",
    "training.accelerators",
    "training.microbatch_size",
    "training.zero_stage",
    "training.recompute",
)
"""Settings that are tried. One that affects no constraint of some conflict cannot help
(`modelsizer.problems.quantities.needs.affected_by`), and is not tried."""

BYTES = (2, 1, 0.5)
BITS = (16, 8, 4)
RECOMPUTE = ("none", "selective", "half", "full")  # of less and less memory
ZERO_STAGES = (0, 1, 2, 3)
MOST_ACCELERATORS = 2**20  # more are no practical repair
TRIED_ONE_BY_ONE = 64
"""Batch sizes tried one by one where a least throughput needs more and memory or latency less, so
that feasibility is not monotone and bisection fails."""


def setting_repairs(
    oracle: Oracle, conflicts: Sequence[Keys]
) -> Iterator[tuple[str, list[Repair]]]:
    """Yield each setting with the least changes of it alone that make the problem feasible.

    Bytes and bits are changed to the largest feasible of 2, 1 and 0.5, or 16, 8 and 4, below their
    value; batch and context to the largest feasible number below; accelerators to the fewest above.
    Where a least throughput is given, the batch may also grow.

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
        changes = _changes(oracle, key) if can_help(oracle, key, conflicts) else ()
        yield key, [Repair(key, value, before, _unit(key)) for before, value in changes]


def can_help(oracle: Oracle, key: str, conflicts: Sequence[Keys]) -> bool:
    """Whether a setting affects some constraint of every conflict."""
    quantities = {limit.key: limit.quantity for limit in oracle.relaxer.limits}
    changed = affected_by(key)
    return all(any(quantities[k] in changed for k in conflict) for conflict in conflicts)


def _unit(key: str) -> str:
    return "bytes" if key.endswith("_bytes") else "setting"


def _changes(oracle: Oracle, key: str) -> Iterator[tuple[Number | str, Number | str]]:
    """Values of a setting, before and after, with which the problem is feasible."""
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
    elif key == "serving.batch_size" and set(names_of("inverse")) & set(problem.budgets.limits):
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
    grown, inverse = affected_by("serving.batch_size"), names_of("inverse")
    throughput = {limit.key for limit in relaxer.limits if limit.quantity in inverse}
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
