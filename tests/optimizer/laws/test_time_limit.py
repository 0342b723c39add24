"""A comparison of laws, and an answer under draws, that a time limit ends claim nothing unproven."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.optimizer.laws.comparison import LawComparison, compare_laws
from modelsizer.optimizer.laws.curves import LawCurve, law_curves
from modelsizer.optimizer.laws.drawn_answer import uncertainty
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from tests.support.clocks import SECONDS, runs_out_after

PROBLEM = Problem.load("phone-2gb")
LAWS = ["besiroglu-2024", "hoffmann-2022", "muennighoff-2023"]
LOOKS = (0, 1, 2, 4, 6, 9, 12, 20, 40, 80, 100_000)
SETTING = NumericSetting.of(PROBLEM, "budgets.training_flops")
VALUES = SETTING.between(10**20, 10**22, 3)


@cache
def whole() -> LawComparison:
    return compare_laws(PROBLEM, LAWS)


@cache
def curves() -> tuple[LawCurve, ...]:
    return law_curves(PROBLEM, SETTING, VALUES, LAWS)


@pytest.mark.parametrize("looks", LOOKS)
def test_a_comparison_in_part(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    all_ = whole()
    runs_out_after(looks, monkeypatch)
    part = compare_laws(PROBLEM, LAWS, time_limit=SECONDS)
    assert part.complete == (part.stop == "proven")
    assert part.complete or looks < 100_000
    assert [law.name for law in part.laws] == [law.name for law in all_.laws]
    for mine, theirs in zip(part.laws, all_.laws, strict=True):
        assert mine.optimum in (None, theirs.optimum)
        assert mine.status in ("limit", theirs.status)
        assert mine.regrets in ({}, theirs.regrets)
        assert not part.complete or mine.regrets == theirs.regrets
    assert part.no_law_hates in (None, all_.no_law_hates)
    assert not part.complete or part.no_law_hates == all_.no_law_hates


@pytest.mark.parametrize("looks", [0, 1, 4, 8, 16, 100_000])
def test_curves_in_part(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    all_ = curves()
    runs_out_after(looks, monkeypatch)
    part = law_curves(PROBLEM, SETTING, VALUES, LAWS, time_limit=SECONDS)
    for mine, theirs in zip(part, all_, strict=True):
        assert all(point in theirs.points for point in mine.points)
        assert mine.points == theirs.points if mine.complete else len(mine.points) < len(VALUES)
    assert all(curve.complete for curve in part) or looks < 100_000
    assert looks or not any(curve.complete for curve in part)


def test_the_command_marks_what_is_not_proven(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    args = ["compare-laws", "phone-2gb", "--laws", ",".join(LAWS), "--over",
            "budgets.training_flops", "--time-limit", "0", "--json", str(path)]  # fmt: skip
    answer = CliRunner().invoke(app, args)
    assert answer.exit_code == 3
    text = " ".join(answer.output.split())
    assert "Not complete: the time limit was reached before all was proven" in text
    assert "not proven" in text and "no design" not in text
    found = json.loads(path.read_text())
    assert (found["complete"], found["stop"]) == (False, "time")
    assert not any(curve["complete"] for curve in found["frontier"]["laws"])


@pytest.mark.parametrize("looks", [0, 1, 2, 3, 4, 5, 100_000])
def test_draws_are_all_or_nothing(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.load("phone-2gb", {"objective.law": "file:docs/mylaw.toml"})
    all_ = uncertainty(problem, 5).found
    assert all_ is not None
    runs_out_after(looks, monkeypatch)
    part = uncertainty(problem, 5, time_limit=SECONDS)
    assert part.complete == (part.found is not None)
    assert part.complete or (part.stop == "time" and looks < 100_000)
    if part.found is None:
        assert part.to_dict()["status"] == "limit"
    else:
        assert part.found.values == all_.values and part.found.certificate == all_.certificate


def test_the_command_of_draws_does_not_call_it_infeasible(monkeypatch: pytest.MonkeyPatch) -> None:
    args = ["uncertainty", "phone-2gb", "--law", "docs/mylaw.toml", "--draws", "5"]
    answer = CliRunner().invoke(app, [*args, "--time-limit", "0"])
    assert answer.exit_code == 3
    assert "Not complete: the time limit was reached before the answer was known" in answer.output
