"""Features of whole stacks: means over the layers, and bounds over random boxes."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.laws.layer_means import layer_shares, mean_between, mean_of
from modelsizer.problems.laws.stack_values import (
    ACTIVE_PARAMETERS,
    STACK_VALUES,
    base_name,
    stack_between,
    stack_value,
    trained_on,
)
from tests.support.stack_laws import SEQUENCE, features
from tests.support.stacks import STRUCTURES, boxes, one, points, stack

MANY = 400
NAMES = [trained_on(name, SEQUENCE) for name in STACK_VALUES]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_values_are_between_their_bounds_over_random_boxes(structure: tuple[str, str]) -> None:
    low, high = boxes(3, MANY)
    ends = stack(low, *structure), stack(high, *structure)
    for seed in (1, 2):
        inside = stack(points(seed, low, high), *structure)
        for name in NAMES:
            if name != ACTIVE_PARAMETERS:
                least, most = stack_between(name, *ends)
                value = stack_value(name, inside)
                assert (least <= value * (1 + 1e-12)).all(), name
                assert (value <= most * (1 + 1e-12)).all(), name


def test_bounds_over_a_box_of_one_design_are_its_value() -> None:
    low, high = boxes(4, MANY)
    there = stack(points(1, low, high), *STRUCTURES[0])
    for name in NAMES:
        if name != ACTIVE_PARAMETERS:
            value = stack_value(name, there)
            for end in stack_between(name, there, there):
                assert end == pytest.approx(value, rel=1e-12), name


def test_values_of_arrays_and_of_one_design_are_those_of_plain_loops() -> None:
    low, high = boxes(5, MANY)
    at = points(1, low, high)
    arrays = stack(at, "grouped", "window")
    values = {name: stack_value(name, arrays) for name in NAMES}
    for i in range(0, MANY, 40):
        design = one(at, i, "grouped", "window")
        want = features(design, count_parameters(design).active)
        for name in NAMES:
            alone = float(stack_value(name, design))
            assert alone == pytest.approx(values[name][i], rel=1e-12)
            if name in want or base_name(name) in want:
                assert alone == pytest.approx(want[base_name(name)], rel=1e-12), name


def test_published_models() -> None:
    dense, mixture = load_architecture("llama-3-8b"), load_architecture("mixtral-8x7b")
    assert [float(stack_value(n, dense)) for n in ("routed", "active", "activation")] == [1, 1, 1]
    assert stack_value("granularity", dense) == pytest.approx(2 * 4096 / 14336)
    assert stack_value("full_share", dense) == 1
    assert stack_value("window@8192", dense) == 8192
    assert [float(stack_value(n, mixture)) for n in ("routed", "active", "activation")] == [
        8, 2, 0.25,
    ]  # fmt: skip
    gemma = load_architecture("gemma-3-12b")
    assert stack_value("full_share", gemma) == pytest.approx(8 / 48)
    assert stack_value("window@32768", gemma) == pytest.approx((8 * 32768 + 40 * 1024) / 48)
    with pytest.raises(ValueError, match="nothing says how long"):
        stack_value("window", gemma)


def test_a_mean_over_boxes_gives_each_group_its_least_share() -> None:
    low, high = boxes(6, MANY)
    random = np.random.default_rng(0)
    values = np.sort(random.random((4, 2, MANY)), axis=1)
    ends = stack(low, *STRUCTURES[0]), stack(high, *STRUCTURES[0])
    least, most = mean_between(layer_shares(*ends), [(v[0], v[1]) for v in values])
    inside = stack(points(2, low, high), *STRUCTURES[0])
    at = [v[0] + random.random(MANY) * (v[1] - v[0]) for v in values]
    mean = mean_of(inside, at)
    assert (least <= mean + 1e-12).all()
    assert (mean <= most + 1e-12).all()
