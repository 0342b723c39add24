"""Counting by factors agrees with listing, and menus too large to search are refused."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem, ProblemError
from modelsizer.problems.designs.costs import architecture_at
from modelsizer.problems.space.counting import Counted, count_designs
from modelsizer.problems.space.options import options
from modelsizer.problems.space.splits import divided
from modelsizer.problems.space.stacks import structures
from modelsizer.problems.tables.menus import Menu

MENUS: dict[str, tuple[Any, ...]] = {
    "layers": ({"min": 3, "max": 12}, [4, 6, 7, 12]),
    "d_model": ([512, 640, 768], {"min": 256, "max": 1024, "step": 128}),
    "vocab_size": (32000, [32000, 32001, 50257, 50304]),
    "kv_heads": (None, [1, 2, 4], 3),
    "heads": (None, [4, 6, 8]),
    "head_dim": (None, [64, 128]),
    "d_ff": (None, [1000, 1024, 4096]),
    "tied_embeddings": ([True, False],),
    "block": ("llama", ["llama", "gpt2"]),
    "aspect_ratio": (None, {"min": 50, "max": 128}, [64, 128]),
    "full_every": (None, [1, 2, 3], [2, 5]),
    "full_layers": (None, None, {"min": 1, "max": 5}),
    "between": (None, ["window", "gated-deltanet"], ["mamba2"]),
    "window": ([128, 8192], 128, [64, 256]),
    "attention": (None, ["grouped", "latent"]),
    "experts": (
        None,
        {"routed": [0, 4, 8], "active": [1, 2, 8], "granularity": [1, 2, 2.01], "shared": [0, 1]},
        {"routed": 4, "active": [2, 6], "d_ff": [128, 192], "dense_layers": [0, 1, 4]},
    ),
}
MOST = 1000  # designs listed by hand
NARROW = {"layers": 8, "d_model": 512, "heads": 8, "head_dim": 64, "d_ff": 1024, "vocab_size": 1000}
MANY = {"min": 1, "max": 100_000}
LATENT = {"heads": [4, 8], "kv_lora_rank": [256, 512]}
LINEAR = {"key_heads": [2, 3], "value_heads": [4, 6], "heads": [4, 6]}
PARALLEL: tuple[dict[str, Any], ...] = (
    {},
    {"tensor_parallel": [1, 2, 4], "pipeline_parallel": [1, 2, 3]},
    {"tensor_parallel": [1, 3], "pipeline_parallel": 2},
    {"tensor_parallel": [1, 2], "expert_parallel": 4, "expert_tensor_parallel": 1},
)


def drawn(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(16)
    found = []
    for _ in range(count):
        picked = {key: values[rng.integers(len(values))] for key, values in MENUS.items()}
        space = {key: value for key, value in picked.items() if value is not None}
        if "full_layers" in space:
            space.pop("full_every", None)
        if "attention" in space:
            space["latent"] = LATENT
        if "between" in space:
            space["linear"] = LINEAR
        if "d_ff" not in space and rng.random() < 0.5:
            space["ffn_ratio"] = {"min": 2.0, "max": 4.0, "step": 0.25}
            space["ffn_multiple"] = [256, 1024]  # several ratios round to one width
        training = PARALLEL[rng.integers(len(PARALLEL))]
        if training:
            training = training | {"accelerators": 16}
        found.append({"space": space, "training": training, "budgets": {"training_flops": 1e20}})
    return found


def test_experts_that_no_way_holds_whole_are_not_counted() -> None:
    """Eight ways do not divide 2 or 12 experts, nor two ways one shared expert of width 129."""
    experts = {"routed": [2, 8, 12], "active": 2, "d_ff": [128, 129], "shared": [1, 2]}
    tables = {"space": NARROW | {"kv_heads": 8, "experts": experts},
              "budgets": {"training_flops": 1e20}}  # fmt: skip
    assert Problem.from_tables(tables).count_designs() == 3 * 2 * 2
    sharded = tables | {"serving": {"tensor_parallel": 2, "expert_parallel": 8}}
    assert Problem.from_tables(sharded).count_designs() == 3  # 129 x 2 shared ones are divided
    with pytest.raises(ProblemError, match="routed"):
        Problem.from_tables(sharded | {"serving": {"expert_parallel": 16}})


def listed(problem: Problem) -> Counted:
    """The same by hand: every design of every layout."""
    designs, pairs, rows = set(), 0, 0
    for split in problem.splits:
        for table in options(problem.space, split, 300):
            rows += len(table)
            pairs += table.designs
            for row in range(len(table)):
                for j in product(*map(range, table.depths.count[row])):
                    designs.add(architecture_at(problem, table, row, j))
    return Counted(len(designs), pairs, rows)


def test_factors_count_what_listing_finds() -> None:
    counted = split = mixed = 0
    for tables in drawn(71):
        try:
            problem = Problem.from_tables(tables)
        except ProblemError:
            continue
        found = count_designs(problem.space, problem.splits)
        if found.pairs > MOST:
            continue
        truth = listed(problem)
        assert (found.designs, found.pairs) == (truth.designs, truth.pairs), tables
        if not isinstance(problem.space.aspect_ratio, Menu):  # listed once for each ratio
            assert found.options == truth.options, tables
        counted += 1
        split += len(problem.splits) > 1
        mixed += any(structure.kinds_of_layer > 1 for structure in structures(problem.space))
    assert counted > 8 and split > 5 and mixed > 6, (counted, split, mixed)


def test_many_numbers_of_full_layers_are_few_rows() -> None:
    space = NARROW | {"layers": {"min": 1, "max": 1000}, "full_layers": {"min": 1, "max": 1000}}
    problem = Problem.from_tables(
        {"space": space | {"window": 512, "kv_group": 1}, "budgets": {"training_flops": 1e20}}
    )
    found = count_designs(problem.space, problem.splits)
    assert found.designs == 1000 * 1001 // 2
    assert found.options < 4000


def test_tables_of_options_are_bounded() -> None:
    space = {
        "layers": 4,
        "d_model": 1024,
        "heads": {"min": 1, "max": 64},
        "head_dim": {"min": 32, "max": 128},
        "kv_group": 1,
        "d_ff": {"min": 1000, "max": 3000},
        "vocab_size": 32000,
    }
    problem = Problem.from_tables({"space": space, "budgets": {"training_flops": 1e20}})
    tables = options(problem.space, None, 5000)
    assert [len(next(tables)) for _ in range(3)] == [4002, 4002, 4002]
    assert problem.count_designs() == 64 * 97 * 2001
    assert sum(len(divided(next(tables), split)) for split in problem.splits) == 4002


WIDE = {
    "layers": {"min": 1, "max": 2000},
    "d_model": {"min": 128, "max": 65536, "step": 1},
    "heads": {"min": 1, "max": 512},
    "head_dim": {"min": 1, "max": 512},
    "d_ff": {"min": 256, "max": 1000000, "step": 1},
    "vocab_size": {"min": 1000, "max": 500000, "step": 1},
}


@pytest.mark.parametrize(
    ("changes", "key", "word"),
    [
        ({}, "space.d_ff", "designs"),
        ({"d_ff": None, "vocab_size": 32000, "layers": 8,
          "ffn_ratio": {"min": 1.0, "max": 8.0, "step": 0.0001}}, "space.ffn_ratio", "hidden"),
        ({"d_ff": 4096, "vocab_size": 1000, "layers": 8, "d_model": 512,
          "kv_heads": {"min": 1, "max": 512}}, "space.heads", "combinations of heads"),
        (NARROW | {"experts": {"routed": MANY, "active": MANY, "d_ff": 512}},
         "space.experts.routed", "combinations of experts"),
        (NARROW | {"experts": {"routed": 8, "active": 2, "ffn_multiple": {"min": 1, "max": 512},
                               "granularity": {"min": 1, "max": 99, "step": 0.001}}},
         "space.experts.granularity", "hidden widths of experts"),
        (NARROW | {"full_every": 2, "between": "gated-deltanet",
                   "linear": {"key_heads": MANY, "value_heads": MANY}},
         "space.linear.key_heads", "linear heads"),
        (NARROW | {"layers": MANY, "full_every": MANY, "window": 512},
         "space.layers", "stacks of layers"),
        (NARROW | {"layers": MANY, "full_layers": MANY, "window": 512},
         "space.layers", "stacks of layers"),
    ],
)  # fmt: skip
def test_menus_too_large_are_named(changes: dict[str, Any], key: str, word: str) -> None:
    space = {k: v for k, v in (WIDE | changes).items() if v is not None}
    began = time.process_time()
    with pytest.raises(ProblemError, match=word) as caught:
        Problem.from_tables({"space": space, "budgets": {"training_flops": 1e24}})
    assert [fault.key for fault in caught.value.faults] == [key]
    assert "Take a larger step" in str(caught.value)
    assert time.process_time() - began < 1


def test_too_many_layouts_are_refused() -> None:
    menu = {"min": 1, "max": 5000}
    training = {"accelerators": 10**6, "tensor_parallel": menu, "pipeline_parallel": menu}
    space = {"layers": 8, "d_model": 512, "vocab_size": 32000}
    with pytest.raises(ProblemError, match="parallel layouts") as caught:
        Problem.from_tables(
            {"space": space, "training": training, "budgets": {"training_flops": 1e24}}
        )
    assert caught.value.faults[0].key == "training.tensor_parallel"
