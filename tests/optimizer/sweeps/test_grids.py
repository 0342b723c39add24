"""Lists of values of settings: their notation, and the grid that they span."""

from __future__ import annotations

import itertools
import math

import pytest

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.sweeps.grids import (
    Axis,
    SweepGrid,
    axis_of,
    grid_of,
    split_problem,
)
from tests.support import fine_menus

PROBLEM = Problem.load("one-h100-1e24", fine_menus.ONE_H100)
GB, GIB = 10**9, 2**30


def values(key: str, text: str) -> tuple[object, ...]:
    return axis_of(PROBLEM, key, text).values


@pytest.mark.parametrize(
    ("key", "text", "wanted"),
    [
        ("serving.context_length", "8192,32768,131072", (8192, 32768, 131072)),
        ("serving.context_length", "131072, 8192", (131072, 8192)),  # the order given
        ("serving.context_length", "[8192, 32768]", (8192, 32768)),
        ("budgets.serving_memory", "40 GB, 64 GiB,80e9", (40 * GB, 64 * GIB, 80 * GB)),
        ("budgets.serving_memory", "40..80 GB:lin:5", tuple(n * 10 * GB for n in (4, 5, 6, 7, 8))),
        ("budgets.serving_memory", "40 GB..0.08 TB:lin:3", (40 * GB, 60 * GB, 80 * GB)),
        ("budgets.kv_cache.max", "1 GiB..4 GiB:step=1GiB", (GIB, 2 * GIB, 3 * GIB, 4 * GIB)),
        ("budgets.training_flops", "1e22..1e25:log:4", (10**22, 10**23, 10**24, 10**25)),
        ("budgets.training_flops", "1e24", (10**24,)),
        ("serving.context_length", "8192..32768:step=10000", (8192, 18192, 28192)),
        ("serving.weight_bytes", "0.5..2:step=0.5", (0.5, 1, 1.5, 2)),
        ("space.layers", "40..42:lin:9", (40, 41, 42)),  # counts do not repeat
        ("space.kv_heads", "[1, 2],[4]", ([1, 2], [4])),
        ("space.experts.granularity", "2..8:step=3", (2, 5, 8)),
        ("space.latent.heads", "16..64:log:3", (16, 32, 64)),
        ("space.block", "llama,gpt2", ("llama", "gpt2")),
        ("budgets.parameters", "{min = 1e9, max = 2e9}, 40B", ({"min": 1e9, "max": 2e9}, 40 * GB)),
        ("objective.law", '"besiroglu-2024",hoffmann-2022', ("besiroglu-2024", "hoffmann-2022")),
    ],
)
def test_texts_of_values(key: str, text: str, wanted: tuple[object, ...]) -> None:
    assert values(key, text) == wanted


def test_a_logarithmic_range_is_even_in_its_logarithm() -> None:
    found = [float(v) for v in values("budgets.training_flops", "1e22..1e26:log:41")]  # type: ignore[arg-type]
    assert len(found) == 41 and (found[0], found[-1]) == (1e22, 1e26)
    for a, b in itertools.pairwise(found):
        assert math.log10(b / a) == pytest.approx(0.1, abs=1e-5)


@pytest.mark.parametrize(
    ("key", "text", "word"),
    [
        ("budgets.training_flops", "1e22..1e26", "no range; write"),
        ("budgets.training_flops", "1e22..1e26:cubic:3", "no range; write"),
        ("budgets.training_flops", "1e26..1e22:log:3", "to a greater one"),
        ("budgets.training_flops", "1e22..1e26:log:1", "2 to"),
        ("budgets.training_flops", "0..1e26:log:3", "above 0"),
        ("budgets.training_flops", "1 GB..2 GB:log:3", "not a unit of FLOPs"),
        ("serving.context_length", "1..2e9:step=1", "points"),
        ("serving.context_length", "1..9:step=0", "'0' must be above 0, as ends and steps"),
        ("serving.context_length", "8192,", "a value is missing"),
        ("serving.context_length", "8192,16384,8192", "given twice"),
        ("serving.context_length", "8192,131,072", "within a number"),
        ("objective.law", "a..b:log:3", "cannot|no limit"),
    ],
)
def test_texts_that_are_refused(key: str, text: str, word: str) -> None:
    with pytest.raises(ProblemError, match=word):
        axis_of(PROBLEM, key, text)


def test_the_last_key_is_fastest() -> None:
    grid = SweepGrid((Axis("budgets.a", (1, 2)), Axis("budgets.b", (3, 4, 5))))
    points = [tuple(grid.point(i).values()) for i in range(len(grid))]
    assert points == list(itertools.product((1, 2), (3, 4, 5)))


@pytest.mark.parametrize("sizes", [(3, 4, 2), (1, 5, 3), (4, 1, 1), (2, 2, 2)])
def test_neighbours_differ_by_a_step_and_dear_keys_change_least(sizes: tuple[int, ...]) -> None:
    keys = ("budgets.kv_cache", "space.vocab_size", "serving.batch_size")
    axes = tuple(Axis(k, tuple(range(n))) for k, n in zip(keys, sizes, strict=True))
    grid = SweepGrid(axes)
    order = grid.neighbours(range(len(grid)))
    assert sorted(order) == list(range(len(grid)))
    steps = [
        [abs(a - b) for a, b in zip(grid.positions(i), grid.positions(j), strict=True)]
        for i, j in itertools.pairwise(order)
    ]
    assert all(sum(step) == 1 for step in steps)
    changes = [sum(step[axis] for step in steps) for axis in range(3)]
    budget, space, serving = sizes
    assert changes == [(budget - 1) * space * serving, space - 1, (serving - 1) * space]
    assert grid.neighbours(order[5:2:-1]) == order[3:6]  # of what is missing as well


def test_lists_and_single_values_are_told_apart() -> None:
    problem, many = split_problem(
        "one-h100-1e24",
        ["budgets.kv_cache=8 GiB", "serving.context_length=[4096, 8192]", "space.kv_heads=[2, 4]",
         "budgets.training_flops=1e23..1e24:log:2"],
    )  # fmt: skip
    assert problem.budgets.kv_cache is not None and problem.budgets.kv_cache.max == 8 * GIB
    assert problem.to_dict()["space"]["kv_heads"] == [2, 4]  # a menu is one value
    assert list(many) == ["serving.context_length", "budgets.training_flops"]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (["budgets.kv_cach=1,2"], "did you mean kv_cache"),
        (["serving.context_length=8192,0"], "from 1 to"),
        (["space.d_model=[100, 200]", "space.kv_heads=2,4"], "divides no d_model"),
        (["budgets.kv_cache"], "not key=value"),
        (["budgets.kv_cache=1 GiB", "budgets.kv_cache=1 GB,2 GB"], "given twice"),
        (["budgets.kv_cache=1 GiB"], "no key takes several values"),
        (
            ["budgets.kv_bytes_per_token=1..1e4:step=1", "space.layers=8..160:step=1"],
            "points; a grid has",
        ),
        (["serving.tensor_parallel=1,7"], "not a multiple"),
    ],
)
def test_grids_that_are_refused(texts: list[str], word: str) -> None:
    def make() -> SweepGrid:
        problem, many = split_problem("one-h100-1e24", texts)
        return grid_of(problem, [axis_of(problem, key, text) for key, text in many.items()])

    with pytest.raises(ProblemError, match=word):
        make()


def test_a_value_may_need_that_of_another_key() -> None:
    texts = {"serving.accelerators": "1,8", "serving.tensor_parallel": "1,8"}
    grid = grid_of(PROBLEM, [axis_of(PROBLEM, key, text) for key, text in texts.items()])
    assert len(grid) == 4
