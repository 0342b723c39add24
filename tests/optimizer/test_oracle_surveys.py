"""Rankings, next best designs and fronts agree with the oracle."""

from __future__ import annotations

import math
import random

import pytest

from modelsizer import best, front, rank, solve
from tests.support.every_setting import problem
from tests.support.oracle.search import Oracle, answered
from tests.support.oracle.space import Design
from tests.support.shared import seeds

CLOSE, TOP = 1e-11, 5
GOALS = ("parameters", "non_embedding_parameters", "active_parameters", "kv_cache",
         "kv_bytes_per_token", "serving_memory", "inference_flops_per_token", "layers", "d_model", "decode_latency",
         "prefill_latency", "training_memory")  # fmt: skip


@pytest.mark.parametrize("seed", seeds([*range(4), *range(200, 300)], range(200, 300)))
def test_designs_are_ranked_as_by_the_oracle(seed: int) -> None:
    asked = problem(seed)
    oracle = Oracle(asked.to_dict())
    points = oracle.points()
    if not all(point.sure for point in points):
        pytest.skip("rounding decides what is feasible")
    values: dict[Design, float] = {}
    for point in points:
        a, value = point.option.design, float(point.value.high)
        values[a] = min(value, values.get(a, math.inf))
    ranking, ordered = rank(asked, top=TOP), sorted(values.values())
    assert (ranking.designs, ranking.feasible) == (len(oracle.designs), len(values))
    sign = -1 if oracle.sense == "maximize" else 1
    found = [sign * float(design.exact[oracle.quantity]) for design in ranking.best]
    assert found == pytest.approx(ordered[:TOP], rel=CLOSE)
    result = solve(asked)
    listed = [] if result.design is None else best(result, TOP).best
    assert [design.tie_key for design in listed] == [design.tie_key for design in ranking.best]


def dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    pairs = list(zip(first, second, strict=True))
    no_worse = all(a <= b * (1 + CLOSE) for a, b in pairs)
    return no_worse and any(a < b * (1 - CLOSE) for a, b in pairs)


@pytest.mark.parametrize("seed", seeds([*range(4), *range(300, 400)], range(300, 400)))
def test_fronts_are_those_of_the_oracle(seed: int) -> None:
    r, asked = random.Random(seed), problem(seed)
    oracle = Oracle(asked.to_dict())
    known = [name for name in GOALS if name in oracle.options[0].costs]
    goals = ["loss", *r.sample(known, r.randint(1, 2))] if seed % 2 else r.sample(known, 2)
    oracle.sense, oracle.quantity = "minimize", goals[0]
    if not all(answered(oracle.limits, "minimize", name) for name in goals):
        pytest.skip("nothing limits the tokens")
    points = oracle.points()
    if not all(point.sure for point in points):
        pytest.skip("rounding decides what is feasible")
    values = {tuple(float(point.quantity(name).high) for name in goals) for point in points}
    expected = sorted(v for v in values if not any(dominates(w, v) for w in values))
    found = front(asked, goals)
    assert found.complete
    shown = {tuple(float(found.values[name][i]) for name in goals) for i in range(len(found))}
    assert all(any(v == pytest.approx(w, rel=CLOSE) for w in shown) for v in expected)
    assert all(any(v == pytest.approx(w, rel=CLOSE) for w in expected) for v in shown)
