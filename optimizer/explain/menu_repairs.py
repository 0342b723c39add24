"""Repairs that extend one end of a menu of ``[space]`` by a few steps.

The ends of layers and d_model are constraints (`modelsizer.optimizer.explain.space_constraints`),
so their repairs are exact to a step and of any length; the vocabulary is left alone, since nats a
token of two tokenizers do not compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from modelsizer.optimizer.explain.change_costs import cost_of
from modelsizer.optimizer.explain.conflicts import Keys, Oracle
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.optimizer.explain.setting_repairs import holds_with
from modelsizer.problems.architecture.choices import MENUS
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.menus import Choice, Menu, Steps
from modelsizer.problems.units import Number, exact, plain

APART = ("layers", "d_model", "vocab_size", "ffn_multiple", "experts.ffn_multiple")
"""Menus that are not extended: constraints, tokenizers, and what only rounds."""
MOST_STEPS = 3
"""Steps beyond an end that are tried: three halvings or doublings of a list."""


LEAST = {"space.head_dim": 64, "space.window": 512, "space.latent.kv_lora_rank": 256}
"""Values below which no published evidence reaches, and no menu is extended."""


LESSENING = frozenset({"space.full_every", "space.kv_group", "space.experts.granularity"})
"""Menus larger values of which need less: fewer full layers, kv heads, and weights of an expert."""


def menu_repairs(oracle: Oracle, conflicts: Sequence[Keys]) -> Iterator[tuple[str, list[Repair]]]:
    """Yield each end of a menu with the least step beyond it that makes the problem feasible.

    Only of spaces whose width options are listed: a larger one is searched anew for each step.
    """
    problem = oracle.relaxer.origin
    listable = oracle.store(problem).listable(problem)
    for key in menu_keys(problem):
        tried = listable and may_help(oracle, key, conflicts)
        found = _first(oracle, menu_steps(problem, key)) if tried else None
        yield key, [] if found is None else [found]


def may_help(oracle: Oracle, key: str, conflicts: Sequence[Keys]) -> bool:
    """Whether more of a menu may end every conflict.

    A conflict of upper limits on what designs need ends only by designs that need less.
    """
    base, _, side = key.rpartition(".")
    less = "max" if base in LESSENING else "min"
    grows = {
        limit.key
        for limit in oracle.relaxer.limits
        if not limit.of_space and limit.side == "max" and QUANTITIES[limit.quantity].affine
    }
    return side == less or not any(conflict <= grows for conflict in conflicts)


def menu_keys(problem: Problem) -> list[str]:
    """Keys of the ends of a problem's menus of numbers: ``"space.kv_heads.min"``."""
    given = problem.space.model_fields_set  # others, such as those of linear layers, are defaults
    keys = [key for key in MENUS if key not in APART and key.partition(".")[0] in given]
    numbers = [key for key in keys if isinstance(problem.space.menu(key), Choice)]
    return [f"space.{key}.{side}" for key in numbers for side in ("min", "max")]


def menu_steps(problem: Problem, key: str) -> list[Repair]:
    """Extensions of a menu beyond one end, the least first.

    A range goes on by its step; a list, and a number alone, by halves or doubles of its end.
    """
    base, _, side = key.rpartition(".")
    menu: Choice = problem.space.menu(base.removeprefix("space."))
    before: Number = menu.numbers[0 if side == "min" else -1]
    found = []
    for step in range(1, MOST_STEPS + 1):
        after = _beyond(menu, before, side, step)
        if after is None or after < LEAST.get(base, 0) or after == 0:
            break
        made = {base: _extended(menu, side, after, step)}
        repair = Repair(key, after, before, "setting", None, None, made)
        found.append(replace(repair, cost=cost_of(key, before, after)))
    return found


def _beyond(menu: Choice, end: Number, side: str, step: int) -> Number | None:
    if isinstance(menu, Steps):
        way = step if side == "max" else -step
        return plain(exact(end) + way * exact(menu.step))
    if not end:
        return None
    value = Fraction(exact(end)) * (Fraction(2) if side == "max" else Fraction(1, 2)) ** step
    whole = all(isinstance(n, int) for n in menu.numbers)
    return None if whole and value.denominator > 1 else plain(value)


def _extended(menu: Choice, side: str, after: Number, steps: int) -> object:
    if isinstance(menu, Steps):
        written = menu.to_toml()
        assert isinstance(written, Mapping)
        return {**written, side: after}
    assert isinstance(menu, Menu)
    between = [after]
    for _ in range(steps - 1):
        between.append(plain(exact(between[-1]) * (Fraction(1, 2) if side == "max" else 2)))
    return sorted({*menu.numbers, *between})


def _first(oracle: Oracle, steps: list[Repair]) -> Repair | None:
    """The least of growing menus that is enough, if the largest is: they hold one another."""
    if not steps or not holds_with(oracle, steps[-1].made):
        return None
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds_with(oracle, steps[middle].made) else (middle + 1, high)
    return steps[low]
