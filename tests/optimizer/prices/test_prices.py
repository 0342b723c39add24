"""Prices of limits: re-solved changes, equivalent compute, the command and its figures."""

from __future__ import annotations

import csv
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.constraints import moved
from modelsizer.optimizer.prices.prices import PERCENTS, Price, Prices, curve, prices
from modelsizer.pictures.registry import draw
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import exact
from modelsizer.text.prices import curve_limits, prices_csv, tornado_rows, unit_of
from tests.support import fine_menus
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.random_problems import small
from tests.support.shared import reference

NAMES = ("one-h100-1e24", "least-memory-2.15", "fixed-2t-tokens")


@cache
def priced(name: str) -> Prices:
    return prices(Problem.load(name, fine_menus.FINE.get(name)))


def row(name: str, budget: str) -> Price:
    return priced(name).row(budget)


def run(*args: str, code: int = 0, columns: int = 80) -> str:
    answer = CliRunner().invoke(app, ["prices", *args], env={"COLUMNS": str(columns)})
    assert answer.exit_code == code, answer.output
    return answer.output


@pytest.mark.parametrize("name", NAMES)
def test_every_change_is_what_a_fresh_enumeration_finds(name: str) -> None:
    problem = Problem.load(name, fine_menus.FINE.get(name))
    for price in priced(name).rows:
        assert [c.percent for c in price.changes] == [-25, -10, -5, -1, 1, 5, 10, 25]
        for change in price.changes[::3]:
            assert change.limit == pytest.approx(
                float(price.constraint.limit) * (1 + change.percent / 100), rel=1e-9
            )
            again = solve(moved(problem, price.constraint.at(change.limit)), solver="exhaustive")
            assert again.objective.value == change.objective
            assert (change.status == "infeasible") == (change.objective is None)
            if again.design is not None:
                found = again.design.architecture
                assert (change.layers, change.d_model) == (found.layers, found.trunk.d_model)


def test_limits_are_whole_where_counted_and_exact_where_not() -> None:
    cache_ = row("one-h100-1e24", "kv_cache")
    assert cache_.at(1).limit == 17179869184 * 101 // 100
    assert row("one-h100-1e24", "training_flops").at(1).limit == 101 * 10**22
    loss = row("least-memory-2.15", "loss")
    assert exact(loss.at(1).limit) == exact(2.15) * 101 / 100


SEEDS = (0, 12, 20)


@pytest.mark.parametrize(
    "seed",
    [*SEEDS, *(pytest.param(s, marks=pytest.mark.slow) for s in range(26) if s not in SEEDS)],
)
def test_looser_is_never_worse_and_tighter_never_better(seed: int) -> None:
    found = prices(small(seed))
    sign = -1 if found.result.objective.sense == "maximize" else 1
    for price in found.rows:
        assert price.stays is not None and price.stays.holds(price.constraint.limit)
        for change in price.changes:
            if change.change is None or price.constraint.equality:
                continue
            looser = (change.percent > 0) == (price.constraint.side == "max")
            assert sign * change.change <= 0 if looser else sign * change.change >= 0


def test_a_slack_limit_has_no_price_and_says_how_far_it_may_shrink() -> None:
    price = row("one-h100-1e24", "kv_cache")
    assert not price.binding and price.multiplier == 0
    assert all(change.change == 0 for change in price.changes)
    design = priced("one-h100-1e24").result.best  # 16 sequences of 8192, 2 x 128 values of 2 bytes
    assert price.same_until == price.stays.start == design.architecture.layers * 16 * 8192 * 512
    tokens = row("one-h100-1e24", "training.tokens")
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100)
    for limit, same in ((tokens.same_until, True), (tokens.same_until * 0.99, False)):
        again = solve(problem.with_settings({"training.tokens": {"max": limit}}))
        assert (again.best.loss == priced("one-h100-1e24").result.best.loss) == same


def test_worth_is_the_compute_of_the_same_loss() -> None:
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100)
    memory = row("one-h100-1e24", "serving_memory")
    for change in memory.changes:
        assert change.worth is not None
        flops = round(1e24 * (1 + change.worth / 100))
        again = solve(problem.with_settings({"budgets.training_flops": flops}))
        assert again.best.loss == pytest.approx(change.objective, abs=2e-10)
    for change in row("one-h100-1e24", "training_flops").changes:
        assert change.worth == pytest.approx(change.percent, abs=1e-5)


def test_worth_is_of_no_use_where_compute_does_not_limit_the_tokens() -> None:
    for name in ("fixed-2t-tokens", "least-memory-2.15"):
        assert all(c.worth is None for price in priced(name).rows for c in price.changes)


def test_binding_limits_come_first_then_those_worth_most() -> None:
    for name in NAMES:
        rows = priced(name).rows
        assert [r.binding for r in rows] == sorted((r.binding for r in rows), reverse=True)
    assert [r.constraint.name for r in priced("one-h100-1e24").rows][:2] == [
        "training_flops", "serving_memory",
    ]  # fmt: skip


def test_fixed_tokens_move_as_one() -> None:
    price = row("fixed-2t-tokens", "training.tokens")
    assert price.constraint.equality and len(priced("fixed-2t-tokens").rows) == 2
    problem = Problem.load(
        "fixed-2t-tokens", fine_menus.FIXED_2T | {"training.tokens": price.at(10).limit}
    )
    assert solve(problem).best.loss == price.at(10).objective
    assert price.multiplier is not None and price.multiplier > 0  # more tokens, smaller models


def test_a_limit_that_would_contradict_another_leaves_nothing() -> None:
    problem = Problem.load(
        "one-h100-1e24", fine_menus.ONE_H100 | {"training.tokens": {"min": 3.6e12, "max": 4e12}}
    )
    found = prices(problem, budgets=["training.tokens"])
    low = next(r for r in found.rows if r.constraint.side == "min")
    high = next(r for r in found.rows if r.constraint.side == "max")
    assert low.at(25).status == high.at(-25).status == "infeasible"
    assert low.at(25).objective is None and low.at(-25).objective is not None


def test_an_unknown_budget_is_named_with_what_there_is() -> None:
    with pytest.raises(ArgumentError, match=r"kv_cach.*did you mean.*kv_cache"):
        prices(Problem.load("one-h100-1e24", fine_menus.ONE_H100), budgets=["kv_cach"])


def test_json_keeps_the_contract() -> None:
    known = reference("known_optima") / "one-accelerator.toml"
    content = json.loads(run(str(known), "--json", "-"))
    assert len(content["budgets"]) == 4
    for budget in content["budgets"]:
        assert {
            "name",
            "limit",
            "used",
            "binding",
            "changes",
            "stays_optimal",
            "multiplier",
        } <= set(budget)
        assert len(budget["changes"]) == 2 * len(PERCENTS)
        for change in budget["changes"]:
            assert {"limit", "objective", "change", "percent", "status"} <= set(change)
    assert content["relaxation"]["is_bound"] is False


def test_the_report_fits_80_columns_and_says_what_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "modelsizer.optimizer.prices.prices.prices", lambda problem, **_: known[problem.name]
    )
    known = {priced(name).result.problem.name: priced(name) for name in NAMES[:2]}
    for name in NAMES[:2]:
        text = run(name)
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
        assert "…" not in text
    text = run("one-h100-1e24")
    assert "estimate, not a bound" in text and "GiB" in text
    memory = next(t for t in text.splitlines() if "below" in t and "serving_memory" in t)
    assert "79.81 GB" in memory and "80.06 GB" in memory


def test_csv_has_a_line_for_each_change(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    run("one-h100-1e24", "--budget", "serving_memory", "--csv", str(path))
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert len(lines) == 2 * len(PERCENTS)
    assert [int(line["limit"]) for line in lines[3:5]] == [79_200_000_000, 80_800_000_000]
    assert prices_csv(priced("least-memory-2.15")).count("infeasible,,,,") == 2


def test_infeasible_problems_point_to_explain() -> None:
    text = run("one-h100-1e24", "--set", "budgets.serving_memory=1 GB", code=1)
    assert "modelsizer explain one-h100-1e24" in " ".join(text.split())
    found = run("one-h100-1e24", "--set", "budgets.serving_memory=1 B", "--json", "-", code=1)
    assert json.loads(found)["status"] == "infeasible" and json.loads(found)["budgets"] == []


def test_bad_input_is_told() -> None:
    for args in (("--plot", "a.txt"), ("--csv", "a.txt"), ("--solver", "none"), ("--budget", "x")):
        assert run("one-h100-1e24", *args, code=2)


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_pictures(size: str) -> None:
    found = priced("one-h100-1e24")
    every: Any = draw("tornado", found, title="x", size=size)
    check(every)
    assert len(every.axes[0].get_yticklabels()) == len(found.rows)
    one: Any = draw("price_curve", (found, "serving_memory", "auto"), title="x", size=size)
    check(one)
    assert [80e9] in [list(line.get_xdata()) for line in one.axes[0].lines]  # today is marked


def test_rows_of_the_tornado_are_the_changes_of_a_tenth() -> None:
    found = priced("least-memory-2.15")
    for price, (label, low, high, low_text, _) in zip(found.rows, tornado_rows(found), strict=True):
        assert (low, high) == (price.at(-10).objective, price.at(10).objective)
        assert label and low_text
    problem = Problem.load(
        "one-h100-1e24", fine_menus.ONE_H100 | {"training.tokens": {"min": 1e12, "max": 15e12}}
    )
    both = prices(problem, budgets=["training.tokens"])
    labels = [label for label, *_ in tornado_rows(both)]
    assert {"training tokens, most", "training tokens, least"} <= set(labels)


def test_the_curve_meets_today_and_the_edges_of_the_design() -> None:
    price = row("one-h100-1e24", "serving_memory")
    limits = curve_limits(price)
    assert {price.constraint.limit, price.stays.start, price.stays.end} <= set(limits)
    points = dict(
        curve(Problem.load("one-h100-1e24", fine_menus.ONE_H100), price.constraint, limits)
    )
    today = priced("one-h100-1e24").result.best.loss
    assert points[price.constraint.limit] == points[price.stays.start] == today  # type: ignore[index]
    assert points[price.stays.end] < today  # type: ignore[index]
    impossible = curve(
        Problem.load("one-h100-1e24", fine_menus.ONE_H100), price.constraint, [10**6]
    )
    assert math.isnan(impossible[0][1])


def test_every_dimension_has_a_unit_for_people() -> None:
    price = row("one-h100-1e24", "kv_cache")
    assert unit_of(price).name == "GiB" and unit_of(price).size == 2**30
    assert unit_of(row("one-h100-1e24", "training_flops")).size == 10**23
    from modelsizer.text import prices as prices_report

    for quantity in QUANTITIES.values():
        assert quantity.dimension in prices_report._UNITS


def test_a_limit_that_sets_what_experts_count_has_no_slope_and_no_limit_of_the_same_answer() -> (
    None
):
    experts = {"routed": 64, "active": 4, "granularity": 4}
    tables = {
        "space": {"layers": 8, "d_model": 512, "vocab_size": 32000, "experts": experts},
        "training": {"tokens": {"max": 1e11}},
        "budgets": {"training_flops": 1e21},  # some 5e19 are used
        "objective": {"minimize": "loss", "leverage_flops": "budget"},
    }
    found = prices(Problem.from_tables(tables))
    flops, tokens = found.row("training_flops"), found.row("training.tokens")
    assert flops.used < 1e20 and flops.at(-10).change and flops.at(-10).change > 0
    assert flops.same_until == flops.constraint.limit
    assert flops.multiplier is None and tokens.multiplier
