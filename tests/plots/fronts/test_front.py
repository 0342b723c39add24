"""Pictures of fronts and of parameters against depth, read from their data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelsizer import Problem, plots, solve
from modelsizer.optimizer.fronts.cloud import cloud
from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.run import front
from modelsizer.optimizer.fronts.subset import knee
from modelsizer.optimizer.surveys.region import Region, region
from modelsizer.pictures.registry import draw
from modelsizer.plots.designs.depth_parameters import depth_parameters
from modelsizer.plots.drawing.saving import save
from tests.support import fine_menus
from tests.support.clocks import Countdown
from tests.support.figure_checks import BOTH_SIZES, check, overlaps

REFERENCE = Problem.load("one-h100-1e24", fine_menus.ONE_H100)


@cache
def region_of(name: str) -> Region:
    return region(REFERENCE if name == "one-h100-1e24" else Problem.load(name))


@cache
def two() -> Front:
    return front(REFERENCE, ["loss", "serving_memory"])


def test_region_counts_every_design() -> None:
    found = region_of("one-h100-1e24")
    assert found.designs.sum() == REFERENCE.count_designs()
    assert found.feasible.sum() == 10_886
    assert (found.feasible <= found.designs).all()
    best = solve(REFERENCE).best
    assert found.best is not None
    assert found.best.architecture == best.architecture
    # A guide runs through the optimum at the optimum's own aspect ratio.
    aspect = best.architecture.trunk.d_model / best.architecture.layers
    at = int(np.searchsorted(found.layers, best.architecture.layers))
    assert found.guide(aspect)[at] == pytest.approx(best.parameters.total, rel=1e-12)


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("name", ["one-h100-1e24", "exercise-1e24", "phone-2gb"])
def test_depth_picture_shows_front_optimum_and_models(name: str, size: str) -> None:
    data = region_of(name)
    figure = depth_parameters(data, title=Problem.load(name).name, size=size)
    check(figure)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("layers", "parameters")
    assert axes.get_yscale() == "log"
    (points,) = [c for c in axes.collections if len(c.get_offsets()) == len(data.front)]
    drawn = {(float(x), float(y)) for x, y in np.asarray(points.get_offsets())}
    assert drawn == set(
        zip(
            map(float, data.front.values["layers"]),
            map(float, data.front.values["parameters"]),
            strict=True,
        )
    )
    assert data.best is not None
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    x, y = star.get_xdata(), star.get_ydata()
    assert (x[0], y[0]) == (data.best.architecture.layers, data.best.parameters.total)  # type: ignore[index]
    # Every published model that is drawn is named, and stands where it is.
    (marks,) = [line for line in axes.lines if line.get_marker() == "o"]
    known: dict[tuple[int, int], set[str]] = {}
    for mark in data.landmarks:  # releases of one shape stand on one point
        known.setdefault((mark.layers, mark.parameters), set()).add(mark.name)
    words = {text.get_text() for text in axes.texts}
    places = list(zip(np.asarray(marks.get_xdata()), np.asarray(marks.get_ydata()), strict=True))
    assert len(places) >= 2
    for place in places:
        assert known[int(place[0]), int(place[1])] & words


def test_a_limit_is_a_limit_in_the_picture() -> None:
    found = region_of("one-h100-1e24")
    freer = region(REFERENCE.without("budgets.serving_memory").without("budgets.parameters"))
    assert freer.feasible.sum() > found.feasible.sum()
    assert max(freer.front.values["parameters"]) > max(found.front.values["parameters"])
    assert max(found.front.values["parameters"]) <= 40e9


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_steps_are_what_is_attained(size: str) -> None:
    figure = draw("front", two(), size=size)
    check(figure)
    axes = figure.axes[0]
    (steps,) = [line for line in axes.lines if line.get_drawstyle().startswith("steps")]
    assert steps.get_drawstyle() == "steps-post"
    x, y = np.asarray(steps.get_xdata(), float), np.asarray(steps.get_ydata(), float)
    for loss, memory in list(zip(*two().values.values(), strict=True))[::40]:
        assert y[np.flatnonzero(x <= loss)[-1]] == memory
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) <= 0).all()
    diamond = next(line for line in axes.lines if line.get_marker() == "D")
    at = knee(two())
    assert at is not None
    assert np.asarray(diamond.get_xdata())[0] == two().values["loss"][at]
    assert any(text.get_text().startswith("knee: ") for text in axes.texts)
    # Dominated designs are behind, and none of them is below the steps.
    (behind,) = [line for line in axes.lines if line.get_zorder() == 1]
    for a, b in zip(
        np.asarray(behind.get_xdata())[::500], np.asarray(behind.get_ydata())[::500], strict=True
    ):
        below = np.flatnonzero(x <= a * (1 + 1e-13))  # the steps' losses are exact
        assert len(below) == 0 or b >= y[below[-1]]


def test_more_is_better_turns_the_steps() -> None:
    problem = Problem.load("h100-cluster-90-days")
    found = front(problem, ["decode_throughput", "loss"])
    figure = draw("front", found)
    check(figure)
    (steps,) = [ln for ln in figure.axes[0].lines if ln.get_drawstyle().startswith("steps")]
    assert steps.get_drawstyle() == "steps-pre"


def test_three_goals_are_a_plane_with_colour() -> None:
    problem = Problem.load("h100-cluster-90-days")
    found = front(problem, ["loss", "decode_latency", "training_memory"])
    for size in ("wide", "column"):
        figure = plots.front(found, cloud(found, 500), title=problem.name, size=size)
        check(figure)
        points = next(c for c in figure.axes[0].collections if len(c.get_offsets()) == len(found))
        shown = np.column_stack([np.asarray(points.get_offsets()), np.asarray(points.get_array())])
        wanted = found.points
        assert np.allclose(np.sort(shown, axis=0), np.sort(wanted, axis=0))
        assert figure.axes[1].get_ylabel() == "training memory per accelerator"


def test_what_is_unexplored_is_shaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.fronts.bounding.DESIGNS_AT_ONCE", 2_000)
    part = front(REFERENCE, ["parameters", "loss"], solver="bound", clock=Countdown(8))
    assert not part.complete
    figure = draw("front", part)
    assert "partial" in figure.axes[0].get_title(loc="left").lower()
    assert not overlaps(figure)
    (shaded,) = [c for c in figure.axes[0].collections if c.get_zorder() == 0]
    assert len(shaded.get_paths()) == len(part.unexplored)
    assert "shaded: not explored" in {text.get_text() for text in figure.axes[0].texts}


def test_cloud_is_of_designs_that_keep_the_limits() -> None:
    some = cloud(two(), 300)
    assert 100 <= len(some) <= 300
    assert (some[:, 1] <= 80e9).all()
    assert (some[:, 0] >= min(two().values["loss"]) - 1e-12).all()


def test_landscape_reads_at_both_sizes() -> None:
    for name in ("one-h100-1e24", "h100-cluster-90-days", "phone-2gb"):
        result = solve(Problem.load(name))
        for size in ("wide", "column"):
            check(draw("landscape", result, size=size))


@pytest.mark.slow
def test_same_bytes_from_the_same_front(tmp_path: Path) -> None:
    contents = []
    for name in ("a.svg", "b.svg"):
        save(depth_parameters(region_of("one-h100-1e24"), title="x"), tmp_path / name)
        save(draw("front", two()), tmp_path / f"f{name}")
        contents.append((tmp_path / name).read_bytes() + (tmp_path / f"f{name}").read_bytes())
    assert contents[0] == contents[1]


def test_nothing_to_draw() -> None:
    nothing = REFERENCE.with_settings({"budgets.serving_memory": "100 MB"})
    empty: Front = front(nothing, ["loss", "parameters"])
    with pytest.raises(ValueError, match="no design"):
        plots.front(empty, np.zeros((0, 2)))
    data: Region = region(nothing)
    with pytest.raises(ValueError, match="no design"):
        depth_parameters(data)
