"""Errors of the laws of the catalogue, nats a token, recomputed on their runs."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest

from modelsizer.problems.laws.pages import LAW_PAGES
from modelsizer.problems.laws.published import token_law
from tests.support.shared import reference


def rms(errors: Any) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def columns_of(name: str) -> dict[str, Any]:
    """The columns of a table of runs, numbers as arrays."""
    path = reference(name)
    with path.open() as file:
        rows = list(csv.DictReader(file)) if path.suffix == ".csv" else list(map(json.loads, file))

    def read(values: list[Any]) -> Any:
        try:
            return np.array([float(value) for value in values])
        except (TypeError, ValueError):
            return np.array(values)

    return {key: read([row[key] for row in rows]) for key in rows[0]}


@pytest.mark.reference
@pytest.mark.parametrize(
    "name", ["hoffmann-2022", "hoffmann-2022-rounded", "hoffmann-2022-outer", "besiroglu-2024"]
)
def test_errors_on_the_runs_of_hoffmann(name: str) -> None:
    runs = columns_of("chinchilla_runs.csv")
    n, loss = runs["Model Size"], runs["loss"]
    kept = np.argsort(loss)[:240]
    errors = (token_law(name).loss(n, runs["Training FLOP"] / 6 / n) - loss)[kept]
    assert rms(errors) == pytest.approx(LAW_PAGES[name].rms, abs=6e-4)
    if name == "hoffmann-2022-rounded":
        assert errors.mean() == pytest.approx(0.045, abs=5e-4)


@pytest.mark.reference
def test_error_of_gemstones_without_what_all_runs_are_off_by() -> None:
    runs = columns_of("gemstones_runs.jsonl")
    kept = runs["tokens"] >= 99e9
    law = token_law("gemstones-2025").of({"d_model": runs["width"], "layers": runs["depth"]})
    predicted = law.loss(runs["params_active_precise"], runs["tokens"])[kept]
    seen = runs["final_loss"][kept]
    off = float(np.exp(np.log(predicted / seen).mean()))
    assert (int(kept.sum()), off) == (572, pytest.approx(0.956, abs=1e-3))
    assert rms(predicted / off - seen) == pytest.approx(LAW_PAGES["gemstones-2025"].rms, abs=6e-4)


@pytest.mark.reference
@pytest.mark.parametrize(("role", "many"), [("fit", 35), ("held out", 41)])
def test_error_of_bian_on_its_runs(role: str, many: int) -> None:
    runs = columns_of("modern/bian2025a_runs.csv")
    kept = runs["role"] == role
    law = token_law("bian-2025").of({"aspect_ratio": runs["d_model"] / runs["layers"]})
    errors = (law.loss(runs["parameters"], runs["tokens"]) - runs["loss"])[kept]
    assert int(kept.sum()) == many
    assert rms(errors) == pytest.approx(LAW_PAGES["bian-2025"].rms, abs=1e-3)


@pytest.mark.reference
def test_error_of_the_outer_law_of_steplaw() -> None:
    runs = columns_of("modern/steplaw2025_dense_best.csv")
    errors = token_law("steplaw-2025-outer").loss(runs["N"], runs["D"]) - runs["smooth_loss"]
    assert rms(errors) == pytest.approx(LAW_PAGES["steplaw-2025-outer"].rms, abs=6e-5)
