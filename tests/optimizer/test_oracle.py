"""Answers agree with an oracle that is written from the documents (docs/accounting.md)."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.tables import store
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.designs.costs import architecture_of
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.space import Space
from modelsizer.problems.tables.training import Training
from tests.support.drawn_limits import BUDGETS
from tests.support.every_setting import OBJECTIVES, problem
from tests.support.machine_problems import QUICK, problem_of
from tests.support.oracle import counts
from tests.support.oracle.search import Oracle
from tests.support.oracle.space import BLOCKS, Design
from tests.support.oracle.training import Memory
from tests.support.oracle.verdict import disagreements
from tests.support.random_problems import random_tables
from tests.support.shared import SOLVERS, seeds

TABLES: dict[str, Any] = {
    "space": Space, "training": Training, "serving": Serving, "lifetime": Lifetime
}  # fmt: skip
FAST, LONG = range(30), range(30, 300)


@lru_cache(maxsize=len(FAST))
def asked(seed: int) -> tuple[Problem, Oracle]:
    found = problem(seed)
    return found, Oracle(found.to_dict())


def check(found: Problem, oracle: Oracle, solver: str) -> None:
    result = solve(found, solver=solver)
    wrong = disagreements(oracle, result.to_dict())
    assert wrong == [], found.to_toml()


@pytest.mark.parametrize("solver", ["bound", "exhaustive"])
@pytest.mark.parametrize("seed", FAST)
def test_answers_agree_with_the_oracle(seed: int, solver: str) -> None:
    found, oracle = asked(seed)
    assert found.count_designs() == len(oracle.designs)
    check(found, oracle, solver)


@pytest.mark.parametrize("seed", FAST)
def test_figures_of_any_design_agree_with_the_oracle(seed: int) -> None:
    """Of designs that are not the best, too: each cost exactly, and whether all limits are kept."""
    found, oracle = asked(seed)
    feasible = {True: set(), False: set()}
    for point in oracle.points():
        feasible[point.sure].add(point.option.design)
    options = {(x.design, x.layout.d, x.layout.t, x.layout.p): x for x in oracle.options}
    for a in random.Random(seed).sample(
        sorted(oracle.designs, key=repr), min(12, len(oracle.designs))
    ):
        structure = Structure(a.block, between="window" if a.window else "")
        widths = {name: getattr(a, name, a.tied) for name in structure.widths}
        counts = structure.counts(a.layers, a.full, a.layers, a.full)
        told = evaluate(found, architecture_of(found, structure, widths, counts))
        option = options[a, *told.layout.degrees.values()]
        for name, value in option.costs.items():
            assert told.exact[name] == value, (name, a, told.layout)
        if a in feasible[True] or a not in feasible[False]:
            assert told.feasible == (a in feasible[True]), (a, told.violated)


@pytest.mark.parametrize("seed", range(0, 30, 6))
def test_programs_agree_with_the_oracle(seed: int) -> None:
    check(*asked(seed), "scipy")


@pytest.fixture
def unlistable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every space is searched by blocks."""
    monkeypatch.setattr(store, "LISTABLE", 0)


@pytest.mark.parametrize("seed", seeds([1, 2, 7, 9, 23, *LONG], LONG))
def test_searches_by_blocks_agree_with_the_oracle(seed: int, unlistable: None) -> None:
    check(*asked(seed), "bound")


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", LONG)
def test_answers_agree_with_the_oracle_at_length(seed: int, solver: str) -> None:
    check(*asked(seed), solver)


@pytest.mark.parametrize("seed", seeds(range(1000, 1026), set(range(1008, 1026))))
def test_wider_spaces_agree_with_the_oracle(seed: int) -> None:
    tables = random_tables(seed)
    tables["space"]["layers"] = {"min": 4, "max": 48, "step": 4}
    widths = tables["space"]["d_model"]
    widths["max"] = min(widths["max"], widths["min"] + 1024)
    oracle = Oracle(tables)
    try:
        found = Problem.from_tables(tables)
    except ProblemError:
        assert not oracle.designs
        return
    assert found.count_designs() == len(oracle.designs)
    check(found, oracle, "exhaustive")


EDGES: list[dict[str, Any]] = [
    {"budgets": {"lifetime_flops": 6.9e19}},  # less than the inference alone
    {"budgets": {"lifetime_cost": 1e4}},
    {"budgets": {"training_flops": "1 FLOPs"}},
    {"budgets": {"training_flops": 1e300}},
    {"budgets": {"training_flops": {"min": 1e21, "max": 1e21}}},
    {"budgets": {"training_flops": {"min": 1e21, "max": 1e21}},
     "objective": {"minimize": "training_time"}},
    {"budgets": {"training_flops": 1e21, "tokens": {"min": 1e10}},
     "training": {"tokens": {"max": 1e10}}, "objective": {"minimize": "lifetime_flops"}},
    {"budgets": {"training_flops": 1e21, "loss": {"min": 2.9}}},
    {"budgets": {"training_flops": 1e21, "loss": {"min": 2.9, "max": 3.2}},
     "objective": {"maximize": "parameters"}},
    {"budgets": {"loss": 2.9}, "objective": {"minimize": "tokens"}},
    {"budgets": {"loss": 1.8172}, "objective": {"minimize": "tokens"}},  # the floor of the law
    {"budgets": {"loss": 1.9, "tokens": {"min": 1e9}}, "objective": {"minimize": "tokens"}},
    {"budgets": {"kv_cache": 1e12}, "objective": {"minimize": "parameters"}},
    {"budgets": {"layers": 8}, "objective": {"maximize": "d_model"}},
    {"training": {"tokens": 123456789012.7}, "objective": {"minimize": "tokens"}},
    {"training": {"tokens": {"min": 123456789012.7}}, "objective": {"minimize": "training_cost"}},
    {"space": {"layers": {"min": 8, "max": 40, "step": 4}, "aspect_ratio": {"max": 75.5}},
     "budgets": {"training_flops": 1e21}, "objective": {"minimize": "layers"}},
    {"space": {"layers": {"min": 8, "max": 40, "step": 4}, "aspect_ratio": {"min": 20}},
     "budgets": {"training_flops": 1e21}, "objective": {"maximize": "layers"}},
    {"budgets": {"training_flops": 1e21}, "objective": {"law": "slow"},
     "laws": {"slow": {"E": 1, "terms": [{"coefficient": 1e300, "tokens": -0.001}]}}},
]  # fmt: skip
EDGE_SPACE: dict[str, Any] = {
    "space": {"layers": [8, 12, 16], "d_model": [512, 1024], "vocab_size": 32000,
              "kv_heads": [1, 2]},
    "training": {"accelerator": "H100-SXM", "accelerators": 64, "price_per_hour": 2},
    "serving": {"accelerator": "H100-SXM"},
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("solver", ["bound", "exhaustive"])
@pytest.mark.parametrize("edge", range(len(EDGES)))
def test_edges_agree_with_the_oracle(edge: int, solver: str) -> None:
    tables = dict(EDGE_SPACE)
    for name, given in EDGES[edge].items():
        tables[name] = tables.get(name, {}) | given
    found = Problem.from_tables(tables)
    oracle = Oracle(found.to_dict())
    assert found.count_designs() == len(oracle.designs)
    check(found, oracle, solver)


def test_the_oracle_shares_no_code_with_the_package() -> None:
    files = list((Path(__file__).parents[1] / "support" / "oracle").glob("*.py"))
    assert len(files) >= 8
    for path in files:
        assert "modelsizer" not in path.read_text(), path


PUBLISHED = {
    # block, d_model, heads, head_dim, kv_heads, d_ff, vocab_size, tied, layers; positions; parameters
    "Llama 3 8B": ("llama", 4096, 32, 128, 8, 14336, 128256, False, 32, 8192, 8_030_261_248),
    "GPT-2": ("gpt2", 768, 12, 64, 12, 3072, 50257, True, 12, 1024, 124_439_808),
    "Qwen2.5 7B": ("qwen2", 3584, 28, 128, 4, 18944, 152064, False, 28, 8192, 7_615_616_512),
    "Qwen3 8B": ("qwen3", 4096, 32, 128, 8, 12288, 151936, False, 36, 8192, 8_190_735_360),
    "Gemma 2 2B": ("gemma2", 2304, 8, 256, 4, 9216, 256000, True, 26, 8192, 2_614_341_888),
    "Gemma 3 1B": ("gemma3", 1152, 4, 256, 1, 6912, 262144, True, 26, 8192, 999_885_952),
    "OLMo 2 7B": ("olmo2", 4096, 32, 128, 32, 11008, 100352, False, 32, 4096, 7_298_617_344),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_oracle_counts_published_models(name: str) -> None:
    *widths, layers, positions, total = PUBLISHED[name]
    assert counts.parameters(Design(*widths, layers, layers), positions) == total


@pytest.mark.parametrize("t", [1, 2, 8])
def test_the_oracle_keeps_the_activations_of_the_paper(t: int) -> None:
    """Korthikanti et al. 2022, arXiv 2205.05198, equation 4: s b h (34 / t + 5 a s / (h t))."""
    s, b, h, a = 2048, 4, 6144, 64
    design = Design("gpt-neox", h, a, h // a, a, 4 * h, 51200, True, 48, 48)
    settings = {"sequence_length": s, "microbatch_size": b, "dropout": True}
    memory = Memory(settings | {"flash_attention": False})
    assert memory.kept(design, t, "none") * t == s * b * h * 34 + 5 * a * s * s * b


ELSEWHERE = {f"space.{key}" for key in ("attention", "between", "latent", "linear", "experts")}
"""Drawn for the oracle of kinds of layer (tests/support/layers_oracle)."""
ELSEWHERE |= {f"serving.{key}" for key in ("prefill", "decode", "pool_link")}
"""Compared with every ratio of pools in tests/optimizer/test_pools.py."""

OF_POOLS = ("prefill_memory", "request_time", "requests_per_second")
"""Compared with every ratio of pools in tests/optimizer/test_pools.py."""


def test_every_budget_setting_and_block_is_drawn() -> None:
    """What is added to the program is added to the documents, the oracle and the problems."""
    assert {*BUDGETS, *OF_POOLS} == set(QUANTITIES)
    assert {
        (sense, name)
        for name, row in QUANTITIES.items()
        for sense in row.senses
        if name not in OF_POOLS
    } <= set(OBJECTIVES)
    drawn = set()
    for seed in FAST:
        tables = asked(seed)[0].to_dict()
        drawn |= {f"{table}.{key}" for table in TABLES for key in tables.get(table, {})}
        blocks = tables["space"].get("block", "llama")
        drawn |= {blocks} if isinstance(blocks, str) else set(blocks)
    for seed in QUICK:  # of designs with experts and latents, in tables/test_mixed_stacks.py
        raw = (problem_of(seed) or ({},))[0]
        drawn |= {
            f"{table}.{key}" for table in ("training", "serving") for key in raw.get(table, ())
        }
    expected = {f"{name}.{key}" for name, table in TABLES.items() for key in table.model_fields}
    assert (expected | set(BLOCKS)) - ELSEWHERE <= drawn
