"""Sweeps of a limit: proven points, the band, binding constraints, the command and the figure."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, Solver, plots, solve
from modelsizer.cli import app
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.frontiers.frontier import Frontier, edges, frontier
from modelsizer.optimizer.frontiers.isoflops import isoflops
from modelsizer.optimizer.search.compare import box_designs
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from tests.support import fine_menus
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.shared import LAW_ALONE

FLOPS = "budgets.training_flops"
EXERCISE = Problem.load("exercise-1e24")
H100 = Problem.load("one-h100-1e24")
PHONE = Problem.load("phone-2gb")


# Points


def test_each_point_is_the_optimum_of_a_fresh_solve() -> None:
    values = NumericSetting.of(PHONE, "budgets.serving_memory").between(5 * 10**8, 8 * 10**9, 7)
    found = frontier(PHONE, "budgets.serving_memory", values)
    assert found.complete and found.asked == 7
    losses = []
    for point in found.points:
        fresh = solve(PHONE.with_settings({"budgets.serving_memory": point.limit}))
        assert point.status == fresh.status
        assert point.design == fresh.design
        if point.value is not None:
            losses.append(point.value)
    assert len(losses) >= 5 and losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("layers", "d_model", "wanted"),
    [
        ([32, 48], [2048, 4096, 5120], ("layers max",)),
        ([48, 64, 80], [2048, 4096], ("layers min", "d_model max")),
        ([48], [4096], ()),  # nothing to choose
        ([32, 48, 64], [4096, 4097], ()),  # no heads of 2 make 4097
        ([32, 48, 64], [4090, 4096, 4097], ("d_model max",)),
    ],
)
def test_a_design_is_at_the_ends_of_menus_of_two_values_or_more(
    layers: list[int], d_model: list[int], wanted: tuple[str, ...]
) -> None:
    problem = H100.with_settings({"space.layers": layers, "space.d_model": d_model,
                                  "space.head_dim": 2, "space.aspect_ratio": {"min": 1}})  # fmt: skip
    design = solve(H100.with_settings({"space.layers": 48, "space.d_model": 4096})).best
    assert edges(problem.space, design.architecture) == wanted


def test_a_setting_is_swept_as_a_limit_is() -> None:
    found = frontier(H100, "serving.context_length", [4096, 32768, 131072], band=False)
    for point in found.points:
        again = H100.with_settings({"serving.context_length": point.limit})
        assert point.design == solve(again, solver="exhaustive").design
        assert point.half is None and point.twice is None


def test_the_band_is_the_best_of_half_and_of_twice_the_size() -> None:
    """Against the least of all designs enumerated."""
    problem = EXERCISE.with_settings({FLOPS: 10**23})
    (point,) = frontier(EXERCISE, FLOPS, [10**23]).points
    assert point.design is not None
    size = point.design.parameters.total
    least = {"half": np.inf, "twice": np.inf}
    model = Model(problem)
    for table in model.tables():
        rows = np.arange(len(table))
        for row, j in box_designs(rows, np.zeros_like(table.count), table.count - 1, 100_000):
            value, keeps = model.evaluate(table, row, j)
            value = np.where(keeps, value, np.inf)
            n = table.linear["parameters"].at(row, j)
            for name, mask in (("half", 2 * n <= size), ("twice", n >= 2 * size)):
                least[name] = min(least[name], float(value[mask].min(initial=np.inf)))
    for name, off in (("half", point.half), ("twice", point.twice)):
        assert off is not None and off.design is not None and off.status == "optimal"
        assert off.design.loss == pytest.approx(least[name], rel=1e-13)
        assert off.design.loss > point.design.loss
    assert point.half and point.half.design and 2 * point.half.design.parameters.total <= size


def test_the_band_keeps_the_limit_of_the_file() -> None:
    (point,) = frontier(H100, FLOPS, [10**24]).points
    assert point.twice is not None and point.twice.status == "infeasible"  # 40B are the most
    near = EXERCISE.with_settings(
        fine_menus.EXERCISE | LAW_ALONE | {"budgets.parameters": {"min": 20e9, "max": 60e9}}
    )
    (point,) = frontier(near, FLOPS, [10**23]).points
    assert point.half and point.half.design is None and point.half.status == "infeasible"
    assert point.twice and point.twice.design
    assert 2 * 29e9 < point.twice.design.parameters.total <= 60e9


def test_a_point_without_a_design_is_a_row() -> None:
    found = frontier(H100, "budgets.serving_memory", [10**6, 10**11])
    assert [point.status for point in found.points] == ["infeasible", "optimal"]
    assert found.points[0].design is None and found.complete
    assert len(found.solved) == 1


def test_a_time_limit_and_an_interruption_keep_what_is_solved() -> None:
    values = [10**22, 10**23, 10**24]
    late = frontier(EXERCISE, FLOPS, values, time_limit=0.0)
    assert not late.complete and len(late.points) == 0 and late.asked == 3

    def interrupt(done: int, asked: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    broken = frontier(EXERCISE, FLOPS, values, progress=interrupt)
    assert not broken.complete and [p.limit for p in broken.points] == values[:2]
    assert all(point.status == "optimal" for point in broken.points)


def test_a_point_that_is_not_proven_is_a_row_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = Solver.solve, []

    def stuck_first(self: Solver, *args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            kwargs["time_limit"] = 0.0
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Solver, "solve", stuck_first)
    found = frontier(EXERCISE, FLOPS, [10**22, 10**23], band=False)
    assert [point.status for point in found.points] == ["limit", "optimal"]
    assert not found.complete and len(found.solved) == 1


# What holds a point


def test_ends_of_menus_are_told() -> None:
    space = EXERCISE.space  # 8 to 160 layers, d_model of 1024 to 16384
    best = solve(EXERCISE).best.architecture
    assert edges(space, best) == ()
    top = frontier(EXERCISE, FLOPS, [10**26], band=False).points[0]
    assert set(top.edge) == {"layers max", "d_model max"} and not top.free
    fixed = EXERCISE.with_settings({"space.layers": best.layers}).space
    assert edges(fixed, best) == ()
    # 9,152 divides by 64 only: with heads of 128 the menu begins at 9,216.
    narrow = {"space.d_model": {"min": 9152, "max": 16384, "step": 64}, "space.head_dim": 128}
    assert edges(EXERCISE.with_settings(narrow).space, best) == ("d_model min",)


def test_other_limits_hold_where_a_better_design_fits_without_them() -> None:
    found = frontier(H100, FLOPS, [10**20, 10**24], band=False)
    assert [point.held for point in found.points] == [False, True]
    alone = EXERCISE.space  # not the same menus, so the question is asked anew
    assert alone != H100.space
    bare = {"space": H100.to_dict()["space"], "budgets": {"training_flops": 10**24}}
    bare["training"] = {"sequence_length": 8192}
    free = solve(Problem.from_tables(bare)).best
    assert found.points[1].design and free.loss < found.points[1].design.loss - 1e-4
    assert not any(p.held for p in frontier(EXERCISE, FLOPS, [10**24], band=False).points)


# The command


def run(*args: str, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, ["frontier", *args])
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


def test_json_has_the_keys_of_the_contract() -> None:
    out = json.loads(run("exercise-1e24", "--points", "5", "--json", "-").stdout)
    assert out["over"] == FLOPS and out["complete"] is True
    assert [p["limit"] for p in out["points"]] == [10**22, 10**23, 10**24, 10**25, 10**26]
    middle = out["points"][2]
    known = Solver(EXERCISE).solve().best
    assert middle["status"] == "optimal" and middle["loss"] == known.loss
    assert middle["architecture"]["layers"] == known.architecture.layers
    assert middle["parameters"]["total"] == known.parameters.total
    assert middle["tokens"] == known.tokens and middle["edge"] == []
    assert middle["half"]["loss"] > middle["loss"] < middle["twice"]["loss"]
    assert {e["quantity"] for e in out["exponents"]} >= {"parameters", "tokens", "layers"}
    assert {"exponent", "standard_error", "r2", "points"} <= set(out["exponents"][0])
    assert any("2203.15556" in row["source"] for row in out["published"])


def test_text_fits_80_columns_and_names_the_band(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run("exercise-1e24", "--points", "9").stdout
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    words = " ".join(text.split())
    assert "what it costs to be off by a factor of two in size" in words
    for word in ("96 x 9216", "85.72B", "1.969", "d_model max", "Implied", "Kaplan 2020"):
        assert word in words
    small = run("exercise-1e24", "--points", "5", "--no-band").stdout
    assert "factor of two" not in small


def test_csv_and_values_with_units(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    ends = ("--from", "1 MB", "--to", "8 GB", "--points", "4")
    run("phone-2gb", "--over", "budgets.serving_memory", *ends, "--csv", str(path))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [int(row["limit"]) for row in rows] == [10**6, 2 * 10**7, 4 * 10**8, 8 * 10**9]
    assert rows[0]["status"] == "infeasible" and rows[0]["loss"] == ""
    best = solve(PHONE.with_settings({"budgets.serving_memory": "8 GB"})).best
    assert float(rows[3]["loss"]) == best.loss
    assert int(rows[3]["parameters"]) == best.parameters.total
    assert int(rows[3]["d_model"]) == best.architecture.trunk.d_model


def test_another_objective_is_swept_too() -> None:
    ends = ("--over", "budgets.loss", "--from", "2.1", "--to", "2.3", "--points", "3")
    out = json.loads(run("least-memory-2.15", *ends, "--json", "-").stdout)
    values = [point["value"] for point in out["points"]]
    assert out["objective"]["name"] == "serving_memory"
    assert values == sorted(values, reverse=True) and out["exponents"] == []
    assert "serving" in run("least-memory-2.15", *ends).stdout


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--over", "budgets.flops"), 2, "budgets.flops"),
        (("--over", "budgets.kv_bytes_per_token"), 2, "give --from and --to"),
        (("--from", "1e25", "--to", "1e24"), 2, "is not below"),
        (("--from", "80 GB"), 2, "is not a unit of FLOPs"),
        (("--solver", "magic"), 2, "magic"),
        (("--plot", "x.bmp"), 2, "must end in"),
        (("--plot", "x.png", "--plot-size", "huge"), 2, "--plot-size"),
        (("--time-limit", "0"), 3, ""),
        (("--set", "budgets.serving_memory=1 kB", "--points", "2"), 1, ""),
    ],
)
def test_exit_status_and_errors(args: tuple[str, ...], code: int, words: str) -> None:
    assert words in run("one-h100-1e24", *args, code=code).stderr


# The picture


def sweep_of(problem: Problem, over: str, low: int, high: int, points: int) -> Frontier:
    return frontier(problem, over, NumericSetting.of(problem, over).between(low, high, points))


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("problem", [EXERCISE, H100], ids=["exercise", "h100"])
def test_frontier_and_isoflop_curves(problem: Problem, size: str) -> None:
    found = sweep_of(problem, FLOPS, 10**22, 10**26, 9)
    chosen = [found.points[i] for i in (0, 2, 4)]
    curves = isoflops(problem, [point.limit for point in chosen])
    figure = plots.frontier(found, curves, title="x", size=size)
    check(figure)
    left, right = figure.axes
    line = next(line for line in left.lines if line.get_label() == "frontier")
    assert np.array_equal(line.get_xdata(), [float(p.limit) for p in found.points])
    assert np.array_equal(line.get_ydata(), [p.value for p in found.points])
    # Each curve's minimum is drawn where the frontier has its loss and its size.
    minima = next(line for line in right.lines if line.get_label() == "minima")
    designs = [point.design for point in chosen]
    assert np.array_equal(minima.get_xdata(), [d.parameters.total for d in designs if d])
    assert np.array_equal(minima.get_ydata(), [d.loss for d in designs if d])
    for curve, drawn in zip(curves, right.lines, strict=False):
        assert np.min(drawn.get_ydata()) == curve.best.loss
    labels = {text.get_text() for text in right.texts}
    assert {"10²² FLOPs", "10²³", "10²⁴"} == labels
    assert (left.get_xlabel(), right.get_xlabel()) == ("training FLOPs", "parameters")
    legend = left.get_legend()
    assert legend is not None
    assert any("factor\nof two" in text.get_text() for text in legend.get_texts())
    if size == "wide":
        assert left.get_ylim() == right.get_ylim()


def test_the_band_reaches_the_dearer_of_the_two_sizes() -> None:
    found = sweep_of(EXERCISE, FLOPS, 10**22, 10**24, 5)
    (band,) = plots.frontier(found).axes[0].collections
    top = {}
    for x, y in band.get_paths()[0].vertices:  # type: ignore[union-attr]
        top[x] = max(y, top.get(x, 0.0))
    for point in found.points:
        costs = [o.design.loss for o in (point.half, point.twice) if o and o.design]
        assert top[float(point.limit)] == max(costs)


def test_hollow_points_and_the_irreducible_loss() -> None:
    found = sweep_of(EXERCISE, FLOPS, 10**22, 10**26, 9)
    axes = plots.frontier(found).axes[0]
    hollow = [x for line in axes.lines if line.get_markerfacecolor() == "white"
              for x in np.asarray(line.get_xdata())]  # fmt: skip
    assert hollow == [float(point.limit) for point in found.points if point.edge]
    assert any("irreducible loss 1.82" in text.get_text() for text in axes.texts)
    assert any(np.allclose(line.get_ydata(), 1.8172) for line in axes.lines)


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_other_limits_have_one_panel_and_grey_where_nothing_fits(size: str) -> None:
    found = sweep_of(H100, "budgets.serving_memory", 10**8, 10**11, 7)
    curves = isoflops(H100, [10**24])
    figure = plots.frontier(found, curves, title="x", size=size)
    check(figure)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "serving memory per accelerator"
    none = [point.limit for point in found.points if point.status == "infeasible"]
    (grey,) = [patch for patch in axes.patches if patch.get_alpha() == 0.6]
    assert none and grey.get_extents().transformed(axes.transData.inverted()).x1 == pytest.approx(
        float(none[-1])
    )
    assert "no design" in {text.get_text() for text in axes.texts}


def test_settings_have_an_axis_and_one_point_is_no_frontier(tmp_path: Path) -> None:
    found = frontier(H100, "serving.context_length", [4096, 16384, 65536])
    figure = plots.frontier(found)
    check(figure)
    assert figure.axes[0].get_xlabel() == "context length"
    with pytest.raises(ValueError, match="at least two"):
        plots.frontier(frontier(EXERCISE, FLOPS, [10**24]))
    path = tmp_path / "frontier.svg"
    run("exercise-1e24", "--points", "5", "--plot", str(path), "--plot-size", "column")
    assert "isoFLOP curves" in path.read_text()
