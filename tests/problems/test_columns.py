"""Structs of arrays: rows taken, and parts joined with further axes padded."""

from __future__ import annotations

import numpy as np

from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import coded, first_alike, numbered, packed
from modelsizer.problems.space.widths import Options


def options(block: str, rows: int, kinds: int, axes: int) -> Options:
    rng = np.random.default_rng(rows)
    depths = Depths(
        rng.integers(1, 9, (rows, kinds)),
        rng.integers(0, 3, (rows, kinds, axes)),
        rng.integers(1, 5, (rows, axes)),
    )
    return Options(Structure(block), {"d_model": rng.integers(1, 99, rows)}, depths)


def test_rows_are_taken_by_position_mask_and_slice() -> None:
    whole = options("llama", 5, 2, 1)
    mask = np.array([True, False, False, True, False])
    for where in (mask, np.array([0, 3]), slice(0, 4, 3)):
        part = whole.take(where)
        assert len(part) == 2 and part.structure == Structure("llama")
        assert part["d_model"].tolist() == whole["d_model"][[0, 3]].tolist()
        assert (part.depths.start == whole.depths.start[[0, 3]]).all()


def test_joined_parts_hold_the_same_designs() -> None:
    parts = [options("llama", 3, 1, 1), options("llama", 4, 2, 2), options("llama", 1, 2, 1)]
    whole = Options.join(parts)
    assert len(whole) == 8
    assert whole.depths.step.shape == (8, 2, 2)
    assert whole.designs == sum(part.designs for part in parts)
    row = 0
    for part in parts:
        for mine in range(len(part)):
            assert part.depths.deepest[mine].sum() == whole.depths.deepest[row].sum()
            row += 1


def test_rows_of_several_axes_become_rows_of_one() -> None:
    depths = options("llama", 6, 2, 2).depths
    row, flat = depths.one_axis()

    def listed(some: Depths, names: list[int]) -> list[tuple[int, ...]]:
        found = []
        for i, name in enumerate(names):
            for j in np.ndindex(*some.count[i]):
                counts = some.counts(np.array([i]), np.array([j]))[0]
                found.append((name, *map(int, counts)))
        return sorted(found)

    assert flat.count.shape[1] == 1
    assert listed(flat, row.tolist()) == listed(depths, list(range(6)))
    at, some = depths.divided(3)
    kept = [d for d in listed(depths, list(range(6))) if sum(d[1:]) % 3 == 0]
    assert listed(some, at.tolist()) == kept
    least, most = np.full(6, 8), np.full(6, 14)
    at, some = depths.between(least, most)
    kept = [d for d in listed(depths, list(range(6))) if 8 <= sum(d[1:]) <= 14]
    assert listed(some, at.tolist()) == kept


def test_values_are_numbered_by_what_they_are() -> None:
    long = [10**30 + k % 3 for k in range(7)]  # equal, and yet other objects
    of, distinct = numbered(long)
    assert of.tolist() == [0, 1, 2, 0, 1, 2, 0] and distinct == long[:3]
    assert numbered(iter(()))[0].tolist() == []


def test_rows_are_packed_into_one_number_each() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, most, 500) for most in (3, 10**9, 4, 7)]
    columns[1] %= 5
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    code = packed(*columns)
    assert len({*zip(code.tolist(), rows, strict=True)}) == len({*rows}) == len({*code.tolist()})
    code, known = coded(*columns)
    assert [known[each] for each in code] == rows


def test_equals_have_one_first_position() -> None:
    assert first_alike([4, 2, 4, 0, 2]).tolist() == [0, 1, 0, 3, 1]
