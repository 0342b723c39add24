"""Digits of losses and of their differences."""

from __future__ import annotations

import math

import pytest

from modelsizer.problems.laws.digits import loss_places, loss_text, nats_text


@pytest.mark.parametrize(
    ("rms", "text"),
    [(0.026, "1.981"), (0.0096, "1.9808"), (0.0028, "1.9808"), (0.12, "1.98"), (2.0, "1.98"),
     (1e-9, "1.980847"), (None, "1.981")],
)  # fmt: skip
def test_a_loss_has_the_digits_of_its_laws_error(rms: float | None, text: str) -> None:
    assert loss_text(1.9808471545706112, rms) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.000236, "0.00024"), (0.0213, "0.021"), (0.21349, "0.213"), (12.3456, "12.346"),
     (-0.0064, "-0.0064"), (0.00095, "0.00095"), (1.23e-7, "1.2e-7"), (0.0, "0"), (3e-15, "0")],
)  # fmt: skip
def test_a_difference_has_two_significant_digits_at_least(value: float, text: str) -> None:
    assert nats_text(value, 0.026) == text


def test_the_last_digit_of_a_loss_is_below_its_error() -> None:
    for k in range(-50, 1):
        rms = 10 ** (k / 10)
        assert 10.0 ** -loss_places(rms) <= max(rms, 1e-6)
        if rms <= 0.1:
            assert rms < 101 * 10.0 ** -loss_places(rms)
    assert loss_text(math.inf, 0.02) == "unlimited"
