"""The least loss of a fitted law at each compute, its band and its picture."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import fit, plots
from modelsizer.cli import app
from modelsizer.optimizer.fitting.compute_frontier import compute_frontier
from modelsizer.optimizer.fitting.forms import FORMS
from modelsizer.optimizer.fitting.study import Study
from tests.support.covered import covered
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.fitting_runs import table

FORM = FORMS["chinchilla"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = table(FORM, runs=40)
    found = tmp_path_factory.mktemp("runs") / "runs.csv"
    with found.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["params", "tokens", "loss"])
        writer.writerows(zip(runs["N"], runs["D"], runs["loss"], strict=True))
    return found


@cache
def study_of(path: Path, bootstrap: int) -> Study:
    return fit(path, "chinchilla", bootstrap=bootstrap)


def test_it_is_the_least_of_all_sizes(path: Path) -> None:
    study = study_of(path, 40)
    found = compute_frontier(study, 3e24)
    n = np.geomspace(1e6, 1e15, 20_001)
    least = [
        float(FORM.loss(study.fit.values, {"N": n, "D": c / (6 * n)}).min()) for c in found.flops
    ]
    np.testing.assert_allclose(found.loss, least, rtol=1e-6)
    assert (found.loss <= np.array(least) * (1 + 1e-12)).all()
    assert found.target_flops == 3e24 and 3e24 in found.flops
    assert found.target_tokens * found.target_parameters * 6 == pytest.approx(3e24)
    at = {"N": np.array([found.target_parameters]), "D": np.array([found.target_tokens])}
    assert FORM.loss(study.fit.values, at)[0] == pytest.approx(found.target_loss, rel=1e-9)
    flops = study.runs.columns["C"]
    assert found.flops[0] < flops.min() and found.flops[-1] > 3e24 > flops.max()
    assert study.compared is not None
    assert compute_frontier(study).target_flops == study.compared.target_flops == 1e24


def test_the_band_holds_the_middle_of_the_draws(path: Path) -> None:
    study = study_of(path, 40)
    found = compute_frontier(study)
    assert found.low is not None and found.high is not None and found.target_band is not None
    assert (found.low < found.high).all()
    assert (found.low < found.loss).mean() > 0.9 and (found.loss < found.high).mean() > 0.9
    width = found.high - found.low
    assert width[-1] > 2 * width[len(width) // 2]  # the law is known worse beyond its runs
    at = int(np.searchsorted(found.flops, found.target_flops))
    assert found.target_band == (found.low[at], found.high[at])
    none = compute_frontier(replace(study, bootstrap=None))
    assert none.low is none.high is none.target_band is None
    np.testing.assert_array_equal(none.loss, found.loss)


def test_no_best_size(path: Path) -> None:
    study = study_of(path, 40)
    rising = dict(zip(FORM.coefficients, study.fit.values, strict=True)) | {"alpha": -0.1}

    class Changed:
        form, coefficients, values = FORM, rising, np.array(list(rising.values()))

    with pytest.raises(ValueError, match="no best size"):
        compute_frontier(replace(study, fit=Changed()))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_the_picture(path: Path, size: str) -> None:
    study = study_of(path, 40)
    figure = plots.fit(study, "scaling", title="x", size=size)
    check(figure)
    assert not covered(figure)
    axes = figure.axes[0]
    found = compute_frontier(study)
    (mark,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert mark.get_xdata()[0] == found.target_flops  # type: ignore[index]
    assert mark.get_ydata()[0] == found.target_loss  # type: ignore[index]
    (runs,) = [c for c in axes.collections if len(c.get_offsets()) == len(study.runs.loss)]
    np.testing.assert_allclose(runs.get_offsets()[:, 1], study.runs.loss)  # type: ignore[index, call-overload]
    solid, dashed = (line for line in axes.lines if line.get_linestyle() in ("-", "--"))
    assert solid.get_xdata()[-1] <= study.runs.columns["C"].max()  # type: ignore[index]
    assert solid.get_xdata()[-1] == dashed.get_xdata()[0]  # type: ignore[index]
    assert axes.get_ylabel() == "loss (nats per token)" and figure.axes[1].get_ylabel()


@pytest.mark.slow
def test_the_command(path: Path, tmp_path: Path) -> None:
    to = tmp_path / "x.svg"
    words = ["fit", str(path), "--bootstrap", "0", "--at", "5e23", "--figure", "scaling"]
    answer = CliRunner().invoke(app, [*words, "--plot", str(to)])
    assert answer.exit_code == 0, answer.stderr
    assert "target 5" in to.read_text()
