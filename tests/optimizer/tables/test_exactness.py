"""Tables of quantities are exact where 64-bit integers would overflow."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.bounds.limits import Limit, depth_intervals
from modelsizer.optimizer.tables.spread import tables
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.quantities.rows import QUANTITIES

SPACE = {"layers": {"min": 2, "max": 12}, "d_model": [32768, 65536], "vocab_size": 32768,
         "kv_heads": 1, "heads": 256, "ffn_multiple": 256}  # fmt: skip
SLOW = {"bandwidth": "1 GB/s", "bf16_flops": "1 GFLOP/s", "memory": "80 GB", "link": 1}
FAST = {"bandwidth": 1e20, "bf16_flops": 1e25, "memory": "80 GB", "link": 1e25}
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "slow": {"serving": {"custom_accelerator": SLOW, "prompt_length": 10**6, "prompts": 1000}},
    "one byte a second": {"serving": {"custom_accelerator": SLOW | {"bandwidth": 1}}},
    "fast": {"serving": {"custom_accelerator": FAST, "batch_size": 2**31, "overhead": 0,
                         "context_length": 2**31}},
    "copies": {"serving": {"custom_accelerator": FAST, "tensor_parallel": 256, "overhead": 0,
                           "context_length": 2**31, "batch_size": 2**20, "kv_bytes": 1e-9}},
    "digits": {"training": {"activation_bytes": 0.12345678901234567, "weight_bytes": 1.234567891,
                            "gradient_bytes": 2.1234567, "optimizer_bytes": 11.987654321},
               "serving": {"custom_accelerator": SLOW, "weight_bytes": 0.12345678901234567}},
    "interleaved": {"training": {"interleave": 2**31, "sequence_length": 2**31, "dropout": True,
                                 "flash_attention": False, "microbatch_size": 2**20}},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_tables_equal_designs_evaluated_alone(case: str) -> None:
    given: dict[str, Any] = {"space": SPACE, "training": {}, "budgets": {"tokens": 1e9}}
    problem = Problem.from_tables(given | {k: given.get(k, {}) | v for k, v in CASES[case].items()})
    names = [name for name, row in QUANTITIES.items() if row.affine and not problem.lacks(name)]
    for name in names:  # alone, as numbers of another would make the table one of Python integers
        (table,) = tables(problem, names=[name])
        for row in range(len(table)):
            one, j = np.array([row]), np.array([[int(table.count[row, 0]) - 1]])
            design = evaluate(problem, table.architecture(problem, row, j[0]))
            parts = [table.linear[part] for part in QUANTITIES[name].parts]
            value = max(int(p.at(one, j)[0]) / Fraction(p.denominator) for p in parts)
            assert value == design.exact[name], name


def test_limits_far_beyond_any_design() -> None:
    problem = Problem.from_tables(
        {"space": SPACE, "budgets": {"tokens": 1e9},
         "serving": {"custom_accelerator": SLOW | {"bandwidth": 1}}}
    )  # fmt: skip
    (table,) = tables(problem, names=["decode_latency", "parameters"])
    row = np.arange(len(table))
    for low, high, some in (
        (None, 10**312, True), (10**312, None, False), (-(10**312), None, True), (None, 0, False),
    ):  # fmt: skip
        rule = Limit("budgets.decode_latency", "decode_latency.memory", low, high)
        first, last = depth_intervals(table, [rule], row, 0 * table.count, table.count - 1)
        assert ((first <= last).all(axis=1) == some).all()
        if some:
            assert (first == 0).all()
            assert (last == table.count - 1).all()
