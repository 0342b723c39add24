"""Prices that a time limit ends are a part of all prices and claim nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.optimizer.prices.prices import Prices, curve, prices
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.text.prices import curve_limits, tornado_rows
from tests.support.clocks import SECONDS, runs_out_after
from tests.support.random_problems import small
from tests.support.shared import seeds

LOOKS = (0, 2, 6, 12, 24, 45, 80, 140)


@cache
def whole(seed: int) -> Prices:
    return prices(small(seed))


def check_part(part: Prices, all_: Prices) -> None:
    assert part.complete == (part.stop == "proven")
    if part.result.status != "optimal":
        assert not part.rows and part.result.status in ("limit", all_.result.status)
        return
    assert part.result.objective == all_.result.objective
    assert part.complete == all(not row.unfinished for row in part.rows)
    assert len(part.rows) == len(all_.rows)
    for row in part.rows:
        (known,) = [r for r in all_.rows if r.constraint == row.constraint]
        for mine, theirs in zip(row.changes, known.changes, strict=True):
            if mine.status == "limit":
                assert "changes" in row.unfinished and mine.objective is mine.change is None
            else:
                assert (mine.status, mine.objective) == (theirs.status, theirs.objective)
                assert (mine.layers, mine.d_model) == (theirs.layers, theirs.d_model)
                assert mine.worth in (None, theirs.worth)
        if "worth" not in row.unfinished:
            assert row.changes == known.changes
        for name in ("stays", "same_until", "multiplier"):
            value = getattr(row, name)
            part_name: Any = "stays_optimal" if name == "stays" else name
            if part_name in row.unfinished:
                assert value is None
            else:
                assert value == getattr(known, name)


@pytest.mark.parametrize("seed", seeds((1, 5, 8, 0, 2, 3, 9, 12), (0, 2, 3, 9, 12)))
def test_whenever_the_time_ends_what_is_said_is_true(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, all_, ended = small(seed), whole(seed), set()
    for looks in LOOKS:
        with monkeypatch.context() as patch:
            runs_out_after(looks, patch)
            part = prices(problem, time_limit=SECONDS)
        check_part(part, all_)
        ended |= {row.unfinished[:1] for row in part.rows}
        solved = [row for row in part.rows if "limit" not in {row.at(p).status for p in (-10, 10)}]
        assert len(tornado_rows(part)) == len(solved)
    assert ("changes",) in ended and len(ended) > 1


def test_a_curve_leaves_out_what_was_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.load("phone-2gb")
    row = prices(problem, budgets=["serving_memory"]).row("serving_memory")
    limits = curve_limits(row)
    points = curve(problem, row.constraint, limits)
    runs_out_after(10, monkeypatch)
    some = curve(problem, row.constraint, limits, time_limit=SECONDS)
    assert 0 < len(some) < len(points)
    assert some == [point for point in points if point in some]


def test_the_command_says_that_it_is_not_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    runner = CliRunner()
    args = ["prices", "phone-2gb", "--json", str(path), "--time-limit", str(SECONDS)]
    with monkeypatch.context() as patch:
        runs_out_after(30, patch)
        answer = runner.invoke(app, args)
    assert answer.exit_code == 3
    assert "Not complete: the time limit was reached" in answer.output
    found = json.loads(path.read_text())
    assert (found["complete"], found["stop"], found["status"]) == (False, "time", "optimal")
    assert found["budgets"][-1]["unfinished"][0] == "changes"
    picture = tmp_path / "a.png"
    late = ["prices", "phone-2gb", "--time-limit", "0", "--plot", str(picture)]
    monkeypatch.setattr(Clock, "out_of_time", property(lambda self: True))
    answer = runner.invoke(app, late)
    assert answer.exit_code == 3 and "No price is known" in answer.output
    assert not picture.exists()
