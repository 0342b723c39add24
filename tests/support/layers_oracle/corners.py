"""Corners of a problem by enumeration: the optimum of each, all regrets, the least greatest one."""

from __future__ import annotations

import random
from copy import deepcopy
from functools import cached_property
from typing import Any

from tests.support.layers_oracle import drawing
from tests.support.layers_oracle.laws import PESSIMIST
from tests.support.layers_oracle.search import SAME, Oracle, Point
from tests.support.layers_oracle.space import Design, Experts
from tests.support.layers_oracle.tables import Tables, limits

LAWS = ("besiroglu-2024", "hoffmann-2022")


def overlays(tables: Tables, designs: list[Design]) -> dict[str, Tables]:
    """Keys of ``[objective]`` that each corner changes."""
    found: dict[str, Tables] = {
        f"ablations {end}": {"ablations": end} for end in ("low", "middle", "high")
    }
    if any(a.first(Experts) for a in designs):
        found["leverage 3e20"] = {"leverage_flops": 3e20}
        if any(x.quantity == "training_flops" and x.high is not None for x in limits(tables)):
            found["leverage budget"] = {"leverage_flops": "budget"}
        found[PESSIMIST] = {"law": PESSIMIST}
    return found


class CornersOracle:
    """Every feasible design at every corner."""

    def __init__(self, tables: Tables, laws: tuple[str, ...] = ()) -> None:
        base = Oracle(tables)
        self.overlays = overlays(tables, base.designs) | {law: {"law": law} for law in laws}
        self.at: dict[str, Oracle] = {}
        for name, change in self.overlays.items():
            changed = deepcopy(tables)
            changed["objective"] |= change
            self.at[name] = Oracle(changed)
        self.best = {name: oracle.points[0] for name, oracle in self.at.items() if oracle.points}
        self.own = base.points[0] if base.points else None

    @cached_property
    def regrets(self) -> dict[Design, dict[str, float]]:
        """Loss of each design above the least at each corner."""
        found: dict[Design, dict[str, float]] = {}
        for name, oracle in self.at.items():
            for point in oracle.points:
                found.setdefault(point.design, {})[name] = point.loss - self.best[name].loss
        return found

    @cached_property
    def least(self) -> Point:
        """The design of least greatest regret, of equals the first by the tie rule."""
        worst = {a: max(regret.values()) for a, regret in self.regrets.items()}
        edge = min(worst.values()) + SAME * max(point.loss for point in self.best.values())
        (first, *_) = self.at.values()
        tied = (point for point in first.points if worst[point.design] <= edge)
        return min(tied, key=lambda point: point.tie)


def drawn(seed: int) -> Tables:
    """A random problem of a seed that seeks the least loss and does not limit it."""
    r = random.Random(f"corners {seed}")
    while True:
        tables: dict[str, Any] = drawing.tables(r.randrange(10**6))
        loss = any(limit.quantity == "loss" for limit in limits(tables))
        sought = [v for k, v in tables["objective"].items() if k in ("minimize", "maximize")]
        kind = tables["name"].endswith(drawing.KINDS[seed % len(drawing.KINDS)])
        if kind and sought in ([], ["loss"]) and not loss and Oracle(tables).points:
            return tables
