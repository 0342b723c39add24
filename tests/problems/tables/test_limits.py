"""Bare numbers that nobody can mean as limits."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, sweep
from modelsizer.optimizer.constraints import constraints, moved
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.budgets import written
from modelsizer.problems.tables.limits import ANY
from modelsizer.problems.units import parse_quantity

BASE = Problem.load("h100-cluster-90-days").with_settings(
    {
        "lifetime.inference_tokens": "1T",
        "lifetime.prefill_share": 0.5,
        "training.price_per_hour": 2,
        "serving.prefill": {},
        "serving.accelerators": 16,
        "serving.output_length": 500,
    }
)
LIKELY: list[tuple[str, Any, str, str]] = [
    ("serving_memory", 48, "48 GB", "48 bytes"),
    ("serving_memory", 81920, "81920 MB", "81920 bytes"),
    ("training_memory", "80", "80 GB", "80 bytes"),
    ("prefill_memory", 48, "48 GB", "48 bytes"),
    ("request_time", 2000, "2000 ms", "2000 seconds"),
    ("kv_cache", 0.5, "0.5 GB", "0.5 bytes"),
    ("tokens", 15, "15T tokens", "15 tokens"),
    ("tokens", 300, "300B tokens", "300 tokens"),
    ("decode_latency", 50, "50 ms", "50 seconds"),
    ("prefill_latency", 2000, "2000 ms", "2000 seconds"),
    ("training_time", 90, "90 days", "90 seconds"),
    ("training_flops", 24, "1e24", "24 FLOPs"),
    ("training_flops", 5, "5e24", "5 FLOPs"),
    ("lifetime_flops", 3e9, "3e9 PFLOPs", "3e9 FLOPs"),
    ("inference_flops_per_token", 16, "16 GFLOPs", "16 FLOPs"),
    ("parameters", 8, "8B", "8 parameters"),
    ("active_parameters", 3.4, "3.4B", "3.4 parameters"),
    ("non_embedding_parameters", 70, "70B", "70 parameters"),
    ("training_cost", 0.5, "0.5M USD", "0.5 dollars"),
    ("lifetime_cost", 0.1, "0.1M USD", "0.1 dollars"),
    ("training_energy", 0.2, "0.2 GWh", "0.2 kWh"),
]


@pytest.mark.parametrize(("name", "value", "meant", "exactly"), LIKELY)
def test_a_bare_number_is_refused_with_the_likely_spelling(
    name: str, value: Any, meant: str, exactly: str
) -> None:
    key = f"budgets.{name}"
    for given in (value, {"max": value}):
        with pytest.raises(ProblemError) as error:
            BASE.with_settings({key: given})
        assert f'write "{meant}", or "{exactly}" if that is meant' in str(error.value)
        assert str(error.value).startswith(f"{key}: ")
    for text in (meant, exactly):
        assert BASE.with_settings({key: text}).budgets.limits[name].max == parse_quantity(
            text, QUANTITIES[name].dimension
        )


def test_every_quantity_with_such_limits_is_tried() -> None:
    tried = {name for name, *_ in LIKELY}
    assert tried == {name for name, row in QUANTITIES.items() if row.bare is not ANY}


@pytest.mark.parametrize("name", [name for name, *_ in LIKELY])
def test_what_a_unit_says_or_a_solver_asks_is_read_back(name: str) -> None:
    row = QUANTITIES[name]
    for number in (1e-9, 0.3, 7, 12345.678, 10**12, 3e25):
        text = written(name, number)
        assert isinstance(text, str) != row.bare.means(number)
        problem = BASE.with_settings({f"budgets.{name}": text})
        assert float(problem.budgets.limits[name].max) == number
        assert Problem.parse(problem.to_toml()) == problem
        limit = next(c for c in constraints(problem) if c.quantity == name)
        same = moved(problem, limit).budgets.limits[name].max
        assert same == problem.budgets.limits[name].max


def test_minima_and_the_cache_of_a_token_are_left_alone() -> None:
    found = BASE.with_settings({"budgets.kv_bytes_per_token": 48, "budgets.tokens": {"min": 15}})
    assert found.budgets.kv_bytes_per_token.max == 48
    assert found.budgets.tokens.min == 15


def test_sweeps_frontiers_and_tokens_of_training_are_read_alike() -> None:
    with pytest.raises(ProblemError, match="15T tokens"):
        BASE.with_settings({"training.tokens": 15})
    with pytest.raises(ProblemError, match="48 GB"):
        sweep(BASE, {"budgets.serving_memory": [48, 80]})
    memory = NumericSetting.of(BASE, "budgets.serving_memory")
    with pytest.raises(ProblemError, match="48 GB"):
        memory.spaced(BASE, 48, "80 GB")
    assert memory.at(BASE, 48).budgets.serving_memory.max == 48
    throughput = NumericSetting.of(BASE, "budgets.decode_throughput")
    assert throughput.read(5) == 5
