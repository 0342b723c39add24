"""A fit that is stopped says what it lacks; what it has is that of the whole fit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelsizer import fit
from modelsizer.optimizer.fitting.bootstrap import bootstrap
from modelsizer.optimizer.fitting.from_runs import form_named
from modelsizer.optimizer.fitting.procedure import FitOptions, study
from modelsizer.optimizer.fitting.runs import read_runs
from modelsizer.optimizer.fitting.study import Study
from modelsizer.problems.errors import ArgumentError
from tests.support.clocks import Countdown
from tests.support.shared import ROOT

RUNS = ROOT / "docs" / "runs.csv"
FORM = form_named("chinchilla")
TABLE = read_runs(Path(RUNS), FORM)
OPTIONS = FitOptions(samples=200, hold_out=0.2, cross_check=True)


@cache
def whole() -> Study:
    return study(TABLE, FORM, OPTIONS)


@pytest.mark.parametrize("looks", [0, 3, 40, 300, 800, 2000])
def test_stopped_at_any_time_it_says_what_is_missing(looks: int) -> None:
    part = study(TABLE, FORM, OPTIONS, Countdown(looks))
    assert part.complete == (part.to_dict()["stop"] == "proven")
    assert part.fit.objective >= whole().fit.objective * (1 - 1e-9)
    if not part.complete:
        assert part.warnings[0].startswith("stopped ")
    if part.converged:
        assert part.fit.coefficients == whole().fit.coefficients
        if part.bootstrap is not None and whole().bootstrap is not None:
            draws = part.bootstrap.draws
            assert np.array_equal(draws, whole().bootstrap.draws[: len(draws)])
    else:
        assert part.bootstrap is None and part.hold_out is None
    assert whole().complete or looks


def test_fewer_samples_than_asked_are_the_first_of_them() -> None:
    few = bootstrap(whole().fit, 200, clock=Countdown(400))
    assert whole().bootstrap is not None
    if few is not None:
        assert np.array_equal(few.draws, whole().bootstrap.draws[: len(few.draws)])


def test_more_samples_than_memory_holds_are_refused_before_the_fit() -> None:
    with pytest.raises(ArgumentError, match=r"bootstrap: 10,000,000,000 samples .* GB is free"):
        fit(RUNS, bootstrap=10**10)
