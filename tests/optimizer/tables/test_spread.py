"""A table of all layouts has the rows and the costs of the tables of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.tables.building import build_table, needed
from modelsizer.optimizer.tables.spread import groups, spreads, tables
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.quantities.auxiliary import ACCELERATORS, TRAINING_FLOPS_EACH
from modelsizer.problems.space.layouts import Layout, columns
from tests.support import fine_menus

CLUSTER: dict[str, Any] = {
    "space": {
        "layers": {"min": 12, "max": 24, "step": 2}, "d_model": [1024, 1536],
        "head_dim": [64, 128], "kv_heads": [2, 4], "ffn_ratio": [2.5, 3.5], "vocab_size": 32_768,
    },
    "training": {
        "sequence_length": 2048, "accelerator": "H100-SXM", "accelerators": 48, "interleave": 2,
        "tensor_parallel": [1, 2, 4], "pipeline_parallel": [1, 2, 3, 4, 5], "zero_stage": 1,
    },
    "budgets": {"training_time": "30 days", "training_memory": "40 GB"},
}  # fmt: skip
MIXED = {
    "space.head_dim": 64, "space.ffn_ratio": 3.5, "space.full_every": [1, 3],
    "space.between": "window", "space.window": 1024,
    "space.experts": {"routed": [0, 8], "active": [2], "granularity": 2, "dense_layers": [0, 1]},
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "one kind of layer": {},
    "several kinds": MIXED,
    "full recomputation": MIXED | {"training.recompute": "full", "training.dropout": True},
    "fixed tokens": {"training.tokens": "1e11 tokens"},
    "least FLOPs": {"budgets.training_flops": {"min": 1e20}},
    "beyond 64 bits": {"training.sequence_length": 2**30, "training.flash_attention": False,
                       "training.recompute": "none", "training.interleave": 2**20},
    "one layout": {"training.tensor_parallel": 2, "training.pipeline_parallel": 1},
}  # fmt: skip


def rows(table: Table) -> Counter[tuple[object, ...]]:
    """Designs at both ends of every row, with layout and exact costs."""
    found: Counter[tuple[object, ...]] = Counter()
    row = np.arange(len(table))
    for j in (0 * table.count, table.count - 1):
        counts = table.depths.counts(row, j)
        costs = {name: cost.at(row, j) for name, cost in sorted(table.linear.items())}
        for at in row:
            widths = tuple(sorted((n, int(w[at])) for n, w in table.widths.items()))
            values = tuple(
                (name, int(value[at]) / table.linear[name].denominator)
                for name, value in costs.items()
            )
            layout = table.layout[table.layout_id[at]]
            layers = tuple(int(n) for n in counts[at] if n)
            found[table.structure[0], layout, widths, layers, values] += 1
    return found


@pytest.mark.parametrize("case", CASES)
def test_rows_are_those_of_a_table_a_layout(case: str) -> None:
    problem = Problem.from_tables(CLUSTER).with_settings(CASES[case])
    together: Counter[tuple[object, ...]] = Counter()
    apart: Counter[tuple[object, ...]] = Counter()
    for table in tables(problem):
        together += rows(table)
    for layout, options in problem.options():
        apart += rows(build_table(problem, layout, options))
    assert together and together == apart
    assert sum(table.designs for table in tables(problem)) == problem.counted.pairs


def test_costs_that_no_rule_reads_are_not_counted() -> None:
    names = {
        case: needed(Problem.from_tables(CLUSTER).with_settings(CASES[case])) for case in CASES
    }
    assert not {TRAINING_FLOPS_EACH, ACCELERATORS} & {*names["one kind of layer"]}
    assert TRAINING_FLOPS_EACH in names["fixed tokens"]
    assert ACCELERATORS in names["least FLOPs"]


def test_layouts_share_a_table_unless_flops_are_counted_per_accelerator() -> None:
    problem = Problem.from_tables(CLUSTER)
    assert len(groups(problem, problem.layouts)) == 1
    assert len(list(spreads(problem, 200_000))) == 1
    fixed = problem.with_settings(CASES["fixed tokens"])
    numbers = {layout.accelerators for layout in fixed.layouts}
    assert len(groups(fixed, fixed.layouts)) == len(numbers) > 1


def test_tables_are_of_bounded_size_whatever_the_number_of_layouts() -> None:
    problem = Problem.from_tables(CLUSTER)
    assert len(problem.layouts) == 15
    assert max(len(table) for table in tables(problem, 300, names=())) <= 300


def test_columns_are_the_degrees_of_each_row() -> None:
    several = columns([Layout(8, 1, 1), Layout(2, 2, 1)], np.array([1, 0, 1]), np.int64)
    assert several.accelerators.tolist() == [4, 8, 4]  # type: ignore[attr-defined]


def test_no_table_is_larger_than_its_bound() -> None:
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100).to_dict()
    problem["space"] = {
        "layers": 24, "d_model": 4096, "kv_heads": 8, "vocab_size": 32_000,
        "d_ff": {"min": 1, "max": 120_000},
    }  # fmt: skip
    found = list(tables(Problem.from_tables(problem), names=()))
    assert [len(table) for table in found] == [50_000, 50_000, 20_000]
    assert np.array_equal(np.concatenate([t["d_ff"] for t in found]), np.arange(1, 120_001))
