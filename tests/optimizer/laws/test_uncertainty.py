"""A law's uncertainty carried to the answer, against solves one by one and plain loops."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError, plots
from modelsizer.cli import app
from modelsizer.optimizer.laws import dominance_check
from modelsizer.optimizer.laws.corners import ablation_corners
from modelsizer.optimizer.laws.dominance_check import all_dominated
from modelsizer.optimizer.laws.draws import Draws
from modelsizer.optimizer.laws.robust import (
    CRITERIA,
    TODAY,
    Uncertainty,
    conditional_value_at_risk,
    solve_draws,
)
from modelsizer.optimizer.laws.uncertainty import contenders, optima
from modelsizer.optimizer.solver import Solver
from modelsizer.plots.drawing.style import FILLS, STAR
from modelsizer.plots.laws.uncertainty import percent, rows_of
from modelsizer.problems.laws.bands import ENDS
from modelsizer.problems.laws.laws import PowerLaw
from tests.support.drawn_laws import BASE, ERRORS, drawn, law_file
from tests.support.enumerated import all_designs, loss_of
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.random_problems import random_tables

REFERENCE = Problem.load("one-h100-1e24")


def under(problem: Problem, law: PowerLaw) -> Problem:
    """The problem with a law written into it."""
    table = {n: getattr(law, n) for n in (*ERRORS, "outer")}
    table |= {"parameters": law.parameter_kind}
    return problem.with_settings({"laws.drawn": table, "objective.law": "drawn"})


@pytest.fixture(scope="module")
def reference() -> Uncertainty:
    found = solve_draws(REFERENCE, drawn(500))
    assert found is not None
    return found


def small(seed: int) -> Problem:
    """A random problem of some thousand designs that seeks the least loss."""
    tables = random_tables(13 * seed)  # least loss
    tables["objective"] = {"minimize": "loss", "law": "besiroglu-2024"}
    tables["budgets"].pop("loss", None)
    tables.pop("laws", None)
    if isinstance(tables["space"]["layers"], dict):
        low = tables["space"]["layers"]["min"]
        tables["space"]["layers"] = {"min": low, "max": low + 6}
    if isinstance(tables["space"]["d_model"], dict):
        low = tables["space"]["d_model"]["min"]
        tables["space"]["d_model"] = [low, low + 128, low + 512, low + 1024]
    return Problem.from_tables(tables)


# Optima


def test_each_draw_is_solved_as_the_solver_solves_it() -> None:
    laws = drawn(500)
    some = contenders(REFERENCE)
    assert some is not None
    found = optima(REFERENCE, some, Draws.of(laws))
    solver = Solver(REFERENCE)
    picked = [0, 1, 250, 499, *(int(k) for k in np.argsort(found.loss)[[0, -1]])]
    different = set()
    for k in picked:
        best = solver.solve(problem=under(REFERENCE, laws[k]), details=False).best
        at = found.winner[k]
        assert (best.architecture.layers, best.architecture.trunk.d_model) == (
            some.layers[at],
            some.d_model[at],
        )
        assert best.law_parameters == some.n[at]
        assert best.tokens == pytest.approx(some.values["tokens"][at], rel=1e-15)
        assert best.loss == pytest.approx(found.loss[k], abs=1e-14)
        different.add(int(at))
    assert len(different) > 2


def test_the_optima_hold_for_any_space_and_limits() -> None:
    laws = drawn(6, seed=3)
    # An outer power of about the terms that the laws have, below 1 and above.
    laws = (*laws, *(replace(law, A=law.A ** (1 / k), alpha=law.alpha / k, B=law.B ** (1 / k),
                             beta=law.beta / k, outer=k)
                     for law, k in zip(laws, (0.3, 0.45, 0.8, 1.3, 2.0), strict=False)))  # fmt: skip
    looked = 0
    for seed in range(12):
        try:
            problem = small(seed)
        except ProblemError:
            continue
        some = contenders(problem)
        if some is None:
            assert Solver(problem).solve(details=False).status == "infeasible"
            continue
        found = optima(problem, some, Draws.of(laws))
        for k, law in enumerate(laws):
            best = Solver(under(problem, law)).solve(details=False).best
            assert found.loss[k] == pytest.approx(best.loss, abs=1e-14)
            assert some.n[found.winner[k]] == best.law_parameters
        looked += 1
    assert looked >= 5


def test_what_is_left_out_is_counted_and_dominated(reference: Uncertainty) -> None:
    c = reference.certificate
    assert c.looked_at == REFERENCE.count_designs()
    assert c.looked_at == c.infeasible + c.dominated + c.equal + c.compared
    assert c.compared < c.looked_at - c.infeasible
    kept = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    assert all_dominated(np.array([[0.0, 1.0, 2.0], [2.0, 2.0, 2.0]]), kept)
    assert not all_dominated(np.array([[0.0, 0.5, 2.0]]), kept)
    assert not all_dominated(kept, kept)  # as good is not better


def test_the_check_of_dominance_agrees_with_plain_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    r = np.random.default_rng(2)
    said = []
    for _ in range(200):
        points = r.integers(0, 6, (14, r.integers(1, 6))).astype(float)
        kept, left = points[:7], points[7 : r.integers(8, 14)]
        plain = all(any((k <= p).all() and (k < p).any() for k in kept) for p in left)
        monkeypatch.setattr(dominance_check, "_PAIRS", int(r.choice([0, 10, 1000])))
        assert all_dominated(left, kept) == plain
        said.append(plain)
        best = [p for p in points if not any((q <= p).all() and (q < p).any() for q in points)]
        rest = [p for p in points if any((q <= p).all() and (q < p).any() for q in points)]
        assert all_dominated(np.array(rest).reshape(len(rest), points.shape[1]), np.array(best))
    assert 50 < sum(said) < 150


# Robust designs against plain loops over every design


@pytest.mark.parametrize("tail", [0.0, pytest.param(0.75, marks=pytest.mark.slow), 0.9])
def test_robust_designs_are_the_best_of_all_designs(tail: float) -> None:
    laws = drawn(25, seed=5)
    looked = 0
    for seed in range(8):
        try:
            problem = small(seed)
        except ProblemError:
            continue
        designs = all_designs(problem)
        found = solve_draws(problem, laws, tail=tail)
        if found is None:
            assert not designs
            continue
        losses = np.array([[loss_of(problem, d, w)(d.tokens) for d in designs] for w in laws])
        regret = losses - losses.min(axis=1, keepdims=True)
        worst = np.sort(losses, axis=0)[::-1]
        weights = np.clip((1 - tail) * len(laws) - np.arange(len(laws)), 0, 1)
        truth = {
            "expected": losses.mean(axis=0),
            "worst_case": losses.max(axis=0),
            "regret": regret.max(axis=0),
            "cvar": weights @ worst / weights.sum(),
        }
        where = {d.architecture: i for i, d in enumerate(designs)}
        for name in CRITERIA:
            assert found.values[name] == pytest.approx(truth[name].min(), abs=1e-12)
            at = where[found.best_by(name).design.architecture]
            assert truth[name][at] == pytest.approx(truth[name].min(), abs=1e-12)
        for one in found.candidates:
            at = where[one.design.architecture]
            assert one.regret.mean == pytest.approx(regret[:, at].mean(), abs=1e-12)
            assert one.regret.worst == pytest.approx(regret[:, at].max(), abs=1e-12)
            enough = math.ceil(0.95 * len(laws) - 1e-9)
            assert one.regret.p95 == pytest.approx(np.sort(regret[:, at])[enough - 1], abs=1e-12)
        assert sum(one.share for one in found.candidates) == pytest.approx(1)
        looked += 1
    assert looked >= 3


@pytest.mark.slow
def test_draws_and_corners_together_are_as_solved_one_by_one() -> None:
    laws, looked = drawn(8, seed=7), 0
    for seed in range(8):
        try:
            problem = small(seed).with_settings({"objective.ablations": "none"})
        except ProblemError:
            continue
        designs = all_designs(problem)
        found = solve_draws(problem, laws, corners=ablation_corners(problem))
        if found is None:
            continue
        assert found.corners == ("ablations low", "ablations middle", "ablations high")
        read = [problem.with_settings({"objective.ablations": end}) for end in ENDS]
        losses = np.array(
            [[loss_of(p, d, law)(d.tokens) for d in designs] for p in read for law in laws]
        )
        regret = losses - losses.min(axis=1, keepdims=True)
        assert found.values["regret"] == pytest.approx(regret.max(axis=0).min(), abs=1e-12)
        assert found.values["expected"] == pytest.approx(losses.mean(axis=0).min(), abs=1e-12)
        wins: list[Any] = []
        for each in read:
            solver = Solver(each)
            for law in laws:
                best = solver.solve(problem=under(each, law), details=False).best
                wins.append(best.architecture)
        for one in found.candidates:
            mine = [architecture == one.design.architecture for architecture in wins]
            assert one.share == pytest.approx(np.mean(mine))
            shares = np.reshape(mine, (3, -1)).mean(axis=1)
            assert list(one.by_corner.values()) == pytest.approx(shares)
        today = Solver(problem).solve(details=False).best
        assert found.best_by(TODAY).design.architecture == today.architecture
        looked += 1
    assert looked >= 3


def test_corners_are_told_with_their_shares(tmp_path: Path) -> None:
    law = law_file(tmp_path / "mine.toml", drawn(20))
    command = ["uncertainty", "one-h100-1e24", "--law", str(law), "--corners"]
    told = json.loads(CliRunner().invoke(app, [*command, "--json", "-"]).stdout)
    assert told["corners"] == ["ablations low", "ablations middle", "ablations high"]
    for one in told["winners"]:
        assert list(one["share_by_corner"]) == told["corners"]
        assert np.mean(list(one["share_by_corner"].values())) == pytest.approx(one["share"])
    assert told["certificate"]["why_dominated"].endswith("no greater at every corner")


def test_cvar_at_its_ends() -> None:
    losses = np.array([[1.0], [4.0], [2.0], [3.0]])
    assert conditional_value_at_risk(losses, 0.0)[0] == 2.5  # the mean
    assert conditional_value_at_risk(losses, 0.75)[0] == 4.0  # the worst of four
    assert conditional_value_at_risk(losses, 0.5)[0] == 3.5
    assert conditional_value_at_risk(losses, 0.625)[0] == pytest.approx((4 + 0.5 * 3) / 1.5)
    assert conditional_value_at_risk(losses, 0.99)[0] == pytest.approx(4.0)


def test_one_law_is_today_and_gives_nothing_up() -> None:
    found = solve_draws(REFERENCE, [BASE])
    assert found is not None
    (one,) = found.candidates
    assert one.roles == (TODAY, *CRITERIA)
    assert (one.share, one.regret.worst) == (1.0, 0.0)
    best = Solver(REFERENCE).solve(details=False).best
    assert one.design.architecture == best.architecture
    assert found.values["cvar"] == pytest.approx(best.loss)


def test_today_and_the_draws_of_the_reference_problem(reference: Uncertainty) -> None:
    today = reference.best_by(TODAY)
    assert today.design.architecture.layers == 58
    assert today.design.loss == pytest.approx(1.982287, abs=1e-5)
    assert reference.best_by("regret").regret.worst <= min(
        one.regret.worst for one in reference.candidates
    )
    assert (
        reference.values["expected"] <= reference.values["cvar"] <= reference.values["worst_case"]
    )
    ends = reference.intervals["loss"]
    assert ends.p5 < reference.values["expected"] < ends.p95
    assert ends.p50 == pytest.approx(1.9823, abs=0.02)
    assert reference.seconds < 30


# What is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budgets.loss": 2.0}, "by every draw"),
        ({"objective.minimize": "training_flops", "budgets.loss": 2.0}, "only the least loss"),
        ({"objective.law": "kaplan-2020"}, "counts non_embedding parameters"),
        ({"objective.law": "muennighoff-2023"}, "is not of the form"),
    ],
)
def test_refuses(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        solve_draws(REFERENCE.with_settings(settings), drawn(2))


def test_refuses_draws_that_are_none() -> None:
    with pytest.raises(ValueError, match="at least one draw"):
        solve_draws(REFERENCE, [])
    with pytest.raises(ValueError, match="same parameters"):
        Draws.of([BASE, replace(BASE, parameter_kind="non_embedding")])
    with pytest.raises(ProblemError, match="counts total parameters"):
        solve_draws(REFERENCE, [replace(BASE, parameter_kind="non_embedding")])


# The command


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["uncertainty", *arguments], env={"COLUMNS": "80"})


def test_the_command(tmp_path: Path) -> None:
    law = str(law_file(tmp_path / "mine.toml", drawn(120)))
    found = run("one-h100-1e24", "--law", law, "--candidates", "4")
    assert found.exit_code == 0, found.output
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "…" not in found.stdout
    said = " ".join(found.stdout.split())
    assert "58 layers x 7168 (today's) in " in said
    assert "of bootstrap fits" in said
    assert "120 draws, fewer than the 500 asked for" in said
    picture = tmp_path / "u.png"
    answer = json.loads(
        run("one-h100-1e24", "--law", law, "--draws", "100", "--candidates", "4", "--cvar", "0.8",
            "--json", "-", "--plot", str(picture)).stdout
    )  # fmt: skip
    assert picture.stat().st_size > 1000
    assert (answer["draws"], answer["cvar_level"], len(answer["winners"])) == (100, 0.8, 4)
    assert {"draws", "winners", "intervals", "robust", "certificate"} <= answer.keys()
    assert set(answer["robust"]) == set(CRITERIA)
    for one in (*answer["winners"], *answer["robust"].values()):
        assert set(one["regret"]) == {"mean", "p95", "worst"}
    shares = [one["share"] for one in answer["winners"]]
    assert shares == sorted(shares, reverse=True)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    bare = law_file(tmp_path / "bare.toml", [])
    found = run("one-h100-1e24", "--law", str(bare))
    assert (found.exit_code, "--bootstrap" in found.stderr) == (2, True)
    found = run("one-h100-1e24", "--law", str(tmp_path / "none.toml"))
    assert found.exit_code == 2
    law = str(law_file(tmp_path / "mine.toml", drawn(2)))
    assert "--cvar" in run("one-h100-1e24", "--law", law, "--cvar", "1").stderr
    nothing = run("one-h100-1e24", "--law", law, "--set", "budgets.parameters=1e6", "--json", "-")
    assert nothing.exit_code == 1
    assert json.loads(nothing.stdout) == {
        "status": "infeasible", "draws": 2, "complete": True, "stop": "proven"
    }  # fmt: skip


# The picture


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_the_picture(reference: Uncertainty, size: str) -> None:
    from matplotlib.colors import to_hex
    from matplotlib.patches import Rectangle

    figure = plots.uncertainty(reference, title=REFERENCE.name, size=size)
    check(figure)
    left, right = figure.axes
    rows = rows_of(reference, 6 if size == "column" else 8)
    assert {role for one in rows for role in one.roles} == {TODAY, *CRITERIA}
    bars = [bar for bar in left.patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [100 * one.share for one in rows]

    colours = [to_hex(bar.get_facecolor()) for bar in bars]
    assert colours == [STAR if TODAY in one.roles else FILLS[0] for one in rows]
    dots = [
        float(np.ravel(line.get_xdata())[0]) for line in right.lines if line.get_marker() == "o"
    ]
    assert dots == [one.regret.mean for one in rows]
    assert right.get_xlim()[1] > max(one.regret.worst for one in rows)


def test_a_picture_of_one_design() -> None:
    found = solve_draws(REFERENCE, [BASE])
    assert found is not None
    for size in ("wide", "column"):
        figure = plots.uncertainty(found, title=REFERENCE.name, size=size)
        check(figure)
        assert max(figure.axes[0].get_xticks()) <= 100


def test_percent() -> None:
    assert [percent(x) for x in (0, 0.002, 0.0999999999, 0.466, 1)] == [
        "0 %", "0.2 %", "10 %", "47 %", "100 %"
    ]  # fmt: skip
