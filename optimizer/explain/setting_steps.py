"""Steps of the settings of training and serving: the values that a repair may give each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from modelsizer.optimizer.explain.change_costs import cost_of, weight_of
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.hardware.accelerators import Accelerator, accelerators
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.layouts import offered_by_default
from modelsizer.problems.units import Number

BYTES = (2, 1, 0.5)
BITS = (16, 8, 4)
RECOMPUTE = ("none", "selective", "half", "full")  # of less and less memory
ZERO_STAGES = (0, 1, 2, 3)
PARALLEL = (2, 4, 8, 16, 32, 64)
"""Ways of a layout that are tried."""
NUMBERS = (
    "serving.batch_size",
    "serving.context_length",
    "training.sequence_length",
    "training.microbatch_size",
)
"""Settings that are whole numbers, less of which needs less."""
COUNTS = ("serving.accelerators", "training.accelerators")
MENUS = (
    "serving.kv_bytes",
    "serving.kv_bits",
    "serving.weight_bytes",
    "serving.weight_bits",
    "training.zero_stage",
    "training.recompute",
)
LAYOUTS = (
    "serving.tensor_parallel",
    "training.tensor_parallel",
    "training.pipeline_parallel",
    "training.data_parallel",
)
DEVICES = ("serving.accelerator", "training.accelerator")
SETTINGS = (*MENUS, *NUMBERS, *COUNTS, *LAYOUTS, *DEVICES)
"""Settings that repairs change."""
_FACTORS = (2, 4, 8)  # of a step of a number
_MOST_DEVICES = 8
_MOST_WAYS = 4
_MOST_OFFERED = 64  # values of a menu that gets one more


def setting_value(problem: Problem, key: str) -> Number | str | None:
    """Today's value of a setting; None where the problem has none, or no single one."""
    serving, training = problem.serving, problem.training
    if key == "serving.context_length":
        return problem.context_length
    if key == "serving.accelerators":
        return serving.devices
    if key.endswith(("_bytes", "_bits")):
        in_bits = getattr(serving, key.replace("serving.", "").replace("_bytes", "_bits"))
        if key.endswith("_bits") != (in_bits is not None):
            return None
    table, _, name = key.partition(".")
    value = getattr(serving if table == "serving" else training, name)
    return value if isinstance(value, int | float | str) else None


def steps(problem: Problem, key: str) -> list[Repair]:
    """Changes of one setting of `SETTINGS` to other values, least costly first.

    Bytes, bits, ZeRO stages and recomputation go down their menus; numbers are halved, up to three
    times; accelerators grow by one for each way of tensor parallelism, then to two and four times
    as many; layouts get more or fewer ways over as many accelerators; another accelerator is one of
    the catalogue that is as good in bandwidth and in FLOP/s, and that its user may have. Where a
    setting offers several values, a change offers one more beside them.
    """
    if key in problem.menus:
        return _beside(problem, key)
    now = setting_value(problem, key)
    found: list[Repair] = []
    if key in LAYOUTS:
        found = [*_layouts(problem, key)]
    elif now is None:
        return []
    elif key in MENUS:
        menu: Sequence[Number | str] = (
            RECOMPUTE
            if key == "training.recompute"
            else ZERO_STAGES
            if key == "training.zero_stage"
            else BITS
            if key.endswith("_bits")
            else BYTES
        )
        after = menu[menu.index(now) + 1 :] if now in menu else ()
        found = [changed(key, now, value) for value in after]
    elif key in NUMBERS:
        assert isinstance(now, int)
        found = [changed(key, now, now // f) for f in _FACTORS if now // f]
    elif key in COUNTS:
        assert isinstance(now, int)
        each = problem.serving.tensor_parallel if key.startswith("serving") else 1
        more = dict.fromkeys((now + each, 2 * now, 4 * now))
        found = [changed(key, now, value) for value in more]
    elif key in DEVICES:
        found = [*_devices(problem, key, str(now))]
    priced = [r if r.cost is not None else replace(r, cost=_cost(r)) for r in found]
    return sorted(priced, key=lambda repair: repair.cost or 0.0)


def _beside(problem: Problem, key: str) -> list[Repair]:
    """Changes of a setting that offers several values: one more, at its least cost from any."""
    offered = list(problem.menus[key].values)
    if len(offered) > _MOST_OFFERED or not all(isinstance(v, int | float | str) for v in offered):
        return []
    found: dict[Number | str, Repair] = {}
    for value in offered:
        try:
            alone = problem.with_settings({key: value})
        except ProblemError:  # with no value of the other settings
            continue
        for repair in steps(alone, key):
            if repair.value not in offered:
                best = min(repair, found.get(repair.value, repair), key=lambda r: r.cost or 0.0)
                found[repair.value] = replace(
                    best, settings={**best.settings, key: [*offered, repair.value]}
                )
    return sorted(found.values(), key=lambda repair: repair.cost or 0.0)


def changed(key: str, before: Number | str, after: Number | str) -> Repair:
    """A change of one setting."""
    unit = "bytes" if key.endswith("_bytes") else "setting"
    return Repair(key, after, before, unit)


def _cost(repair: Repair) -> float:
    return cost_of(repair.key, repair.before, repair.value)


def _layouts(problem: Problem, key: str) -> Iterator[Repair]:
    if key == "serving.tensor_parallel":
        yield from _serving_ways(problem)
        return
    name = key.partition(".")[2]
    default = offered_by_default(problem.training)
    menu = default.get(name, getattr(problem.training, name))
    most, given = problem.training.accelerators, () if menu is None else tuple(menu.numbers)
    kept = {f"training.{other}": list(ways.entries) for other, ways in default.items()}
    if name == "data_parallel" and menu is None:
        return  # as many as there are accelerators
    ways = [int(n) for n in given] or [1]
    others = [n for n in PARALLEL if n not in ways and (most is None or n <= most)]
    others.sort(key=lambda n: min(abs(math.log(n / way)) for way in ways))
    for n in others[:_MOST_WAYS]:
        near = min(ways, key=lambda way: abs(math.log(n / way)))
        # Without a number of accelerators, more ways are more of them.
        weight = 1.0 if most is None and n > max(ways) else weight_of(key)
        cost = weight * abs(math.log(n / near))
        menu_now = [*ways, n]
        settings = kept | {key: sorted(menu_now)}
        yield replace(changed(key, near, n), settings=settings, cost=cost)


def _serving_ways(problem: Problem) -> Iterator[Repair]:
    """Ways of tensor parallelism over as many accelerators; more of them where none are given."""
    key, serving = "serving.tensor_parallel", problem.serving
    now, devices = serving.tensor_parallel, serving.devices
    ways = [n for n in (1, *PARALLEL) if n != now and devices % n == 0]
    for n in ways:
        made = {key: n, "serving.accelerators": devices}
        yield replace(changed(key, now, n), settings=made)
    if serving.accelerators is None:
        for n in [n for n in PARALLEL if n > now][:_MOST_WAYS]:
            yield replace(changed(key, now, n), cost=math.log(n / now))


def _devices(problem: Problem, key: str, now: str) -> Iterator[Repair]:
    """Accelerators of the catalogue as good in all, the nearest first."""
    known, serving = accelerators(), key.startswith("serving")
    own = known.get(now)
    if own is None:
        return
    flops = f"{problem.serving.compute if serving else problem.training.precision}_flops"

    def ratio(other: Accelerator, figure: str) -> float:
        mine, theirs = getattr(own, figure), getattr(other, figure)
        return theirs / mine if mine and theirs else 0.0

    figures = ("bandwidth", flops, "memory")
    ratios = {name: [ratio(each, figure) for figure in figures] for name, each in known.items()}
    dear = 0 if serving else 1
    better = [
        n
        for n, r in ratios.items()
        if n != now and min(r) >= 1 and max(r) > 1
        if known[n].vendor == own.vendor or known[n].vendor not in _ONLY_RENTED
    ]
    paid = problem.prices.of(own)

    def dearer(name: str) -> float:
        """How many times as dear: by the prices, where both are given."""
        price = problem.prices.of(known[name])
        return float(price / paid) if price and paid else ratios[name][dear]

    def cost_to(name: str) -> float:
        """Of its price, of another vendor's software, and of a server to put it into."""
        other = known[name]
        moved = _ANOTHER_VENDOR * (other.vendor != own.vendor)
        moved += _ANOTHER * (other.server and not own.server)
        return max(weight_of(key) * math.log(dearer(name)), _ANOTHER) + moved

    better.sort(key=cost_to)
    for name in better[:_MOST_DEVICES]:
        cost = cost_to(name)
        yield replace(changed(key, now, name), cost=cost)


_ANOTHER = math.log(1.1)
"""Least cost of another kind of accelerator, and of the server that one of a data centre needs in
place of a desktop's: a tenth of a budget."""
_ONLY_RENTED = ("AWS", "Google")
"""Vendors whose accelerators stand in their own data centres alone: offered to their users only."""
_ANOTHER_VENDOR = math.log(2)
"""Cost of another vendor's kernels and tools, beside that of its accelerator: twice a budget."""
