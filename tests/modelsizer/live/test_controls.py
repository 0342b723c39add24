"""Controls of problems, and their stops."""

from __future__ import annotations

import pytest

from modelsizer import Problem, solve
from modelsizer.live.control import Control
from modelsizer.live.controls import controls, limit_controls
from modelsizer.live.stops import amount_text, around, place
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.result import Result
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.key_values import read_value
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import library
from modelsizer.problems.units import parse_quantity

SOME = ("one-h100-1e24", "fixed-2t-tokens", "eight-h100-128k")
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in library() if name not in SOME]


def of(name: str) -> tuple[Problem, dict[str, Control]]:
    problem = Problem.load(name)
    unsolved = Result.unsolved(problem, "auto", "time")
    return problem, {control.key: control for control in controls(problem, unsolved)}


@pytest.mark.parametrize("name", [*SOME, *OTHERS])
def test_stops_of_limits_are_read_by_the_file_and_hold_its_own(name: str) -> None:
    problem = Problem.load(name)
    for control in limit_controls(problem):
        assert control.at is not None
        numbers = [stop.number for stop in control.stops]
        assert numbers == sorted(set(numbers))
        for stop in (control.stops[0], control.stops[control.at], control.stops[-1]):
            changed = problem.with_settings({control.key: stop.value})
            found = {f"{c.key}": c for c in limit_controls(changed)}[control.key]
            assert found.at is not None
            assert found.stops[found.at].number == stop.number
        own = control.stops[control.at]
        if control.given:
            assert problem.with_settings({control.key: own.value}) == problem


@pytest.mark.parametrize("name", [*SOME, *OTHERS])
def test_keys_are_unique_and_settings_are_taken(name: str) -> None:
    problem, found = of(name)
    assert len(found) == len(controls(problem, Result.unsolved(problem, "auto", "time")))
    refused = 0
    for control in found.values():
        if control.group in ("training", "serving") and control.at is not None:
            try:
                problem.with_settings({control.key: control.stops[control.at].value})
            except ProblemError:
                refused += 1
    assert refused <= 2  # what another setting excludes


def test_every_budget_is_there_once() -> None:
    for name in SOME:
        _, found = of(name)
        for quantity in QUANTITIES:
            keys = [k for k in found if k.startswith(f"budgets.{quantity}") and "." in k]
            keys = [k for k in keys if k.split(".")[1] == quantity]
            assert len(keys) >= 1 or quantity == "tokens"


def test_limits_that_are_not_given_stand_around_what_is_used() -> None:
    problem = Problem.load("one-h100-1e24")
    found = {c.key: c for c in controls(problem, solve(problem))}
    layers = found["budgets.layers"]
    assert (layers.given, layers.at, layers.kind) == (False, None, "slider")
    assert layers.stops[0].number < 58 < layers.stops[-1].number  # type: ignore[operator]
    assert found["budgets.decode_latency"].needs.startswith("decode_latency needs an accelerator")


def test_moved_controls_say_where_they_stand() -> None:
    _, found = of("one-h100-1e24")
    cache = found["budgets.kv_cache"]
    assert cache.text == "16 GiB"
    assert cache.moved("20 GB", 20 * 10**9)["text"] == "20 GB"
    between = cache.moved(20_500_000_000, 20_500_000_000)
    assert isinstance(between["at"], float)
    assert between["text"] == "20.5 GB"
    weights = found["serving.weight_bytes"]
    assert weights.moved(1, 1) == {"at": 2, "text": "1"}


def test_amounts_are_read_back() -> None:
    for number, dimension in ((17179869184, "bytes"), (10**24, "FLOPs"), (5184000, "seconds"),
                              (15 * 10**12, "tokens"), (2.03, "nats"), (123456789, "bytes"),
                              (0.03, "seconds"), (999, "count"), (1234567, "count")):  # fmt: skip
        assert parse_quantity(amount_text(number, dimension), dimension) == number
    assert amount_text(24 * 2**30, "bytes") == "24 GiB"
    days = around(60 * 86400, "seconds", whole=False)
    assert all(day % 720 == 0 for day in days if day > 86400)


def test_places_lie_between_stops() -> None:
    _, found = of("one-h100-1e24")
    stops = found["budgets.training_flops"].stops
    assert place(stops[3].number or 0, stops) == 3
    assert place(1, stops) == 0
    assert place(10**40, stops) == len(stops) - 1
    assert 3 < (place(float(stops[3].number or 0) * 1.01, stops) or 0) < 4


@pytest.mark.parametrize(
    "value",
    ["80 GB", "1", "true", "[1]", ' padded "', [1, "a b"], {"min": 1, "max": 2.5}, True, 1e24, 3],
)
def test_typed_values_are_read_again(value: object) -> None:
    assert read_value(typed(value)) == value


def test_amounts_of_an_accelerator_of_the_file_have_their_units() -> None:
    table = {"name": "own", "memory": "80 GB", "bandwidth": 3.35e12, "bf16_flops": 1e15}
    problem = Problem.load("phone-2gb", {"serving.custom_accelerator": table})
    found = {c.key: c for c in controls(problem, Result.unsolved(problem, "auto", "time"))}
    texts = [found[f"serving.custom_accelerator.{key}"].text for key in table]
    assert texts == ["own", "80 GB", "3.35 TB/s", "1 PFLOP/s"]
