"""Numeric settings: keys, sides, units and values."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.problems.units import format_quantity, parse_quantity
from tests.support import fine_menus

FLOPS = "budgets.training_flops"
EXERCISE = Problem.load("exercise-1e24", fine_menus.EXERCISE)
H100 = Problem.load("one-h100-1e24", fine_menus.ONE_H100)


@pytest.mark.parametrize(
    ("name", "over", "settings", "key", "dimension"),
    [
        ("one-h100-1e24", FLOPS, {}, "budgets.training_flops.max", "FLOPs"),
        ("one-h100-1e24", "budgets.kv_cache", {}, "budgets.kv_cache.max", "bytes"),
        ("one-h100-1e24", "budgets.loss", {}, "budgets.loss.max", "nats"),
        ("one-h100-1e24", "budgets.parameters.min", {}, "budgets.parameters.min", "parameters"),
        ("one-h100-1e24", "budgets.parameters", {"budgets.parameters": {"min": 1e9}},
         "budgets.parameters.min", "parameters"),
        ("h100-cluster-90-days", "budgets.decode_throughput", {},
         "budgets.decode_throughput.min", "tokens/s"),
        ("one-h100-1e24", "training.tokens", {}, "training.tokens.max", "tokens"),
        ("fixed-2t-tokens", "training.tokens", {}, "training.tokens", "tokens"),
        ("one-h100-1e24", "serving.context_length", {}, "serving.context_length", "count"),
        ("served-10t-tokens", "lifetime.inference_tokens", {}, "lifetime.inference_tokens",
         "tokens"),
        ("h100-cluster-90-days", "prices.H100-SXM", {}, "prices.H100-SXM", "dollars"),
        ("one-h100-1e24", "prices.L40S", {"prices": {"L40S": 1}}, "prices.L40S", "dollars"),
    ],
)  # fmt: skip
def test_the_side_that_a_key_sets(
    name: str, over: str, settings: dict[str, object], key: str, dimension: str
) -> None:
    setting = NumericSetting.of(Problem.load(name).with_settings(settings), over)
    assert (setting.key, setting.dimension) == (key, dimension)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("budgets.training_flop", "did you mean budgets.training_flops"),
        ("training_flops", "did you mean budgets.training_flops"),
        ("objective.law", "no limit or setting"),
        ("prices.H100-SXM", "no limit or setting"),  # of no accelerator of the problem
        ("budgets.kv_cache.least", "no limit or setting"),
        ("serving.context_length.max", "no limit or setting"),
    ],
)
def test_what_is_no_number_of_the_file_is_refused(over: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        NumericSetting.of(H100, over)


def test_values_are_whole_and_end_where_they_are_told() -> None:
    setting = NumericSetting.of(EXERCISE, FLOPS)
    values = setting.between(10**21, 10**26, 21)
    assert values[0] == 10**21 and values[-1] == 10**26 and len(values) == 21
    assert 10**22 in values and all(isinstance(value, int) for value in values)
    steps = np.diff(np.log10(np.array(values, dtype=float)))
    assert steps == pytest.approx(0.25, abs=1e-5)
    layers = NumericSetting.of(EXERCISE, "budgets.layers").between(4, 8, 21)
    assert layers == (4, 5, 6, 7, 8)
    assert setting.read("2e21") == 2 * 10**21
    assert NumericSetting.of(H100, "budgets.serving_memory").read("40 GB") == 40 * 10**9
    with pytest.raises(ProblemError, match="above 0"):
        setting.read(0)


@pytest.mark.parametrize(
    ("name", "over", "value"),
    [
        ("one-h100-1e24", FLOPS, 10**24),
        ("one-h100-1e24", f"{FLOPS}.min", None),
        ("fixed-2t-tokens", "training.tokens", 2 * 10**12),
        ("fixed-2t-tokens", "training.tokens.max", 2 * 10**12),
        ("exercise-1e24", "budgets.serving_memory", None),
        ("exercise-1e24", "training.sequence_length", 8192),
    ],
)
def test_the_value_in_the_problem(name: str, over: str, value: int | None) -> None:
    problem = Problem.load(name)
    assert NumericSetting.of(problem, over).now(problem) == value


def test_values_are_spaced_around_that_of_the_problem_unless_they_are_told() -> None:
    setting = NumericSetting.of(EXERCISE, FLOPS)
    values = setting.spaced(EXERCISE)
    assert (values[0], values[-1], len(values)) == (10**22, 10**26, 21)
    assert setting.spaced(EXERCISE, "1e23", points=3) == setting.between(10**23, 10**26, 3)
    with pytest.raises(ProblemError, match="is not below"):
        setting.spaced(EXERCISE, 10**25, 10**24)
    memory = NumericSetting.of(EXERCISE, "budgets.serving_memory")
    with pytest.raises(ProblemError, match="no such value"):
        memory.spaced(EXERCISE, "1 GB")


def test_times_between_are_round_in_the_unit_that_they_are_shown_in() -> None:
    problem = Problem.load("h100-cluster-90-days")
    time = NumericSetting.of(problem, "budgets.training_time")
    found = time.spaced(problem, "2 h", "200 days", 9)
    texts = [format_quantity(value, "seconds", 3) for value in found]
    assert [parse_quantity(text, "seconds") for text in texts] == list(found)
