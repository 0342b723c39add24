"""Laws are drawn for every problem: along a limit, or by their optima."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, compare_laws, plots
from modelsizer.cli import app
from modelsizer.optimizer.laws.comparison import LawComparison
from modelsizer.optimizer.laws.curves import law_curves, swept_limit
from modelsizer.pictures.laws import along_a_limit
from tests.support.covered import covered
from tests.support.figure_checks import check

LAWS = ("besiroglu-2024", "hoffmann-2022", "kaplan-2020")


@cache
def found() -> LawComparison:
    return compare_laws(Problem.load("phone-2gb"), LAWS)


@pytest.mark.parametrize("size", ["wide", "column"])
def test_each_law_has_a_row_and_its_own_mark(size: str) -> None:
    figure = plots.law_optima(found(), title="A phone", size=size)
    check(figure)
    assert not covered(figure)
    axes = figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(rows) == sorted(LAWS)
    own = {law.name: law.optimum for law in found().laws}
    marks = {}
    for line in axes.lines:
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):  # type: ignore[arg-type]
            if line.get_marker() != "None":
                marks[rows[round(y)]] = (x, line.get_marker())
    for name, best in own.items():
        assert best is not None and marks[name][0] == best.parameters.total
        (text,) = [t for t in axes.texts if t.xy[1] == rows.index(name)]  # type: ignore[attr-defined]
        assert f"{best.architecture.layers} x {best.architecture.trunk.d_model}" in text.get_text()
    assert len({mark for _, mark in marks.values()}) == len(LAWS)


def test_no_design() -> None:
    none = replace(found(), laws=tuple(replace(law, design=None) for law in found().laws))
    with pytest.raises(ValueError, match="no law has a design"):
        plots.law_optima(none)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("one-h100-1e24", "budgets.training_flops"),
        ("h100-cluster-90-days", "budgets.training_time"),
        ("million-dollars", "budgets.training_time"),
        ("dense-or-experts", "budgets.serving_memory"),
        ("served-10t-tokens", "budgets.tokens"),
    ],
)
def test_the_limit_that_is_swept(name: str, limit: str) -> None:
    setting = swept_limit(Problem.load(name))
    assert setting is not None and setting.over == limit


def test_what_is_drawn() -> None:
    problem = found().problem
    setting = swept_limit(problem)
    assert setting is not None
    curves = law_curves(problem, setting, (10**21, 10**22), LAWS[:2])
    assert along_a_limit(curves)
    assert not along_a_limit(curves[:0])
    free = problem.without(*(f"budgets.{name}" for name in problem.budgets.limits))
    assert swept_limit(free) is None


def test_a_budget_of_time_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    words = ["compare-laws", "h100-cluster-90-days", "--laws", ",".join(LAWS[:2])]
    answer = CliRunner().invoke(app, [*words, "--points", "3", "--plot", str(path)])
    assert answer.exit_code == 0, answer.stderr
    assert ">training time<" in path.read_text()
