"""No design is optimal beyond the accelerators that a problem names, and it is said which would do."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.hardware.accelerators import accelerators
from tests.support.oracle.counts import serving_memory
from tests.support.oracle.limits import device_limits
from tests.support.oracle.space import Design, all_designs
from tests.support.oracle.training import Layout, Memory, layouts, splits

KNOWN = sorted(name for name, row in accelerators().items() if row.memory and row.bf16_flops)
FEW, MANY = 12, 50
HOLDS = re.compile(r"budgets\.(\w+) <= .*, which (\S+) holds")


def tables_of(seed: int) -> dict[str, Any]:
    """A problem that names accelerators and limits only the training FLOPs."""
    r = random.Random(f"devices {seed}")
    low, wide = r.choice([2, 16, 64, 96]), r.choice([1024, 4096, 8192, 16384])
    found: dict[str, Any] = {
        "space": {
            "layers": [low, low + 8, low + 32], "d_model": [wide, wide + 1024, 2 * wide],
            "head_dim": 128, "kv_group": [4, 8], "ffn_ratio": 3.5, "vocab_size": 32768,
        },
        "training": {"sequence_length": r.choice([2048, 8192])},
        "budgets": {"training_flops": 10 ** r.randint(20, 24)},
    }  # fmt: skip
    if r.random() < 0.8:
        found["serving"] = {
            "accelerator": r.choice(KNOWN), "batch_size": r.choice([1, 16, 200]),
            "context_length": r.choice([4096, 32768]), "weight_bits": r.choice([16, 8, 4]),
        }  # fmt: skip
        ways = r.choice([1, 1, 2, 8])
        found["serving"] |= {} if ways == 1 else {"tensor_parallel": ways}
    if "serving" not in found or r.random() < 0.6:
        found["training"] |= {
            "accelerator": r.choice(KNOWN), "accelerators": r.choice([1, 8, 64, 1000]),
            "recompute": r.choice(["none", "selective", "full"]), "zero_stage": r.choice([1, 3]),
        }  # fmt: skip
    return found


def used(design: Design, layout: Layout, tables: dict[str, Any]) -> dict[str, Fraction]:
    """Bytes on each accelerator, by the oracle."""
    trained = Fraction(Memory(tables["training"]).of(design, layout))
    return {"serving_memory": serving_memory(design, tables), "training_memory": trained}


def every_use(tables: dict[str, Any]) -> Iterator[dict[str, Fraction]]:
    """Bytes of each design of the space under each layout that can split it."""
    for design in all_designs(tables):
        for layout in layouts(tables["training"]):
            if splits(design, layout, tables):
                yield used(design, layout, tables)


def within(uses: dict[str, Fraction], limits: dict[str, int]) -> bool:
    return all(uses[name] <= most for name, most in limits.items())


def check(seed: int) -> str:
    """Check a problem; return its status."""
    tables = tables_of(seed)
    limits = device_limits(tables)
    assert limits, tables
    found = solve(Problem.from_tables(tables))
    if found.design is not None:
        assert found.status == "optimal"
        answer = found.to_dict()
        of = answer["architecture"]
        names = ("d_model", "heads", "head_dim", "kv_heads", "d_ff", "vocab_size")
        design = Design(
            "llama",
            *(of[name] for name in names),
            of["tied_embeddings"],
            of["layers"],
            of["layers"],
        )
        ways = (answer["layout"][f"{name}_parallel"] for name in ("data", "tensor", "pipeline"))
        assert within(used(design, Layout(*ways), tables), limits), tables
        told = {row["name"]: row["limit"] for row in answer["budgets"] if row.get("default")}
        assert told == limits
        return "optimal"
    assert found.status == "infeasible"
    uses = list(every_use(tables))
    assert uses and not any(within(each, limits) for each in uses), tables
    said = " ".join(map(str, found.warnings))
    for name in limits:
        others = {other: most for other, most in limits.items() if other != name}
        left = [each[name] for each in uses if within(each, others)]
        if left:
            assert f"budgets.{name} <= " in said and "fits " in said, said
            check_larger(tables, name, min(left), said)
    return "infeasible"


def check_larger(tables: dict[str, Any], name: str, least: Fraction, said: str) -> None:
    """The accelerator that is named has the least memory of those that would hold the design."""
    table = name.partition("_")[0]
    server = accelerators()[tables[table]["accelerator"]].server
    holding = []
    for row in accelerators().values():
        other = {**tables, table: {**tables[table], "accelerator": row.name}}
        if row.memory and row.server == server and device_limits(other)[name] >= least:
            holding.append((row.memory, row.name))
    named = dict(HOLDS.findall(said))
    if holding:
        assert accelerators()[named[name]].memory == min(holding)[0], (said, min(holding))
    else:
        assert name not in named and "more than any like it of the catalogue holds" in said


def test_no_design_is_optimal_beyond_its_accelerators() -> None:
    assert {check(seed) for seed in range(FEW)} == {"optimal", "infeasible"}


@pytest.mark.slow
def test_fifty_problems_keep_to_their_accelerators() -> None:
    found = [check(seed) for seed in range(FEW, FEW + MANY)]
    assert min(found.count("optimal"), found.count("infeasible")) >= MANY // 10
