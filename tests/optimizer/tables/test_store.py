"""The cache of tables: read as far as was asked for, and never short after an interruption."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelsizer import Problem
from modelsizer.optimizer.tables import store as store_module
from modelsizer.optimizer.tables.spread import Spread, spreads
from modelsizer.optimizer.tables.store import TableStore

PROBLEM = Problem.load(
    "one-h100-1e24",
    {"training.accelerators": 8, "training.tensor_parallel": [1, 2, 4]},
)


def designs(store: TableStore) -> int:
    return sum(table.designs for table in store.tables(PROBLEM))


def test_tables_are_read_once_and_as_far_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Spread] = []

    def counted(problem: Problem, rows: int) -> Iterator[Spread]:
        for found in spreads(problem, rows // 5000):
            read.append(found)
            yield found

    monkeypatch.setattr(store_module, "spreads", counted)
    store = TableStore()
    next(store.tables(PROBLEM))
    assert len(read) == 1
    everything = designs(store)
    assert everything == PROBLEM.counted.pairs
    many = len(read)
    assert many >= 3 and designs(store) == everything and len(read) == many


def test_a_store_that_was_interrupted_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(problem: Problem, rows: int) -> Iterator[Spread]:
        yield next(spreads(problem, rows))
        raise KeyboardInterrupt

    store = TableStore()
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "spreads", interrupted)
        with pytest.raises(KeyboardInterrupt):
            designs(store)
    assert designs(store) == PROBLEM.counted.pairs


def test_loops_over_one_store_may_be_nested() -> None:
    store = TableStore()
    pairs = sum(1 for _ in store.tables(PROBLEM) for _ in store.tables(PROBLEM))
    assert pairs == sum(1 for _ in store.tables(PROBLEM)) ** 2


def test_contexts_longer_than_every_window_share_a_space() -> None:
    problem = Problem.load("mixture-30b-a3b").with_settings(
        {"space.between": "window", "space.full_every": [1, 4], "space.window": [1024, 2048]}
    )
    contexts = (2048, 2049, 9000)
    trained, *longer = (
        problem.with_settings({"training.sequence_length": 512, "serving.context_length": n})
        for n in contexts
    )
    assert longer[0].space == longer[1].space != trained.space
    store = TableStore()
    assert store.grid(longer[0]) is store.grid(longer[1]) is not None
