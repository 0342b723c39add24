"""Constraints that the space puts on layers, d_model and their ratio, and menus without them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from modelsizer.optimizer.constraints import RATIO, Constraint
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.menus import Choice, Interval, Menu, Steps
from modelsizer.problems.tables.space import DEFAULT_D_MODEL_STEP, Space

UNIVERSE = {"layers": (1, 1024), "d_model": (128, 65536)}
"""Least and greatest value of a menu whose ends are relaxed: eight times the depth (Llama 3.1 405B:
126) and four times the width (16384) of the largest dense models that are published."""
DEFAULT_STEPS = {"layers": 1, "d_model": DEFAULT_D_MODEL_STEP}  # of a fixed value


def space_constraints(problem: Problem) -> Iterator[Constraint]:
    """The ends of the menus of layers and d_model, and the limits on their ratio."""
    for name in UNIVERSE:
        choice: Choice = getattr(problem.space, name)
        low, high = choice.numbers[0], choice.numbers[-1]
        least, most = reach(name, choice)
        if least < low:
            yield Constraint(f"space.{name}.min", name, "min", low)
        if most > high:
            yield Constraint(f"space.{name}.max", name, "max", high)
    ratio = problem.space.aspect_ratio
    if isinstance(ratio, Interval):
        if ratio.min is not None:
            yield Constraint(f"space.{RATIO}.min", RATIO, "min", ratio.min)
        if ratio.max is not None:
            yield Constraint(f"space.{RATIO}.max", RATIO, "max", ratio.max)


def relaxed_space(space: Space, held: Sequence[Constraint]) -> dict[str, object]:
    """Keys of ``[space]`` that differ where only some of its constraints hold.

    Parameters
    ----------
    space : Space
    held : sequence of Constraint
        Those of the space that hold, some perhaps moved; others are skipped.

    Returns
    -------
    dict
        Menus of layers and d_model, and ``aspect_ratio``, None where no limit on it holds.
    """
    found: dict[str, object] = {}
    for name in UNIVERSE:
        choice: Choice = getattr(space, name)
        low, high = reach(name, choice)
        sides = {c.side: int(c.limit) for c in held if c.base == f"space.{name}"}
        low, high = sides.get("min", low), sides.get("max", high)
        if (low, high) != (int(choice.numbers[0]), int(choice.numbers[-1])):
            found[name] = _widened(name, choice, low, high)
    if isinstance(space.aspect_ratio, Interval):
        ratio = {c.side: c.limit for c in held if c.base == f"space.{RATIO}"}
        found[RATIO] = ratio or None
    return found


def step_of(name: str, choice: Choice) -> int:
    """The step that continues a menu beyond its ends; for a list the gcd of its steps."""
    if isinstance(choice, Steps):
        return int(choice.step)
    values = [int(n) for n in choice.numbers]
    steps = [b - a for a, b in pairwise(values)]
    return math.gcd(*steps) if steps else DEFAULT_STEPS[name]


def reach(name: str, choice: Choice) -> tuple[int, int]:
    """The least and the greatest value of a menu whose ends are relaxed."""
    low, high = int(choice.numbers[0]), int(choice.numbers[-1])
    least, most = UNIVERSE[name]
    step = step_of(name, choice)
    return low - max(0, low - least) // step * step, high + max(0, most - high) // step * step


def _widened(name: str, choice: Choice, low: int, high: int) -> object:
    """A menu continued to other ends; values that a list skips between its own stay out."""
    step = step_of(name, choice)
    values = [int(n) for n in choice.numbers]
    if isinstance(choice, Menu):
        return [*range(low, values[0], step), *values, *range(values[-1] + step, high + 1, step)]
    return {"min": low, "max": high, "step": step}
