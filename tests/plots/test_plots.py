"""What a figure shows, read from its data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelsizer import Problem, plots, solve
from modelsizer.optimizer.surveys.landscape import landscape
from modelsizer.plots.drawing.saving import save

PROBLEM = Problem.load("one-h100-1e24")
DATA = landscape(PROBLEM)
BEST = solve(PROBLEM, solver="exhaustive").best


def test_landscape_is_the_least_loss_of_each_cell() -> None:
    layers, d_model = BEST.architecture.layers, BEST.architecture.trunk.d_model
    row = int(np.searchsorted(DATA.layers, layers))
    column = int(np.searchsorted(DATA.d_model, d_model))
    assert np.nanmin(DATA.loss) == pytest.approx(BEST.loss, rel=1e-12)
    assert DATA.loss[row, column] == np.nanmin(DATA.loss)
    assert np.isfinite(DATA.loss).sum() < DATA.exists.sum()
    # Where any budget is overspent by the leanest design there is no loss to show.
    for share in DATA.share.values():
        assert not np.isfinite(DATA.loss[share > 1]).any()


def test_figure_marks_the_optimum_and_names_the_limits() -> None:
    best = (BEST.architecture.layers, BEST.architecture.trunk.d_model, BEST.loss)
    figure = plots.landscape(DATA, best, binding=frozenset({"serving_memory"}), title="x")
    axes = figure.axes[0]
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (best[1], best[0])  # type: ignore[index]
    words = {text.get_text() for text in axes.texts}
    assert {"serving memory", "parameters", "infeasible"} <= words
    assert axes.get_xlabel() == "d_model"
    assert axes.get_ylabel() == "layers"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files_are_the_same_bytes(ending: str, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{ending}"
        save(plots.landscape(DATA), path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_refuses_other_endings_and_single_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must end"):
        save(plots.landscape(DATA), tmp_path / "x.bmp")
    single = landscape(PROBLEM.with_settings({"space.layers": 60}))
    with pytest.raises(ValueError, match="two depths"):
        plots.landscape(single)
