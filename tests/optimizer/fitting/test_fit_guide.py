"""The guide to fitting: its runs, its law and its picture belong together."""

from __future__ import annotations

import hashlib
import tomllib

import numpy as np
import pytest

from modelsizer.optimizer.fitting.fit import fit_form
from modelsizer.optimizer.fitting.own_forms import form_of
from modelsizer.optimizer.fitting.runs import read_runs
from tests.support.shared import ROOT

DOCS = ROOT / "docs"
TRUTH = {"E": 1.7, "A": 450.0, "A.parameters": -0.34, "B": 1900.0, "B.tokens": -0.36,
         "R": 0.05, "R.ffn_ratio": 0.5, "S": 0.14, "S.ffn_ratio": -0.5,
         "Q": 0.06, "Q.kv_heads": -0.6}  # fmt: skip
"""What the page says that the losses of its runs were computed from."""
NOISE = 0.0015


def test_the_runs_are_of_the_law_that_the_page_gives() -> None:
    form = form_of(DOCS / "form.toml")
    assert list(form.coefficients) == list(TRUTH)
    runs = read_runs(DOCS / "runs.csv", form)
    residuals = np.log(form.loss(np.array(list(TRUTH.values())), runs.columns) / runs.loss)
    assert len(residuals) == 72
    assert residuals.std() == pytest.approx(NOISE, rel=0.2)
    assert np.abs(residuals).max() < 4 * NOISE


def test_the_law_is_the_fit_of_the_runs() -> None:
    path = DOCS / "mylaw.toml"
    written = tomllib.loads(path.read_text())
    law, provenance = written["law"], written["provenance"]
    runs = (DOCS / "runs.csv").read_bytes()
    assert provenance["sha256"] == hashlib.sha256(runs).hexdigest()
    assert len(written["bootstrap"]["draws"]) == 200
    assert path.stat().st_size < 60_000
    form = form_of(path)
    assert form.counts == "total"
    found = fit_form(read_runs(DOCS / "runs.csv", form).design(form), provenance["delta"])
    assert found.objective == pytest.approx(provenance["objective"], rel=1e-6)
    for name, error in law["standard_errors"].items():
        assert found.coefficients[name] == pytest.approx(form.start[name], abs=0.02 * error)
        assert abs(form.start[name] - TRUTH[name]) < error  # as the page says
