"""Shapes of one size: against enumeration in plain loops, on the command line, in the figure."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.surveys.depth_width import (
    InfeasibleError,
    depth_width,
    optimal_size,
    window,
)
from modelsizer.optimizer.surveys.depth_width_rows import SIDE_BY_SIDE, DepthWidth
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.units import exact, format_quantity
from modelsizer.text.depth_width_words import habit_sentence, notes
from tests.support.architectures import uniform
from tests.support.fine_menus import EXERCISE
from tests.support.oracle.training import designs
from tests.support.small_shapes import SIZE, TABLES, TOLERANCE, problem, shapes

SETTINGS: list[dict[str, object]] = [
    {},
    {"budgets.kv_cache": "9 GB"},
    {"budgets.loss": 2.28},
    {"budgets.loss": {"min": 2.29}},
    {"budgets.decode_throughput": {"min": 6000}},
    {"training.tokens": 2e12, "budgets.training_flops": 1.15e22},
    {"objective.minimize": "training_flops", "budgets.loss": 2.37},
    {"objective.minimize": "kv_cache", "objective.shape": "none"},
    {"training.tensor_parallel": [1, 2], "budgets.training_memory": "9.5 GB"},
]


@cache
def _architectures() -> list[Any]:
    base = Problem.from_tables(TABLES)
    return [
        uniform(
            base,
            block=d.block,
            d_model=d.d_model,
            heads=d.heads,
            kv_heads=d.kv_heads,
            head_dim=d.head_dim,
            d_ff=d.d_ff,
            vocab_size=d.vocab_size,
            tied_embeddings=d.tied,
            layers=d.layers,
        )
        for d in designs(TABLES)
    ]


def enumerated(
    asked: Problem, size: int, tolerance: Fraction
) -> tuple[dict[int, Evaluation], dict[int, Evaluation]]:
    """By plain loops: the nearest design of each depth that fits, and of depths where none does."""
    fits: dict[int, Evaluation] = {}
    all_: dict[int, Evaluation] = {}
    for architecture in _architectures():
        n = count_parameters(architecture).total
        if not (1 - tolerance) * size <= n <= (1 + tolerance) * size:
            continue
        design = evaluate(asked, architecture)
        for kept in (all_, fits) if design.feasible else (all_,):
            best = kept.get(architecture.layers)
            key = (abs(n - size), *design.tie_key)
            if best is None or key < (abs(best.parameters.total - size), *best.tie_key):
                kept[architecture.layers] = design
    return fits, {depth: found for depth, found in all_.items() if depth not in fits}


@cache
def listed(index: int) -> DepthWidth:
    return shapes(SETTINGS[index])


@pytest.mark.parametrize(
    "index", range(len(SETTINGS)), ids=[",".join(settings) or "plain" for settings in SETTINGS]
)
def test_rows_are_those_of_plain_loops(index: int) -> None:
    asked, found = problem(SETTINGS[index]), listed(index)
    fits, lost = enumerated(asked, SIZE, Fraction(str(TOLERANCE)))
    assert [row.layers for row in found.rows] == sorted(fits, reverse=True)
    assert [out.layers for out in found.excluded] == sorted(lost, reverse=True)
    for row in found.rows:
        assert row.design == fits[row.layers]
        assert row.design.feasible
    for out in found.excluded:
        assert out.design == lost[out.layers]
        assert tuple(broken.key for broken in out.broken) == out.design.violated
        for broken in out.broken:
            over = exact(broken.used) - exact(broken.limit)
            assert over > 0 if broken.side == "max" else over < 0
            assert math.copysign(1, broken.over) == math.copysign(1, over)
    if asked.shape.name == "none":
        assert found.preferred is None and found.ideal is None
        assert all(row.design.shape_excess == 0 for row in found.rows)
    else:
        least = min(row.design.shape_excess for row in found.rows)
        assert [row.design.shape_excess for row in found.rows if row.preferred] == [least]


def test_the_settings_exercise_both_rows_and_exclusions() -> None:
    both = [listed(index) for index in range(len(SETTINGS))]
    assert all(found.rows for found in both)
    assert sum(bool(found.excluded) for found in both) >= 5


def test_the_preferred_row_is_not_that_of_least_loss() -> None:
    found = depth_width(Problem.load("exercise-1e24", EXERCISE), 7_000_000_000, 0.02)
    assert found.preferred is not None
    assert min(found.rows, key=lambda row: row.design.loss).layers != found.preferred.layers


def test_tolerance_is_inclusive_and_exact() -> None:
    """A target such that a design lies on the edge, to the unit, and one just beyond."""
    asked = problem({})
    n = shapes().rows[0].parameters
    for target, tolerance, inside in (
        (n, 0.0, True),
        (n + 1, 0.0, False),
        (n - 1, 0.0, False),
        (-(-n * 100 // 102), 0.02, True),  # n is at most 1.02 of it
        (-(-n * 100 // 102) - 1, 0.02, False),
        (n * 100 // 98, 0.02, True),
        (n * 100 // 98 + 1, 0.02, False),
    ):
        low, high = window(target, tolerance)
        assert (low <= n <= high) is inside
        share = Fraction(str(tolerance))
        assert ((1 - share) * target <= n <= (1 + share) * target) is inside
    # 0.07 as a double is above 7/100, and 100 x 1.07 below 107: both would move an edge.
    assert window(100, 0.07) == (93, 107)
    assert {row.parameters for row in depth_width(asked, n, 0.0).rows} == {n}
    with pytest.raises(ProblemError, match="keeps every limit"):
        depth_width(asked, n + 1, 0.0)


def test_ideal_has_no_excess_and_the_same_size() -> None:
    found = shapes()
    assert found.ideal is not None and found.preferred is not None
    d_model, layers = found.ideal
    assert found.problem.shape.excess(d_model, layers) == pytest.approx(0, abs=1e-12)
    size = found.preferred.d_model**2 * found.preferred.layers
    assert d_model**2 * layers == pytest.approx(size, rel=1e-12)


# The law again, in plain arithmetic: Besiroglu et al. 2024 and McLeish et al. 2025.

E, A, ALPHA, B, BETA = 1.8172, 482.01, 0.3478, 2085.43, 0.3658


def law(n: float, d: float) -> float:
    return E + A * n**-ALPHA + B * d**-BETA


def test_habit_is_what_bisection_finds() -> None:
    found = shapes(layers=12)
    habit, best = found.habit, found.preferred
    assert habit is not None and habit.row is not None and best is not None
    mine, theirs = habit.row.design, best.design
    assert habit.excess == mine.shape_excess - theirs.shape_excess
    assert habit.excess > 1e-3
    assert mine.loss == pytest.approx(
        law(mine.parameters.total, mine.tokens) + mine.shape_excess, rel=1e-12
    )
    # Tokens at which the preferred shape at the habit's own N reaches its loss.
    low, high = 1.0, mine.tokens
    for _ in range(200):
        middle = math.sqrt(low * high)
        reached = law(mine.parameters.total, middle) + theirs.shape_excess <= mine.loss
        low, high = (low, middle) if reached else (middle, high)
    assert habit.tokens_fraction == pytest.approx(high / mine.tokens, rel=1e-9)
    each = [d.training_flops_per_token / d.parameters.total for d in (theirs, mine)]
    expected = high * each[0] / (mine.tokens * each[1])
    assert habit.flops_fraction == pytest.approx(expected, rel=1e-9)
    assert set(habit.differences) == set(SIDE_BY_SIDE)
    for name, more in habit.differences.items():
        assert more == mine.quantity(name) - theirs.quantity(name)
    text = habit_sentence(found)
    for part in (
        f"12 layers (12 x {habit.row.d_model}) cost {habit.excess:.6f} nats",
        f"preferred {best.layers} x {best.d_model}",
        f"{100 * high / mine.tokens:.4g} % of the tokens",
        f"{100 * expected:.4g} % of the training FLOPs",
        f"a decode step takes {format_quantity(abs(habit.differences['decode_latency']), 'seconds', 3)}",
        f"the KV cache is {abs(habit.differences['kv_cache']) / 1e9:.3g} GB",
        "less",
    ):
        assert part in text


def test_habits_without_a_price() -> None:
    found = shapes()
    assert found.preferred is not None
    same = shapes(layers=found.preferred.layers)
    assert same.habit is not None
    assert (same.habit.excess, same.habit.tokens_fraction, same.habit.flops_fraction) == (0, 1, 1)
    assert "costs nothing" in habit_sentence(same)

    tight = shapes({"budgets.kv_cache": "9 GB"})
    lost = tight.excluded[0]
    out = shapes({"budgets.kv_cache": "9 GB"}, layers=lost.layers)
    assert out.habit is not None and out.habit.row is None and out.habit.excess is None
    assert "budgets.kv_cache" in habit_sentence(out)
    assert "at most 9 GB" in habit_sentence(out)

    blind = shapes({"objective.shape": "none"}, layers=12)
    assert blind.habit is not None and blind.habit.excess is None
    assert "prefers no depth" in habit_sentence(blind)
    assert any("none is preferred" in line for line in notes(blind))


def test_endless_tokens_have_no_price_in_flops() -> None:
    """Where nothing limits tokens a shape costs loss that no training buys back."""
    asked = problem({"objective.minimize": "kv_cache"}).to_dict()
    asked["budgets"] = {"kv_cache": "20 GB"}
    found = depth_width(Problem.from_tables(asked), SIZE, TOLERANCE, layers=12)
    assert found.habit is not None
    assert found.habit.excess is not None and found.habit.excess > 0
    assert found.habit.flops_fraction is None
    assert "FLOPs" not in habit_sentence(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_errors_name_what_would_fit() -> None:
    """Sizes recomputed from every design, one by one."""
    ways = {"training.tensor_parallel": [1, 8]}  # kv_heads of 4 are replicated: two tables
    few = {"space.layers": {"min": 12, "max": 18}}
    architectures = [found for found in _architectures() if 12 <= found.layers <= 18]
    for settings in ({"budgets.kv_cache": "9 GB"} | ways, {"budgets.loss": 2.28}):
        asked = problem(settings | few)
        every = [evaluate(asked, found) for found in architectures]
        sizes = sorted(design.parameters.total for design in every if design.feasible)
        assert 20 < len(sizes) < len(every)
        gaps = [(b - a, a, b) for a, b in pairwise(sizes)]
        _, below, above = max(gaps)
        target = (below + above) // 2
        with pytest.raises(ProblemError) as error:
            depth_width(asked, target, 0.0)
        assert f"({below:,})" in str(error.value) and f"({above:,})" in str(error.value)
        with pytest.raises(ProblemError) as error:
            depth_width(asked, sizes[-1] * 50)
        assert f"({sizes[-1]:,})" in str(error.value)
        assert "nearest size that does is" in str(error.value)


def test_nearest_sizes_are_sought_in_every_table() -> None:
    """A table for each block: the largest of all is gemma2's, the smallest llama's."""
    sizes: dict[str, list[int]] = {}
    for block in ("gemma2", "llama"):
        alone = problem({"space.block": block, "space.layers": [12, 30]})
        for target in (1, 10**12):
            with pytest.raises(ProblemError) as error:
                depth_width(alone, target)
            number = str(error.value).partition("(")[2].partition(")")[0]
            sizes.setdefault(block, []).append(int(number.replace(",", "")))
    assert sizes["llama"][0] < sizes["gemma2"][0] and sizes["llama"][1] < sizes["gemma2"][1]
    both = problem({"space.block": ["gemma2", "llama"], "space.layers": [12, 30]})
    for target, expected in ((1, sizes["llama"][0]), (10**12, sizes["gemma2"][1])):
        with pytest.raises(ProblemError, match=f"{expected:,}"):
            depth_width(both, target)


def test_errors_on_a_depth() -> None:
    with pytest.raises(ProblemError, match=r"layers: 41 is not a depth that space\.layers offers"):
        depth_width(problem({}), SIZE, 0.02, layers=41)
    found = depth_width(problem({}), SIZE, 0.005)
    absent = next(
        n
        for n in range(8, 41)
        if n not in {row.layers for row in found.rows} | {o.layers for o in found.excluded}
    )
    with pytest.raises(ProblemError) as error:
        depth_width(problem({}), SIZE, 0.005, layers=absent)
    near = min(
        (d for d in _architectures() if d.layers == absent),
        key=lambda d: abs(evaluate(problem({}), d).parameters.total - SIZE),
    )
    assert f"{evaluate(problem({}), near).parameters.total:,}" in str(error.value)
    # The tolerance that the message names takes it in.
    percent = float(str(error.value).rpartition("a tolerance of ")[2].split()[0])
    assert depth_width(problem({}), SIZE, percent / 100, layers=absent).habit is not None


@pytest.mark.parametrize("size", [0, -7, 7.5, math.inf, math.nan, 1e30])
def test_refuses_other_sizes(size: float) -> None:
    with pytest.raises(ProblemError, match="whole number of parameters"):
        depth_width(problem({}), size)


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, math.nan])
def test_refuses_other_tolerances(tolerance: float) -> None:
    with pytest.raises(ProblemError, match="tolerance"):
        depth_width(problem({}), SIZE, tolerance)


def test_infeasible_and_optimal_size() -> None:
    with pytest.raises(InfeasibleError, match=r"budgets\.parameters"):
        depth_width(problem({"budgets.parameters": 1000}), SIZE)
    with pytest.raises(InfeasibleError, match=r"budgets\.parameters"):
        optimal_size(problem({"budgets.parameters": 1000}))
    best = solve(problem({})).best
    assert optimal_size(problem({})) == best.parameters.total
    found = depth_width(problem({}), best.parameters.total)
    (row,) = [row for row in found.rows if row.layers == best.architecture.layers]
    assert row.design == best


def test_values_are_frozen() -> None:
    found = depth_width(problem({}), SIZE)
    assert isinstance(found, DepthWidth)
    with pytest.raises(AttributeError):
        found.rows = ()  # type: ignore[misc]
