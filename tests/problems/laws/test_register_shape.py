"""A shape law whose bound is above its excess is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import register_shape
from modelsizer.problems.laws.shapes import SHAPE_LAWS, ShapeLaw


class Negative(ShapeLaw):
    name = "negative"

    def excess(self, d_model: Any, layers: Any) -> Any:
        return -0.1 * (layers >= 100) + 0 * d_model


class HighBound(Negative):
    def excess(self, d_model: Any, layers: Any) -> Any:
        return 0.0 * d_model * layers

    def least_excess(self, d_low: Any, d_high: Any, layers_low: Any, layers_high: Any) -> Any:
        return 0.1 + 0.0 * d_low


@pytest.mark.parametrize(
    ("law", "error", "word"),
    [
        (Negative(), ValueError, "is negative at d_model"),
        (HighBound(), ValueError, "above the excess"),
        ("negative", TypeError, "a ShapeLaw"),
    ],
)
def test_shapes_that_break_a_promise_are_refused(law: Any, error: type, word: str) -> None:
    with pytest.raises(error, match=word):
        register_shape(law)
    assert "negative" not in SHAPE_LAWS


@pytest.mark.parametrize("name", SHAPE_LAWS)
def test_shapes_that_come_with_modelsizer_are_accepted(name: str) -> None:
    register_shape(SHAPE_LAWS[name])
