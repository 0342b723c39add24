"""Packed rows: all of them come back, small, and the same each time."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from modelsizer.live.packed import columns, packed
from tests.support.packed_rows import unpacked

LEAVES = (
    None,
    True,
    False,
    0,
    1,
    -3,
    2.5,
    1e24,
    "",
    "a",
    "</script>",
    "16 GiB",
    "\u2264 \U0001f600",
    "__proto__",
)


def drawn(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth == 0 or kind < 0.4:
        return rng.choice(LEAVES)
    if kind < 0.7:
        return [drawn(rng, depth - 1) for _ in range(rng.randrange(4))]
    keys = rng.sample(("k", "u", "i", "d", "l", "g", "of", "__proto__"), rng.randrange(4))
    return {key: drawn(rng, depth - 1) for key in keys}


@pytest.mark.parametrize("seed", range(40))
def test_rows_come_back(seed: int) -> None:
    rng = random.Random(seed)
    few = [drawn(rng, 3) for _ in range(rng.randrange(1, 6))]
    rows = [rng.choice(few) for _ in range(rng.randrange(1, 30))]
    assert unpacked(packed(rows)) == rows
    assert json.dumps(unpacked(packed(rows))) == json.dumps(rows)  # 1, True and 1.0 are told apart


def test_what_repeats_is_written_once() -> None:
    rows = [{"layers": i % 7, "text": "the same", "limits": [["a", i // 7]]} for i in range(700)]
    assert columns(rows)["d"]["text"] == {"k": "the same"}
    assert columns(rows)["d"]["layers"]["u"] == list(range(7))
    assert len(packed(rows)) < 700
    assert packed(rows) == packed(json.loads(json.dumps(rows)))


def test_no_number_is_lost_and_none_is_infinite() -> None:
    doubles = [0.1 + 0.2, 1.9821234567890123, 5e-324, 1.7976931348623157e308]
    assert unpacked(packed(doubles)) == doubles
    with pytest.raises(ValueError, match="not JSON compliant"):
        packed([float("inf"), 1.0])
