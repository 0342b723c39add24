"""Every design evaluated, and the best of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.support.layers_oracle.costs import costs
from tests.support.layers_oracle.counts import parameters, training_flops_of_a_token
from tests.support.layers_oracle.laws import Loss
from tests.support.layers_oracle.quality import Quality
from tests.support.layers_oracle.space import Design
from tests.support.layers_oracle.tables import Limit, Tables, limits
from tests.support.layers_oracle.ways import designs

OF_TOKENS = ("tokens", "training_flops")
SAME = 1e-13  # relative: losses that are no further apart are ties


@dataclass(frozen=True)
class Point:
    """A feasible design with the tokens that it is trained on."""

    design: Design
    tokens: float
    loss: float
    objective: float
    costs: dict[str, Fraction]
    close: bool
    """Whether rounding decides if it is feasible."""

    @property
    def tie(self) -> tuple[int, ...]:
        return self.design.tie(int(self.costs["parameters"]))


class Oracle:
    """All designs of a problem; `points` are the feasible ones, best first."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.limits, self.quality = tables, limits(tables), Quality(tables)
        objective = tables.get("objective", {})
        self.sense = "maximize" if "maximize" in objective else "minimize"
        self.quantity = objective.get(self.sense, "loss")
        self.designs = designs(tables)
        found = [point for a in self.designs if (point := self._point(a)) is not None]
        self.points = _ordered(found, self.sense, self.quantity)

    def _point(self, a: Design) -> Point | None:
        known = costs(a, self.tables)
        flops = training_flops_of_a_token(a, self.tables.get("training", {}))
        least, most, loss = Fraction(0), math.inf, self.quality.at(a)
        for limit in self.limits:
            low, high = limit.low, limit.high
            if limit.quantity in known:
                used = known[limit.quantity]
                if (low is not None and used < low) or (high is not None and used > high):
                    return None
            elif limit.quantity in OF_TOKENS:
                each = 1 if limit.quantity == "tokens" else flops
                least = least if low is None else max(least, low / each)
                most = most if high is None else min(most, high / each)
        if least > most:
            return None
        begin, end, close = self._within(loss, float(least), float(most))
        if begin > end * (1 + 1e-12) or math.isinf(begin):
            return None
        few = self.sense == "minimize" and self.quantity in OF_TOKENS
        tokens = begin if few else max(begin, end)
        value = {"loss": loss(tokens), "tokens": tokens, "training_flops": tokens * flops}
        objective = value.get(self.quantity)
        if objective is None:
            objective = float(known[self.quantity])
        return Point(a, tokens, value["loss"], objective, known, close)

    def _within(self, loss: Loss, begin: float, end: float) -> tuple[float, float, bool]:
        """Tokens between limits on the loss too, and whether rounding decides if there are any."""
        found: Limit | None = next((x for x in self.limits if x.quantity == "loss"), None)
        if found is None:
            return begin, end, False
        close = False
        if found.high is not None:
            need = loss.tokens_for(float(found.high))
            close = math.isfinite(need) and math.isclose(need, end, rel_tol=1e-9)
            begin = max(begin, need)
        if found.low is not None:
            cap = loss.tokens_for(float(found.low))
            close = close or math.isclose(cap, begin, rel_tol=1e-9)
            end = min(end, cap)
        return begin, end, close

    @property
    def close(self) -> list[Point]:
        """Points that rounding may make feasible or not."""
        return [point for point in self.points if point.close]

    def row(self, point: Point) -> dict[str, Any]:
        """A point in the words of an answer."""
        total, active, inner = parameters(point.design)
        counts = {"total": total, "active": active, "non_embedding": inner}
        quality = self.quality
        return {
            "objective": point.objective,
            "loss": point.loss,
            "tokens": point.tokens,
            "parameters": counts,
            "q_terms": quality.terms(point.design, quality.ablations),
        } | quality.shown(point.design, point.tokens)


def _ordered(points: list[Point], sense: str, quantity: str) -> list[Point]:
    """Best first, equal ones by the tie rule."""
    sign = -1 if sense == "maximize" else 1
    points = sorted(points, key=lambda p: sign * p.objective)
    room = SAME if quantity in ("loss", *OF_TOKENS) else 0.0
    found: list[Point] = []
    start = 0
    for i in range(1, len(points) + 1):
        first = points[start].objective
        if i == len(points) or abs(points[i].objective - first) > room * abs(first):
            found += sorted(points[start:i], key=lambda p: p.tie)
            start = i
    return found
