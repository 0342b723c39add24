"""New quantities that follow from FLOPs, from a lifetime, or as an inverse need a row alone, too."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, rank, solve
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.lifetime import ROWS as LIFETIME
from modelsizer.problems.quantities.quantity import Inverse, OfFlops, Quantity, Settings
from modelsizer.problems.quantities.rows import QUANTITIES, register_quantity
from modelsizer.problems.quantities.training_cost import (
    kilowatt_hours,
    needs_device,
    seconds,
)

KILOGRAMS = Fraction(2, 5)  # of carbon dioxide for each kWh


def carbon(settings: Settings) -> Fraction:
    return kilowatt_hours(settings) * KILOGRAMS


def twice(of: Any) -> Any:
    return lambda settings: 2 * of(settings)


FLOPS = LIFETIME[0].how
assert isinstance(FLOPS, OfFlops)
assert FLOPS.charge is not None
ROWS = (
    Quantity("carbon", "count", "kg of CO2", OfFlops(carbon), "max", needs_device),
    Quantity("night_time", "seconds", "halved", OfFlops(twice(seconds), shared=True), "max",
             needs_device),
    Quantity("lifetime_work", "FLOPs", "counted twice",
             OfFlops(twice(FLOPS.rate), charge=twice(FLOPS.charge)), "max", LIFETIME[0].needs),
    Quantity("prompts_a_second", "count", "prompts / prefill_latency",
             Inverse("prefill_latency", lambda s: s.serving.prompts, "prompts"), "min",
             QUANTITIES["prefill_latency"].needs),
)  # fmt: skip
TWINS: dict[str, tuple[str, Any, str, Any]] = {
    "carbon": ("budgets.carbon", 4e5, "budgets.training_energy", 1e6),
    "night_time": ("budgets.night_time", "60 days", "budgets.training_time", "30 days"),
    "lifetime_work": ("budgets.lifetime_work", 6e24, "budgets.lifetime_flops", 3e24),
    "prompts_a_second": (
        "budgets.prompts_a_second",
        {"min": 8},
        "budgets.prefill_latency",
        0.25,
    ),
}
"""A budget of each, and the known one that it comes to."""
BASE: dict[str, Any] = {
    "space": {
        "layers": {"min": 20, "max": 100, "step": 4},
        "d_model": {"min": 2048, "max": 12288, "step": 1024},
        "kv_heads": 8,
        "vocab_size": 64000,
    },
    "training": {"accelerator": "H100-SXM", "accelerators": 512, "tensor_parallel": [4, 8]},
    "serving": {"accelerator": "H100-SXM", "prompts": 2, "accelerators": 8, "tensor_parallel": 8},
    "lifetime": {"inference_tokens": 5e12},
    "budgets": {"training_flops": 3e24, "serving_memory": "80 GB"},
}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    for row in ROWS:
        register_quantity(row)
    yield
    for row in ROWS:
        del QUANTITIES._items[row.name]


def base(settings: dict[str, Any]) -> Problem:
    return Problem.from_tables(BASE).with_settings(settings)


def same(mine: Any, known: Any) -> None:
    assert mine.status == known.status == "optimal"
    assert mine.design.architecture == known.design.architecture
    assert mine.design.layout == known.design.layout
    assert mine.design.tokens == pytest.approx(known.design.tokens, rel=1e-12)


@pytest.mark.parametrize("solver", ["exhaustive", "bound", "scipy"])
@pytest.mark.parametrize("name", TWINS)
def test_a_budget_of_it_is_that_of_its_twin(name: str, solver: str) -> None:
    mine, value, known, other = TWINS[name]
    free = solve(base({}), solver=solver)
    found = solve(base({mine: value}), solver=solver)
    same(found, solve(base({known: other}), solver=solver))
    assert found.design != free.design  # the budget binds
    (use,) = [use for use in found.budgets if use.name == name]
    assert use.used == float(found.design.exact[name])


@pytest.mark.parametrize("solver", ["exhaustive", "bound", "scipy"])
@pytest.mark.parametrize("name", ["carbon", "night_time", "lifetime_work"])
def test_least_of_it_is_least_of_its_twin(name: str, solver: str) -> None:
    known = TWINS[name][2].removeprefix("budgets.")
    asked = {"budgets.loss": 2.05}
    found = solve(base({"objective.minimize": name} | asked), solver=solver)
    same(found, solve(base({"objective.minimize": known} | asked), solver=solver))
    factor = {"carbon": float(KILOGRAMS)}.get(name, 2.0)
    assert found.design.exact[name] == pytest.approx(
        factor * float(found.design.exact[known]), rel=1e-12
    )


def test_an_inverse_is_sought_as_what_it_is_over() -> None:
    with pytest.raises(ProblemError, match="minimize prefill_latency: prompts_a_second is prompts"):
        base({"objective.minimize": "prompts_a_second"})
    most = rank(base({}), "prompts_a_second", top=3).best
    least = rank(base({}), "prefill_latency", top=3).best
    assert [d.architecture for d in most] == [d.architecture for d in least]


def test_what_it_needs_is_said() -> None:
    with pytest.raises(ProblemError, match="carbon needs an accelerator: write training"):
        Problem.load("phone-2gb", {"budgets.carbon": 1e5})
