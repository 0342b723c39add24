"""`modelsizer plan-runs`: candidates, the plan against its bound and grids, words and picture."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.optimizer.fitting.forms import FORMS
from modelsizer.optimizer.planning.candidates import candidates
from modelsizer.optimizer.planning.family import Family
from modelsizer.optimizer.planning.law_point import LawPoint, of_file, of_form, of_law
from modelsizer.optimizer.planning.plan import Plan, PlanOptions
from modelsizer.optimizer.planning.planner import best_plan
from modelsizer.optimizer.planning.prediction import simulate
from modelsizer.optimizer.planning.target import Target, optimum
from modelsizer.plots.laws.run_plan import areas, run_plan
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.laws.files import LawFile, law_text
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.reading import load_law
from modelsizer.problems.problem import Problem
from tests.support.figure_checks import BOTH_SIZES, check

EXERCISE = Problem.load("exercise-1e24")
SHAPES = frozenset(("width", "depth"))
DRAWS = tuple(
    tuple(np.array([1.8172, 482.01, 0.3478, 2085.43, 0.3658]) * np.exp(0.02 * shift))
    for shift in np.random.default_rng(0).standard_normal((12, 5))
)
FITTED = LawFile(
    "mine",
    "chinchilla",
    {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658},
    draws=DRAWS,
    provenance={"objective": 1.018e-3, "used": 240, "delta": 1e-3},
)

OUTER = PowerLaw("outer", 1.6, 2.1e4, 0.52, 9.1e4, 0.51, 0.42)


@cache
def target_of(problem: str = "exercise-1e24") -> Target:
    found = optimum(Problem.load(problem))
    assert found is not None
    return found


@cache
def planned(form: str = "chinchilla", criterion: Any = "target", draws: int = 0) -> Plan:
    published = {"chinchilla": EXERCISE.law, "chinchilla-outer": OUTER}
    point = of_law(published[form]) if form in published else of_form(form)
    if draws:
        point = of_file(FITTED, draws)
    return best_plan(EXERCISE, point, target_of(), PlanOptions(1e21, 24, criterion))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["plan-runs", *arguments], env={"COLUMNS": "80"})


# Candidates


def test_candidates_are_launchable_members_of_the_family() -> None:
    problem = EXERCISE.with_settings({"training.flops": "6ND", "space.kv_heads": [4, 8]})
    target = target_of().family
    some = candidates(Family(problem, target, "total", SHAPES), largest=1e20)
    assert len(some) > 200
    assert some.flops == pytest.approx(6 * some.n * some.tokens)
    assert some.flops.max() <= 1e20
    ratio = some.tokens / some.parameters
    assert ratio.min() >= 5 * 0.99
    assert ratio.max() <= 500 * 1.01
    assert some.parameters.min() >= 70e6
    mine: Any = target.groups[0].layer
    for one, n in zip(some.architectures, some.n, strict=True):
        assert count_parameters(one).total == n
        (group,) = one.groups
        layer: Any = group.layer
        assert layer.attention.heads * layer.attention.head_dim == one.trunk.d_model
        assert layer.attention.head_dim == mine.attention.head_dim
        assert layer.attention.heads % layer.attention.kv_heads == 0
        assert layer.ffn.d_ff % 256 == 0
        assert one.trunk.vocab_size == 128256
        assert 32 * 0.95 <= one.trunk.d_model / one.layers <= 256 * 1.05
    assert len({(a.layers, a.trunk.d_model) for a in some.architectures}) > len(set(some.d_model))


def test_without_shape_terms_depths_are_of_least_excess() -> None:
    family = Family(EXERCISE, target_of().family, "total")
    (depth,) = family.depths(1024)
    allowed = range(4, 33)  # 1024 / 256 to 1024 / 32
    assert depth == min(allowed, key=lambda layers: float(EXERCISE.shape.excess(1024.0, layers)))
    blind = Family(EXERCISE.with_settings({"objective.shape": "none"}), family.target, "total")
    assert blind.depths(int(family.target.trunk.d_model)) == (family.target.layers,)


def test_a_law_without_embeddings_counts_none() -> None:
    family = Family(EXERCISE, target_of().family, "non_embedding")
    some = candidates(family, largest=1e20)
    assert (some.n < some.parameters).all()
    assert some.n[0] == count_parameters(some.architectures[0]).non_embedding


# Plans


@pytest.mark.parametrize(
    "form",
    [pytest.param(f, marks=[pytest.mark.slow] * (f == "chinchilla-outer")) for f in FORMS],
)
@pytest.mark.parametrize("criterion", ["target", "determinant"])
def test_a_plan_keeps_its_limits_is_near_the_bound_and_beats_the_grid(
    form: str, criterion: str
) -> None:
    plan = planned(form, criterion)
    assert len(plan.runs) == 24
    assert plan.runs.flops.sum() <= 1e21
    assert plan.runs.flops.max() <= 0.25e21
    at = {(a.layers, a.trunk.d_model, t) for a, t in
          zip(plan.runs.architectures, plan.runs.tokens, strict=True)}  # fmt: skip
    assert len(at) == 24  # none is there twice
    assert plan.bound <= plan.value
    assert plan.gap < 0.02
    assert plan.grid is not None
    assert plan.grid.tried > 50
    assert plan.grid.runs.flops.sum() <= 1e21
    assert plan.grid.runs.flops.max() <= 0.25e21
    assert plan.grid_excess is not None
    assert plan.grid_excess > 0.1


def test_the_grid_is_of_equal_flops() -> None:
    grid = planned().grid
    assert grid is not None
    assert 20 <= len(grid.runs) == grid.budgets * grid.sizes <= 24
    flops = grid.runs.flops.reshape(grid.budgets, grid.sizes)
    assert (np.ptp(flops, axis=1) / flops.max(axis=1)).max() < 0.01
    assert flops[0].max() / flops[1].max() == pytest.approx(grid.apart, rel=0.01)


def test_predicted_sd_and_certificate_agree_with_a_direct_count() -> None:
    plan = planned()
    law, values = plan.point.form, plan.point.values

    def slopes(columns: Any) -> Any:
        steps = np.diag(1e-6 * values)
        return np.array([
            (np.log(law.loss(values + s, columns)) - np.log(law.loss(values - s, columns)))
            / (2 * s.max()) for s in steps
        ]).T  # fmt: skip

    covariance = 0.0075**2 * np.linalg.inv(slopes(plan.runs.columns).T @ slopes(plan.runs.columns))
    c = slopes(plan.target.around(4.0))
    sd = np.sqrt(np.einsum("ti,ij,tj->t", c, covariance, c))
    assert plan.prediction.sd == pytest.approx(sd[1], rel=1e-3)
    assert plan.sd_of(plan.value) == pytest.approx(np.exp(np.log(sd).mean()), rel=1e-3)
    errors = list(plan.prediction.standard_errors.values())
    assert errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-3)


def test_draws_are_averaged_over_and_noise_only_scales() -> None:
    plan = planned(draws=12)
    assert plan.point.drawn
    assert len(plan.point.draws) == 12
    assert plan.point.noise == pytest.approx(0.0059, abs=1e-4)  # of the fit's objective
    low, high = plan.prediction.drawn_ends
    assert low < plan.prediction.drawn_sd < high
    assert not any("one point" in warning for warning in plan.warnings)
    louder = replace(plan.point, noise=2 * plan.point.noise)
    again = best_plan(EXERCISE, louder, target_of(), PlanOptions(1e21))
    assert (again.runs.tokens == plan.runs.tokens).all()
    assert again.prediction.sd == pytest.approx(2 * plan.prediction.sd)


def test_a_plan_for_a_point_alone_knows_less_of_the_best_size() -> None:
    alone = best_plan(EXERCISE, planned().point, target_of(), PlanOptions(1e21, around=1.0))
    assert alone.prediction.sd < planned().prediction.sd
    assert alone.prediction.best_size_sd > 2 * planned().prediction.best_size_sd


@pytest.mark.slow
def test_simulated_fits_scatter_as_predicted_and_less_than_the_grid() -> None:
    quiet = replace(planned().point, noise=0.001)  # where the law is all but linear
    plan = best_plan(EXERCISE, quiet, target_of(), PlanOptions(1e21, simulations=25))
    assert plan.simulated is not None
    assert plan.grid_simulated is not None
    assert plan.simulated.sd == pytest.approx(plan.prediction.sd, rel=0.3)
    assert plan.simulated.sd < plan.grid_simulated.sd
    assert abs(plan.simulated.bias) < plan.simulated.sd


def runs_file(tmp_path: Path, plan: Plan, copies: int = 1, name: str = "r") -> Path:
    path = tmp_path / "runs.csv"
    lines = ["run,N,D,C,loss"]
    for i, (n, d, c) in enumerate(zip(plan.runs.n, plan.runs.tokens, plan.runs.flops, strict=True)):
        loss = 1.8172 + 482.01 / n**0.3478 + 2085.43 / d**0.3658
        lines += [f"{name}{i},{n},{d},{c},{loss}"] * copies
    path.write_text("\n".join(lines) + "\n")
    return path


def test_runs_already_made_count_and_checkpoints_count_once(tmp_path: Path) -> None:
    ask = ("exercise-1e24", "--budget", "1e21", "--json", "-")
    alone = json.loads(run(*ask).stdout)
    once = json.loads(run(*ask, "--have", str(runs_file(tmp_path, planned()))).stdout)
    assert once["have"] == 24
    # At least as good as to run the same plan again: variance halved.
    assert once["certificate"]["sd_ln_loss"] <= alone["certificate"]["sd_ln_loss"] / 2**0.5 + 1e-9
    thrice = json.loads(run(*ask, "--have", str(runs_file(tmp_path, planned(), 3))).stdout)
    assert thrice["certificate"]["sd_ln_loss"] == pytest.approx(
        once["certificate"]["sd_ln_loss"], rel=1e-6
    )
    assert any("checkpoints" in warning for warning in thrice["warnings"])


# The command


def test_the_table_fits_80_columns_and_says_all() -> None:
    found = run("exercise-1e24", "--budget", "1e21")
    assert found.exit_code == 0
    assert max(len(line.rstrip()) for line in found.stdout.splitlines()) <= 80
    said = " ".join(found.stdout.split())
    assert "No plan of 24 runs of the" in said
    assert "The grid: " in said
    assert "with the law's form as true" in said
    lines = found.stdout.splitlines()[4:]
    rows = [line.split() for line in lines if line[:3].strip().isdigit()]
    assert [int(row[0]) for row in rows] == list(range(1, 25))
    shapes = [(int(row[1]), int(row[2])) for row in rows]
    assert shapes == [
        (a.layers, a.trunk.d_model) for a in planned().runs.architectures
    ]  # the same plan each time


def test_json_csv_and_configs(tmp_path: Path) -> None:
    table, folder = tmp_path / "plan.csv", tmp_path / "configs"
    found = run(
        "exercise-1e24", "--budget", "1e21", "--runs", "12", "--json", "-", "--csv", str(table),
        "--export-dir", str(folder),
    )  # fmt: skip
    assert found.exit_code == 0
    content = json.loads(found.stdout)
    assert len(content["runs"]) == 12
    assert content["training_flops"] == pytest.approx(
        sum(row["training_flops"] for row in content["runs"])
    )
    assert content["certificate"]["least_sd_ln_loss"] <= content["certificate"]["sd_ln_loss"]
    assert content["isoflop_grid"]["prediction"]["sd_ln_loss"] > 0
    lines = table.read_text().splitlines()
    assert len(lines) == 13
    assert "d_model" in lines[0]
    for row in content["runs"]:
        written = load_architecture(str(folder / f"{row['layers']}x{row['d_model']}.json"))
        assert count_parameters(written).total == row["parameters"]


def test_a_law_file_and_the_forms_that_see_shapes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(law_text(FITTED))
    content = json.loads(
        run("exercise-1e24", "--budget", "1e21", "--law", str(path), "--json", "-").stdout
    )
    assert (content["law"], content["draws"]) == ("mine", 12)
    shaped = json.loads(
        run("exercise-1e24", "--budget", "1e21", "--law", "gemstones-2025", "--json", "-").stdout
    )
    assert shaped["form"] == "gemstones"
    assert shaped["coefficients"]["G"] == pytest.approx(math.exp(6.0902))
    ratios = {round(row["d_model"] / row["layers"], 2) for row in shaped["runs"]}
    assert max(ratios) > 2 * min(ratios)
    other = run("exercise-1e24", "--budget", "1e21", "--law", str(path), "--form", "bian")
    assert other.exit_code == 2
    assert "is not the form of --law" in other.output


def test_the_law_files_point_has_only_sound_draws(tmp_path: Path) -> None:
    flat = replace(FITTED, draws=((0.0, *DRAWS[0][1:]), *DRAWS[:3]))
    path = tmp_path / "flat.toml"
    path.write_text(law_text(flat))
    point: LawPoint = of_file(load_law(path))
    assert len(point.draws) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "much"], "--budget: 'much' is not a number of FLOPs"),
        (["--budget", "1e17"], "--runs 24: no runs of 7e7 parameters or more"),
        (["--budget", "1e19", "--largest", "5e18"], "cheapest runs take"),
        (["--budget", "1e21", "--runs", "5"], "--runs 5: chinchilla has 5 coefficients"),
        (["--budget", "1e25"], "the target takes 1e24, no more than one run may"),
        (["--budget", "1e21", "--law", "kaplan-2020"], "objective.law: runs cannot be planned"),
        (["--budget", "1e21", "--law", "muennighoff-2023"], "cannot be planned for 'muenn"),
        (["--budget", "1e21", "--law", "besiroglu"], "did you mean besiroglu-2024"),
        (["--budget", "1e21", "--law", "none.toml"], "none.toml: cannot be read"),
        (["--budget", "1e21", "--form", "gemstone"], "did you mean gemstones"),
        (["--budget", "1e21", "--criterion", "best"], "--criterion: 'best' is not target"),
        (["--budget", "1e21", "--at", "70B"], "--at: '70B' is not N,D"),
        (["--budget", "1e21", "--around", "0.5"], "--around: 0.5 is not 1 or more"),
        (["--budget", "1e21", "--noise", "2"], "--noise: 2 is not a standard deviation"),
        (["--budget", "1e21", "--tokens-per-parameter", "50,5"], "is not LOW,HIGH"),
        (["--budget", "1e21", "--tokens-per-parameter", "20,20", "--runs", "40"], "only"),
        (["--budget", "1e21", "--have", "runs.txt"], "runs.txt"),
        (["--budget", "1e21", "--plot", "x.txt"], "--plot: x.txt must end in"),
        (["--budget", "1e21", "--csv", "x.txt"], "--csv: x.txt must end in"),
    ],
)
def test_errors_name_the_option_and_what_would_be_right(arguments: list[str], words: str) -> None:
    found = run("exercise-1e24", *arguments)
    assert found.exit_code == 2, found.output
    assert words in found.output
    assert "Traceback" not in found.output


def test_a_target_within_the_data_is_refused(tmp_path: Path) -> None:
    path = runs_file(tmp_path, planned())
    path.write_text(path.read_text() + "big,1e11,2e12,1.2e24,1.95\n")
    found = run("exercise-1e24", "--budget", "1e21", "--have", str(path))
    assert found.exit_code == 2
    assert "--have: big took 1.2e24 FLOPs" in found.output


def test_no_design_is_no_target() -> None:
    found = run("exercise-1e24", "--budget", "1e21", "--set", "budgets.parameters=1e6")
    assert found.exit_code == 1
    assert "No design keeps the limits" in found.output


def test_a_target_of_ones_own() -> None:
    content = json.loads(
        run("exercise-1e24", "--budget", "1e21", "--at", "70B,1.4T", "--json", "-").stdout
    )
    target = content["target"]
    assert (target["parameters"], target["tokens"]) == (70e9, 1.4e12)
    assert target["training_flops"] == pytest.approx(6 * 70e9 * 1.4e12)
    own = target_of()
    assert target["d_model"] / target["layers"] == pytest.approx(own.d_model / own.layers)


def test_the_same_seed_simulates_the_same() -> None:
    from modelsizer.optimizer.planning.information import Linearised
    from modelsizer.optimizer.planning.prediction import PredictionInputs

    plan = planned()
    linear = Linearised(plan.point.form, plan.point.draws, plan.candidates.columns)
    target = plan.target.columns
    asked = PredictionInputs(plan.point, linear, linear, target, target, plan.target.flops)
    first, second = (simulate(asked, plan.runs.columns, 3, seed=5) for _ in range(2))
    assert first == second
    assert simulate(asked, plan.runs.columns, 3, seed=6) != first


# The picture


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("form", ["chinchilla", "gemstones"])
def test_the_picture_holds_the_plan_the_grid_and_the_target(form: str, size: str) -> None:
    plan = planned(form)
    figure = run_plan(plan, title=EXERCISE.name, size=size)
    check(figure)
    (axes,) = figure.axes
    every, grid, runs = (np.asarray(c.get_offsets()) for c in axes.collections)
    assert every[:, 0] == pytest.approx(plan.candidates.n)
    assert plan.grid is not None
    assert grid[:, 1] == pytest.approx(plan.grid.runs.tokens)
    assert runs == pytest.approx(np.column_stack([plan.runs.n, plan.runs.tokens]))
    area = areas(plan.runs)
    assert (np.diff(area) >= 0).all()  # runs are in order of FLOPs
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert star.get_xydata()[0] == pytest.approx([plan.target.n, plan.target.tokens])  # type: ignore[index]
    for line in axes.lines:
        if line is not star:
            x, y = line.get_data()
            powers = np.log10(6 * np.asarray(x, float) * np.asarray(y, float))
            assert powers == pytest.approx(round(powers[0]), abs=1e-9)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for x, y in (*runs, *grid, *every, (plan.target.n, plan.target.tokens)):
        assert left < x < right
        assert bottom < y < top


def test_the_picture_is_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    found = run("exercise-1e24", "--budget", "1e21", "--plot", str(path), "--json", "-")
    assert found.exit_code == 0
    assert path.read_text().startswith("<?xml")


def test_how_the_runs_already_made_are_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    lines = ["params_no_embed,throughput/total_gflops,eval/loss"]
    for n, d in itertools.product((1e8, 4e8), (2e9, 8e9, 3e10)):
        loss = 1.8172 + 482.01 / n**0.3478 + 2085.43 / d**0.3658
        lines.append(f"{n},{6 * n * d / 1e9},{loss}")
    path.write_text("\n".join(lines) + "\n")
    found = run(
        "exercise-1e24", "--budget", "1e21", "--runs", "12", "--have", str(path), "--json", "-"
    )
    assert found.exit_code == 0, found.output
    said = "; ".join(json.loads(found.stdout)["warnings"])
    assert "export.csv: column 'throughput/total_gflops' is read in units of 1e9" in said
    assert "is parameters without embeddings, column 'params_no_embed', but besiroglu-2024" in said
