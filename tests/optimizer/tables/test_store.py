"""The cache of tables: read as far as was asked for, and never short after an interruption."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelsizer import Problem
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options

PROBLEM = Problem.load(
    "one-h100-1e24",
    {"training.accelerators": 8, "training.tensor_parallel": [1, 2, 4]},
)


def designs(store: TableStore) -> int:
    return sum(table.designs for table in store.tables(PROBLEM))


def test_tables_are_read_once_and_as_far_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read, options = [], Problem.options

    def counted(self: Problem, rows: int = 200_000) -> Iterator[tuple[Layout, Options]]:
        for found in options(self, rows):
            read.append(found[0])
            yield found

    monkeypatch.setattr(Problem, "options", counted)
    store = TableStore()
    next(store.tables(PROBLEM))
    assert len(read) == 1
    everything = designs(store)
    assert everything == PROBLEM.counted.pairs
    many = len(read)
    assert many >= 3 and designs(store) == everything and len(read) == many


def test_a_store_that_was_interrupted_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Problem.options

    def interrupted(self: Problem, rows: int = 200_000) -> Iterator[tuple[Layout, Options]]:
        yield next(options(self, rows))
        raise KeyboardInterrupt

    store = TableStore()
    with monkeypatch.context() as patch:
        patch.setattr(Problem, "options", interrupted)
        with pytest.raises(KeyboardInterrupt):
            designs(store)
    assert designs(store) == PROBLEM.counted.pairs


def test_loops_over_one_store_may_be_nested() -> None:
    store = TableStore()
    pairs = sum(1 for _ in store.tables(PROBLEM) for _ in store.tables(PROBLEM))
    assert pairs == sum(1 for _ in store.tables(PROBLEM)) ** 2
