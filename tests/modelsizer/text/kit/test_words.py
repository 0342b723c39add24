"""Numbers in words."""

from __future__ import annotations

import pytest

from modelsizer.text.kit.words import (
    and_more,
    counted,
    joined,
    percent,
    short_percent,
    signed,
    signed_percent,
)


@pytest.mark.parametrize(
    ("change", "dimension", "said"),
    [
        (0.0035254, "nats", "+0.0035"),
        (-2e-7, "nats", "-2e-7"),
        (2e-16, "nats", "0"),
        (0, "nats", "0"),
        (None, "nats", "-"),
        (-1.5e9, "parameters", "-1.5B"),
    ],
)
def test_changes_have_a_sign(change: float | None, dimension: str, said: str) -> None:
    assert signed(change, dimension) == said


def test_percents() -> None:
    assert percent(0.2544) == "25.4 %" and percent(0.5, 0) == "50 %"
    assert [short_percent(x) for x in (0.0062, 0.041, -0.51)] == ["0.62 %", "4.1 %", "-51 %"]
    assert [signed_percent(x) for x in (12.34, -0.456, 0, None)] == ["+12.3 %", "-0.46 %", "0", "-"]


def test_lists_and_counts() -> None:
    assert [joined(["a", "b", "c"][:n]) for n in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
    assert counted(1, "law") == "1 law" and counted(1024, "law") == "1,024 laws"
    assert and_more(0) == and_more(-3) == "" and and_more(1200, " there") == "and 1,200 more there"


def test_thousands_of_percent_are_grouped() -> None:
    assert percent(33.32) == "3,332.0 %" and percent(0.254) == "25.4 %"
