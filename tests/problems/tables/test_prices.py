"""Prices of accelerators: read and written, and whose price an hour is."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, ProblemError, evaluate, load_architecture

OWN = {"name": "next year's", "memory": "256 GB", "bandwidth": "10 TB/s", "bf16_flops": 4e15}
TABLES: dict[str, Any] = {
    "space": {"layers": [16, 32], "d_model": [2048, 4096], "vocab_size": 32000},
    "training": {"accelerator": "H100-SXM", "accelerators": 64},
    "serving": {"accelerator": "A100-80GB-SXM", "batch_size": 32},
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.8},
    "prices": {"H100-SXM": "2.5 USD", "a100 80gb sxm": 1.25},
    "budgets": {"training_flops": 1e22},
}
LLAMA = load_architecture("llama-3-8b")


def costs(tables: dict[str, Any], **settings: Any) -> dict[str, float]:
    found = evaluate(Problem.from_tables(tables).with_settings(settings), LLAMA)
    names = ("training_cost", "lifetime_cost", "serving_cost")
    return {name: found.quantity(name) for name in names if name in found.exact}


def test_prices_of_a_table_are_those_of_the_tables_themselves() -> None:
    apart = {k: v for k, v in TABLES.items() if k != "prices"}
    given = {"training.price_per_hour": 2.5, "lifetime.price_per_hour": 1.25}
    assert costs(TABLES) == costs(apart, **given)
    assert len(costs(TABLES)) == 3
    own = costs(TABLES, **{"training.price_per_hour": 5, "lifetime.price_per_hour": 2.5})
    for name, cost in costs(TABLES).items():
        assert own[name] == pytest.approx(2 * cost, rel=1e-15), name


def test_the_table_stands_for_no_accelerator_that_it_lacks() -> None:
    some = TABLES | {"prices": {"H100-SXM": 2.5}}
    assert costs(some).keys() == {"training_cost"}
    problem = Problem.from_tables(some)
    wanted = "a price: write [prices] A100-80GB-SXM = 2.5, in dollars an hour of one, or lifetime"
    for name in ("serving_cost", "lifetime_cost"):
        assert wanted in problem.lacks(name)
        with pytest.raises(ProblemError, match=r"needs a price: write \[prices\] A100-80GB-SXM"):
            problem.with_settings({f"budgets.{name}": 1e6})


def test_an_accelerator_on_offer_is_not_left_out_for_want_of_a_price() -> None:
    offered = TABLES | {"training": {"accelerator": ["H100-SXM", "H200-SXM"], "accelerators": 64}}
    assert Problem.from_tables(offered).menus  # nothing asks for a price
    for quantity in ("training_cost", "lifetime_cost"):
        with pytest.raises(ProblemError, match=r"write \[prices\] H200-SXM = 2.5") as error:
            Problem.from_tables(offered | {"budgets": {quantity: 1e6}})
        assert error.value.faults[0].key == f"budgets.{quantity}"
    priced = offered | {"prices": TABLES["prices"] | {"H200-SXM": 3}}
    assert len(Problem.from_tables(priced | {"budgets": {"training_cost": 1e6}}).setups) == 2


def test_names_are_found_however_they_are_written() -> None:
    problem = Problem.from_tables(TABLES)
    assert problem.to_dict()["prices"] == {"H100-SXM": 2.5, "A100-80GB-SXM": 1.25}
    assert Problem.parse(problem.to_toml()) == problem
    text = problem.to_toml().replace("H100-SXM = 2.5", '"h100 sxm" = "2.5 USD"')
    loaded = Problem.parse(text, settings={"prices.H100-sxm": "4 USD"})
    assert loaded.prices.given == (("A100-80GB-SXM", 1.25), ("H100-SXM", 4))
    assert hash(loaded.settings.prices) != hash(problem.settings.prices)
    named = problem.with_settings({"scenarios": {"dear": {"prices": {"H100-SXM": 7}}}})
    assert dict(named.scenario("dear").prices.given)["H100-SXM"] == 7


def test_a_custom_accelerator_has_the_price_of_its_name() -> None:
    for name in ("next year's", "v5.1"):
        own = OWN | {"name": name}
        tables = TABLES | {"serving": {"custom_accelerator": own}}
        tables["prices"] = {"H100-SXM": 2.5, name: 3}
        problem = Problem.from_tables(tables)
        assert evaluate(problem, LLAMA).quantity("serving_cost") > 0
        assert Problem.parse(problem.to_toml()) == problem
        moved = problem.with_settings({f"prices.{name}": 6})
        assert dict(moved.prices.given) == {"H100-SXM": 2.5, name: 6}
        lacking = Problem.from_tables(tables | {"prices": {"H100-SXM": 2}})
        quoted = f'"{name}"'
        assert f"write [prices] {quoted} = 2.5" in lacking.lacks("serving_cost")


WRONG: list[tuple[Any, str, str]] = [
    ({"H10-SXM": 2.5}, "prices.H10-SXM", "did you mean H100-SXM"),
    ({"next year's": 2.5}, "prices.next year's", "unknown accelerator"),
    ({"H100-SXM": 0}, "prices.H100-SXM", "must be above 0"),
    ({"H100-SXM": -1}, "prices.H100-SXM", "must be above 0"),
    ({"H100-SXM": "2.5 EUR"}, "prices.H100-SXM", "is not a unit of dollars"),
    ({"H100-SXM": 1, "h100sxm": 2}, "prices.h100sxm", "is H100-SXM, whose price is given too"),
    ({"H100-SXM": True}, "prices.H100-SXM", "True"),
    ({"": 1}, "prices", "is not the name of an accelerator"),
    (2.5, "prices", r"is not a table; write \[prices\]"),
    ([2.5], "prices", "is not a table"),
]


@pytest.mark.parametrize(("prices", "key", "message"), WRONG)
def test_wrong_prices_are_refused(prices: Any, key: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message) as error:
        Problem.from_tables(TABLES | {"prices": prices})
    assert error.value.faults[0].key == key
