"""Sorting on disk against sorting in memory."""

from __future__ import annotations

import errno
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from modelsizer.optimizer.surveys import sorted_runs
from modelsizer.optimizer.surveys.sorted_runs import Rows, SortedRuns, TemporaryFileError


@pytest.fixture(autouse=True)
def few_rows_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_runs, "SPARSE", 8)
    monkeypatch.setattr(sorted_runs, "IN_MEMORY", 1000)


def parts_of(seed: int) -> list[Rows]:
    """Parts whose columns have values of unlike sizes, and one that is the same in many."""
    rng = np.random.default_rng(seed)
    values = rng.random(int(rng.integers(1, 400))) if seed % 3 else np.arange(5) / 4
    found: list[Rows] = []
    for number, rows in enumerate(rng.integers(0, 200, int(rng.integers(0, 9)))):
        size = int(rows)
        found.append({
            "value": rng.choice(values, size),
            "small": rng.integers(0, 3, size),
            "large": rng.integers(-5, 2**60, size) // 2 ** int(rng.integers(0, 60)),
            "same": np.full(size, 300 * (number % 2)),
            "place": np.arange(size) + 1000 * number,
        })  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(30))
def test_pieces_are_the_rows_in_order(seed: int) -> None:
    parts = parts_of(seed)
    runs = SortedRuns(["value", "small", "large", "place"])
    for part in parts:
        runs.add(part)
    assert runs.rows == sum(len(part["value"]) for part in parts)
    for at_once in (1, 50, 10**6):
        pieces = list(runs.pieces(at_once))
        if not runs.rows:
            assert not pieces
            continue
        assert all(list(piece) == list(parts[0]) for piece in pieces)
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.lexsort([whole[key] for key in runs.keys[::-1]])
        for name, column in whole.items():
            assert (np.concatenate([piece[name] for piece in pieces]) == column[order]).all()
        assert at_once > runs.rows or len(pieces) > runs.rows / (at_once + 20 * 8) - 1


@pytest.mark.parametrize("seed", range(30))
def test_near_rows_are_in_one_piece(seed: int) -> None:
    runs, near = SortedRuns(["value"]), 0.002
    for part in parts_of(seed):
        runs.add(part)
    ends = [(piece["value"][0], piece["value"][-1]) for piece in runs.pieces(20, near)]
    for (_, last), (first, _) in pairwise(ends):
        assert first - last > near * first


def test_a_full_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, _place: int) -> None: ...

        def close(self) -> None: ...

        def write(self, _content: bytes) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sorted_runs.tempfile, "SpooledTemporaryFile", lambda _most: Full())
    runs = SortedRuns(["value"])
    with pytest.raises(TemporaryFileError, match="No space left on device; the environment"):
        runs.add({"value": np.arange(3.0)})
