"""Predictions against measured rows; the table is printed by `python -m benchmarks.measured`."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.measured import Row, all_rows, shares
from benchmarks.measured.fit import FORMS, fitted
from benchmarks.measured.held_out import Checked, checked, shares_of
from benchmarks.measured.steps import measured_steps
from modelsizer.problems.hardware.efficiencies import decode
from tests.support.shared import reference

# What is reached, less a little: quantity, share within 20 %, share within a factor of 2.
REACHED = {
    "decode": (0.83, 0.99),
    "first token": (0.6, 1.0),
    "batched": (0.7, 1.0),
    "training MFU": (0.83, 0.97),
    "training memory": (0.5, 0.9),
    "KV bytes": (1.0, 1.0),
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return all_rows(reference("decode_latency.json").parent)


def test_half_within_a_fifth_and_nine_tenths_within_a_factor_of_two(rows: list[Row]) -> None:
    near, twice = shares(np.array([row.ratio for row in rows]))
    assert len(rows) > 300
    assert near >= 0.5 and twice >= 0.9


@pytest.mark.parametrize("quantity", REACHED)
def test_each_quantity_is_as_near_as_the_docs_say(rows: list[Row], quantity: str) -> None:
    near, twice = shares(np.array([row.ratio for row in rows if row.quantity == quantity]))
    assert near >= REACHED[quantity][0] and twice >= REACHED[quantity][1]


@pytest.fixture(scope="module")
def steps() -> list[Checked]:
    return list(checked(reference("fresh_measurements.json").parent))


@pytest.mark.parametrize(("engine", "near"), [("vLLM", 0.75), ("llama.cpp", 0.75)])
def test_steps_left_out_of_the_fit_are_as_near_as_they_should_be(
    steps: list[Checked], engine: str, near: float
) -> None:
    """Every fifth row by position is in no fit; about four in five lie in the band."""
    rows = [row for row in steps if row.left_out and row.case.engine == engine]
    assert len(rows) > 30
    within, half, twice, inside = shares_of(rows)
    assert within >= near and half >= 0.9 and twice >= 0.98
    assert 0.75 <= inside <= 0.85


def test_a_band_holds_at_any_batch(steps: list[Checked]) -> None:
    rows = [row for row in steps if row.case.engine == "vLLM" and not row.case.suspect]
    for name in {row.batch for row in rows} - {"batch 1"}:
        assert 0.7 <= shares_of([row for row in rows if row.batch == name])[-1] <= 0.92


@pytest.mark.slow
def test_the_fit_gives_the_constants_that_ship() -> None:
    form = FORMS[0]
    found = measured_steps(reference("fresh_measurements.json").parent)
    rows = [s for s in found if form.holds(s) and s.case.engine == form.engine]
    rows = [s for s in rows if not s.held_out and not s.case.suspect]
    device = rows[0].device
    ships = decode(device, "vllm", weight_bits=8, expert_bits=8, precision="fp8")
    wanted = [ships.sequence, ships.routed_value, ships.mixture]
    assert fitted(form, rows) == pytest.approx(wanted, rel=0.03)
