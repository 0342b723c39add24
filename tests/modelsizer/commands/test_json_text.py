"""JSON of answers: readable, a row a line, and the values of the standard library."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from modelsizer.commands.json_text import json_pieces

VALUES: list[Any] = [
    {}, [], None, "", 3, {"a": {}, "b": [], "c": ()}, [[]], [{}],
    {"a": {"b": {"c": [1, 2.5, True, None, "é\n"]}}},
    {"rows": [{"x": 2**70, "y": 1e-300, "z": [1, {"w": 0.1}]}, {"x": -0.0}], "n": 0.1 + 0.2},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_are_those_of_the_standard_library(value: Any) -> None:
    text = "".join(json_pieces(value))
    assert json.dumps(json.loads(text)) == json.dumps(value)
    assert text.endswith("\n")


def test_rows_are_a_line_each_and_may_be_made_as_they_are_written() -> None:
    content = {"name": "x", "by": {"sense": "max"}, "rows": ({"rank": i} for i in (1, 2))}
    assert "".join(json_pieces(content)).splitlines() == [
        "{",
        '  "name": "x",',
        '  "by": {',
        '    "sense": "max"',
        "  },",
        '  "rows": [',
        '    {"rank": 1},',
        '    {"rank": 2}',
        "  ]",
        "}",
    ]
    assert "".join(json_pieces({"rows": iter(())})) == '{\n  "rows": []\n}\n'


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        list(json_pieces({"rows": [{"loss": math.nan}]}))
