"""Tables of width options are of bounded size and hold each option once."""

from __future__ import annotations

import numpy as np

from modelsizer import Problem
from modelsizer.optimizer.tables.spread import tables
from tests.support import fine_menus

MOST_ROWS = 50_000


def test_no_table_is_larger_than_its_bound() -> None:
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100).to_dict()
    problem["space"] = {
        "layers": 24, "d_model": 4096, "kv_heads": 8, "vocab_size": 32_000,
        "d_ff": {"min": 1, "max": 120_000},
    }  # fmt: skip
    found = list(tables(Problem.from_tables(problem), names=()))
    assert [len(table) for table in found] == [MOST_ROWS, MOST_ROWS, 20_000]
    assert np.array_equal(np.concatenate([t["d_ff"] for t in found]), np.arange(1, 120_001))
