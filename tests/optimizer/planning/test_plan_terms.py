"""`modelsizer plan-runs` for user-defined laws: varied choices, coefficients, errors and output."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.planning.best_size import log_best_size, size_slope
from modelsizer.optimizer.planning.candidates import candidates
from modelsizer.optimizer.planning.family import Family
from modelsizer.optimizer.planning.information import Linearised, Question, of_weights
from modelsizer.optimizer.planning.law_point import LawPoint, of_file, of_law
from modelsizer.optimizer.planning.plan import Plan, PlanOptions
from modelsizer.optimizer.planning.planner import best_plan
from modelsizer.optimizer.planning.target import Target, optimum
from modelsizer.plots.laws.run_plan import run_plan
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.errors import ModelsizerError, ProblemError
from modelsizer.problems.laws.files import LawFile, law_text, term_values
from modelsizer.problems.laws.laws import DesignLaw, PowerTerm, Range
from modelsizer.problems.laws.reading import load_law
from modelsizer.problems.problem import Problem
from tests.support import fine_menus
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.shared import ROOT

DOCS = ROOT / "docs"
MYLAW = load_law(DOCS / "mylaw.toml")
EXERCISE = Problem.load("exercise-1e24", fine_menus.EXERCISE)
WIDE = "space.ffn_ratio=[1,2,2.6667,4,8]"
SIZE_AND_DATA = (
    PowerTerm(480.0, {"parameters": -0.35}, "A"),
    PowerTerm(2000.0, {"tokens": -0.36}, "B"),
)


def law_of(*terms: PowerTerm, fixed: tuple[str, ...] = ()) -> LawFile:
    every = (*SIZE_AND_DATA, *terms)
    return LawFile("x", "terms", term_values(1.8, every), terms=every, fixed=fixed)


def point_of(*terms: PowerTerm, fixed: tuple[str, ...] = ()) -> LawPoint:
    return of_file(law_of(*terms, fixed=fixed))


@cache
def target_of() -> Target:
    found = optimum(EXERCISE)
    assert found is not None
    return found


@cache
def planned() -> Plan:
    """The plan for docs/mylaw.toml, with few draws so that it is quick."""
    problem = EXERCISE.with_settings({"space.ffn_ratio": [1, 2, 2.6667, 4, 8]})
    name = f"file:{DOCS / 'mylaw.toml'}"
    target = optimum(problem.with_settings({"objective.law": name}))
    assert target is not None
    return best_plan(problem, of_file(MYLAW, 4), target, PlanOptions(1e21, 36))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["plan-runs", *arguments], env={"COLUMNS": "80"})


def slopes_of(point: LawPoint, columns: Any) -> Array:
    """Slopes of ln loss along ln of each free coefficient, by finite differences."""
    law, found = point.form, []
    for name in law.free:
        step = np.zeros(len(point.values))
        step[law.position(name)] = 1e-6 * point.values[law.position(name)]
        up, down = (np.log(law.loss(point.values + s, columns)) for s in (step, -step))
        found.append((up - down) / 2e-6)
    return np.array(found).T


# What is known of the coefficients


@pytest.mark.slow
def test_variances_are_those_of_least_squares_of_what_is_free() -> None:
    plan = planned()
    point, runs = plan.point, plan.runs.columns
    assert set(point.form.fixed) == {"R.ffn_ratio", "S.ffn_ratio"}
    g, c = slopes_of(point, runs), slopes_of(point, plan.target.columns)[0]
    covariance = point.noise**2 * np.linalg.inv(g.T @ g)
    assert plan.prediction.sd == pytest.approx(np.sqrt(c @ covariance @ c), rel=1e-3)
    values = np.array([MYLAW.coefficients[name] for name in point.form.free])
    errors = [plan.prediction.standard_errors[name] for name in point.form.free]
    assert errors == pytest.approx(np.sqrt(np.diag(covariance)) * abs(values), rel=1e-3)
    assert set(plan.prediction.standard_errors) == set(point.form.free)


def test_held_coefficients_are_no_unknowns_and_less_is_known_without_them() -> None:
    term = PowerTerm(0.06, {"kv_heads": -0.6}, "Q")
    some = candidates(Family(EXERCISE, target_of().family, "total", point_of(term).seen),
                      largest=2e20)  # fmt: skip
    sds = []
    for fixed in ((), ("Q.kv_heads",), ("E", "Q.kv_heads")):
        point = point_of(term, fixed=fixed)
        linear = Linearised(point.form, point.draws, some.columns)
        rows = linear.rows(some.columns)
        assert rows.shape[2] == 7 - len(fixed)
        told = of_weights(rows, np.ones(len(some)))
        question = Question("target", rows, linear.rows(target_of().columns), 0 * told)
        sds.append(float(question.variances(told)[0, 0]))
        errors = np.diag(linear.covariance(told)[0])
        assert (errors[[point.form.position(name) for name in fixed]] == 0).all()
    assert sds[0] > sds[1] > sds[2]


def test_every_coefficient_is_told_by_the_plan_and_by_the_grid() -> None:
    plan = planned()
    assert plan.grid is not None
    assert plan.grid_prediction is not None
    for runs in (plan.runs, plan.grid.runs):
        g = slopes_of(plan.point, runs.columns)
        assert np.linalg.matrix_rank(g / np.linalg.norm(g, axis=0), tol=1e-6) == 9
    values = dict(zip(plan.point.form.coefficients, np.abs(plan.point.values), strict=True))
    for name, error in plan.prediction.standard_errors.items():
        assert error < values[name]


def test_the_plan_beats_the_grid_which_has_the_same_room_and_varies_the_same() -> None:
    plan = planned()
    grid = plan.grid
    assert grid is not None
    assert plan.bound <= plan.value < grid.value
    assert plan.gap < 0.02
    assert plan.grid_excess is not None
    assert plan.grid_excess > 0.3
    assert grid.tried > 500
    assert grid.pattern
    flops = grid.runs.flops.reshape(grid.budgets, grid.sizes)
    assert (np.ptp(flops, axis=1) / flops.max(axis=1)).max() < 0.01
    for runs in (plan.runs, grid.runs):
        assert runs.flops.sum() <= 1e21
        assert runs.flops.max() <= 0.25e21
        ratios = runs.columns["d_ff"] / runs.columns["width"]
        assert ratios.max() > 3 * ratios.min()
        assert len(set(runs.columns["kv_heads"])) > 2


def test_draws_with_negative_exponents_are_kept_and_those_of_another_sign_not() -> None:
    assert of_file(MYLAW, 16).draws.shape == (16, 11)
    at = MYLAW.names.index("Q.kv_heads")
    draws = [list(row) for row in MYLAW.draws[:5]]
    draws[1][at] *= -1
    draws[3][0] = 0.0  # no floor
    point = of_file(replace(MYLAW, draws=tuple(map(tuple, draws))))
    assert point.drawn
    assert point.draws == pytest.approx(np.array([draws[i] for i in (0, 2, 4)]))
    held = replace(MYLAW, fixed=(*MYLAW.fixed, "Q.kv_heads"), draws=tuple(map(tuple, draws)))
    assert len(of_file(held).draws) == 4  # a sign that is not learnt is no matter


# The best size


@pytest.mark.parametrize(
    "terms",
    [
        (PowerTerm(20.0, {"parameters": -0.3, "kv_heads": -0.4}, "Q"),),
        (PowerTerm(0.06, {"kv_heads": -0.6}, "Q"), PowerTerm(0.01, {"ffn_ratio": 0.5}, "R")),
    ],
)
def test_the_best_size_and_its_slopes(terms: tuple[PowerTerm, ...]) -> None:
    point, at = point_of(*terms), target_of().columns
    sizes = np.geomspace(1e8, 1e13, 40001)
    runs = {name: column * np.ones(len(sizes)) for name, column in at.items()}
    runs |= {"N": sizes, "D": 1e24 / 6 / sizes}
    best = log_best_size(point.form, point.values, np.log([1e24, 1e20]), at)
    assert best is not None
    assert best[0] == pytest.approx(
        np.log(sizes[point.form.loss(point.values, runs).argmin()]), abs=1e-3
    )
    assert best[1] < best[0]
    slope = size_slope(point.form, point.values, 1e24, at)
    assert slope is not None
    for i, found in enumerate(slope):
        step = np.zeros(len(slope))
        step[i] = 1e-6 * point.values[i]
        up, down = (
            log_best_size(point.form, point.values + s, np.log(1e24), at) for s in (step, -step)
        )
        assert up is not None
        assert down is not None
        assert found == pytest.approx(float(up - down) / (2 * step[i]), rel=1e-4, abs=1e-9)


def test_a_law_without_parameters_grows_in_its_widths_and_one_without_a_least_has_none() -> None:
    terms = (PowerTerm(30.0, {"d_model": -0.6}, "W"), SIZE_AND_DATA[1])
    wide = of_file(LawFile("x", "terms", term_values(1.8, terms), terms=terms))
    at = target_of().columns
    sizes = np.geomspace(1e8, 1e13, 40001)
    width = at["width"] * (sizes / at["N"]) ** (1 / 3)
    runs = {"N": sizes, "D": 1e24 / 6 / sizes, "width": width}
    best = log_best_size(wide.form, wide.values, np.log(1e24), at)
    assert best is not None
    least = sizes[wide.form.loss(wide.values, runs).argmin()]
    assert float(best) == pytest.approx(np.log(least), abs=1e-3)
    terms = (SIZE_AND_DATA[1], PowerTerm(0.06, {"kv_heads": -0.6}, "Q"))
    flat = of_file(LawFile("x", "terms", term_values(1.8, terms), terms=terms))
    assert log_best_size(flat.form, flat.values, np.log(1e24), at) is None
    plan = best_plan(EXERCISE, flat, target_of(), PlanOptions(1e21, 12))
    assert plan.prediction.best_size_sd is None
    assert plan.grid is not None  # its sizes are then in the middle of what is allowed


# What is refused


def refused(point: LawPoint, problem: Problem = EXERCISE) -> str:
    with pytest.raises(ModelsizerError) as error:
        best_plan(problem, point, target_of(), PlanOptions(1e21, 36))
    return str(error.value)


def test_a_feature_that_no_candidate_varies_is_refused_by_name() -> None:
    vocabulary = PowerTerm(1.0, {"vocab_size": -0.2}, "V")
    words = refused(point_of(vocabulary))
    assert "space.vocab_size: E, V, V.vocab_size of x cannot be learnt" in words
    assert "vocab_size is 128256 in every run that could be made" in words
    held = point_of(vocabulary, fixed=("V", "V.vocab_size"))
    assert best_plan(EXERCISE, held, target_of(), PlanOptions(1e21, 12)).prediction.sd > 0
    open_ = EXERCISE.with_settings({"space.vocab_size": [32000, 64000, 128256]})
    plan = best_plan(open_, point_of(vocabulary), target_of(), PlanOptions(1e21, 24))
    assert len(set(plan.runs.columns["vocab_size"])) == 3


def test_a_feature_of_too_few_values_and_terms_alike_are_refused_by_name() -> None:
    words = refused(point_of(PowerTerm(0.3, {"head_dim": -0.4}, "H")))
    assert "space.head_dim: E, H, H.head_dim of x cannot be learnt" in words
    assert "head_dim is 64 or 128 in every run" in words
    twice = [PowerTerm(0.06, {"kv_heads": -0.6}, name) for name in ("P", "Q")]
    words = refused(point_of(*twice))
    assert "cannot tell the coefficients of x apart: P, P.kv_heads, Q, Q.kv_heads" in words
    assert "law.fixed" in words


def test_laws_that_cannot_be_fitted_are_refused() -> None:
    rising = law_of(PowerTerm(-0.02, {"kv_heads": 0.1}, "Q"))
    with pytest.raises(ProblemError, match=r"law\.terms\.Q\.coefficient: -0\.02 is not positive"):
        of_file(rising)
    with pytest.raises(ProblemError, match=r"laws\.x\.terms\.Q\.coefficient"):
        of_law(rising.law)

    class Bowl(DesignLaw):
        name, features = "bowl", ("ffn_ratio",)

        def loss_of(self, n: Any, d: Any, features: Any) -> Any:
            return 1.8 + 480 / n**0.35 + 2000 / d**0.37 + 0.01 * features["ffn_ratio"]

        def least_of(self, n: Any, d: Any, low: Any, high: Any) -> Any:
            return self.loss_of(n[1], d, low)

    with pytest.raises(ProblemError, match="'bowl': its form is its own, and only coefficients"):
        of_law(Bowl())
    with pytest.raises(ProblemError, match="cannot be planned for 'x': its E is 0"):
        of_file(replace(law_of(), coefficients=term_values(0.0, SIZE_AND_DATA)))


# The command


def test_the_law_is_the_problems_and_its_own_optimum_is_the_target(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    lines = [
        "[objective]", 'law = "mine"', "[laws.mine]", "E = 1.8", "terms = [",
        '{name = "A", coefficient = 480.0, parameters = -0.35},',
        '{name = "B", coefficient = 2000.0, tokens = -0.36},',
        "{coefficient = 0.06, kv_heads = -0.6}]",
    ]  # fmt: skip
    listed = EXERCISE.with_settings({"space.kv_heads": [1, 2, 4, 8, 16]}).to_toml()
    problem = listed.split("[objective]")[0]
    path.write_text(problem + "\n".join(lines) + "\n")
    law = tmp_path / "law.toml"
    term = PowerTerm(0.06, {"kv_heads": -0.6}, "3")
    law.write_text(law_text(replace(law_of(term), name="mine", parameter_range=Range())))
    ask = ("--budget", "1e21", "--runs", "16", "--json", "-")
    own = json.loads(run(str(path), *ask).stdout)
    assert own["form"] == "mine"
    best = optimum(Problem.load(str(path)))
    assert best is not None
    assert own["target"]["parameters"] == best.n
    path.write_text(problem)
    filed = json.loads(run(str(path), *ask, "--law", str(law)).stdout)
    assert filed["runs"] == own["runs"]
    assert filed["target"] == own["target"]


def test_the_table_csv_and_configs_hold_what_varies(tmp_path: Path) -> None:
    table, folder = tmp_path / "plan.csv", tmp_path / "configs"
    found = run(
        "exercise-1e24", "--budget", "1e21", "--runs", "24", "--draws", "2", "--law",
        str(DOCS / "mylaw.toml"), "--set", WIDE, "--csv", str(table), "--export-dir", str(folder),
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "…" not in found.stdout
    head = next(line.split() for line in lines if line.startswith("run "))
    assert {"kv", "d_ff"} <= set(head)
    begin = next(i for i, line in enumerate(lines) if line.startswith("run "))
    rows = [line.split() for line in lines[begin + 1 : lines.index("", begin)]]
    assert len(rows) == 24
    assert len({row[head.index("kv")] for row in rows}) > 1
    said = " ".join(found.stdout.split())
    assert "standard error of Q.kv_heads = -0.6768" in said
    assert "R.ffn_ratio =" not in said  # it is held
    with table.open() as file:
        plans = list(csv.DictReader(file))
    configs = {
        (row["layers"], row["d_model"], row["kv_heads"], row["d_ff"]): int(row["parameters"])
        for row in plans
    }
    files = sorted(folder.iterdir())
    assert len(files) == len(configs)
    written = [count_parameters(load_architecture(str(path))).total for path in files]
    assert sorted(written) == sorted(configs.values())


def test_runs_already_made_count_in_what_they_vary(tmp_path: Path) -> None:
    ask = ("exercise-1e24", "--budget", "1e20", "--runs", "10", "--draws", "0", "--law",
           str(DOCS / "mylaw.toml"), "--json", "-")  # fmt: skip
    alone, more = run(*ask), run(*ask, "--have", str(DOCS / "runs.csv"))
    assert alone.exit_code == more.exit_code == 0, more.output
    first, second = json.loads(alone.stdout), json.loads(more.stdout)
    assert second["have"] == 72
    assert second["prediction"]["sd_ln_loss"] < first["prediction"]["sd_ln_loss"] / 3
    blind = tmp_path / "runs.csv"
    blind.write_text("N,D,loss\n1e9,2e10,2.5\n")
    found = run(*ask, "--have", str(blind))
    assert found.exit_code == 2
    assert "has no column for kv_heads" in found.output or "no column for d_ff" in found.output


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_the_picture_is_sound(size: str) -> None:
    figure = run_plan(planned(), title=EXERCISE.name, size=size)
    check(figure)
    *_, grid, runs = (np.asarray(c.get_offsets()) for c in figure.axes[0].collections)
    assert len(runs) == 36
    assert planned().grid is not None
    assert len(grid) == len(planned().grid.runs)  # type: ignore[union-attr]
