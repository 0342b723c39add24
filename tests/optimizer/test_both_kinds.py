"""Spaces of dense designs and of mixtures, which train at MFUs of their own: each kind by itself."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.surveys.ranking import rank

SPACE: dict[str, Any] = {
    "layers": [8, 16, 24], "d_model": [1024, 2048], "head_dim": 128, "kv_heads": [4, 8],
    "d_ff": [4096, 8192], "vocab_size": 32000, "tied_embeddings": False,
    "experts": {"routed": [0, 16, 64], "active": [2, 4], "d_ff": [1024, 2048]},
}  # fmt: skip
CLUSTER = {"sequence_length": 4096, "accelerator": "H100-SXM", "accelerators": 8,
           "price_per_hour": 2.5}  # fmt: skip
ASKED: dict[str, dict[str, Any]] = {
    "loss under a time": {
        "budgets": {"training_time": "20 days"}, "objective": {"minimize": "loss"},
    },
    "loss under a cost and FLOPs": {
        "budgets": {"training_cost": 9000, "training_flops": 3e21},
        "objective": {"minimize": "loss"},
    },
    "time to a loss": {
        "budgets": {"loss": 2.6}, "objective": {"minimize": "training_time"},
    },
    "cost of FLOPs": {
        "budgets": {"training_flops": {"min": 1e21}}, "objective": {"minimize": "training_cost"},
    },
    "cost over the lifetime": {
        "budgets": {"loss": 2.6, "training_time": "90 days"},
        "objective": {"minimize": "lifetime_cost"},
        "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.8},
        "serving": {"accelerator": "H100-SXM"},
    },
    "tokens under a time and a loss": {
        "budgets": {"training_time": "30 days", "loss": 2.7}, "objective": {"maximize": "tokens"},
    },
    "parameters that a time trains": {
        "budgets": {"training_time": "30 days", "loss": 2.45},
        "objective": {"maximize": "parameters"},
    },
    "chosen machines": {
        "budgets": {"training_time": "20 days"}, "objective": {"minimize": "loss"},
        "training": CLUSTER | {"accelerator": ["A100-80GB-SXM", "H100-SXM"],
                               "zero_stage": [1, 3]},
    },
}  # fmt: skip


def problem(name: str, routed: list[int]) -> Problem:
    space = SPACE | {"experts": SPACE["experts"] | {"routed": routed}}
    if routed == [0]:
        del space["experts"]
    if 0 not in routed:
        del space["d_ff"]
    objective = ASKED[name]["objective"] | {"law": "hoffmann-2022"}
    tables = {"space": space, "training": CLUSTER} | ASKED[name] | {"objective": objective}
    return Problem.from_tables(tables)


@pytest.mark.parametrize("solver", ["bound", "exhaustive"])
@pytest.mark.parametrize("name", ASKED)
def test_the_best_of_both_kinds_is_the_better_of_each_by_itself(name: str, solver: str) -> None:
    both = problem(name, [0, 16, 64])
    assert both.mixture is None and both.several
    each = [problem(name, [0]), problem(name, [16, 64])]
    assert [one.mixture for one in each] == [False, True]
    found = solve(both, solver=solver)
    apart = [solve(one, solver=solver) for one in each]
    assert found.status == "optimal"
    solved = [one.design for one in apart if one.design is not None]
    assert len(solved) == 2
    sign = -1 if both.objective.sense == "maximize" else 1
    quantity = both.objective.quantity
    best = min(solved, key=lambda one: sign * float(one.exact[quantity]))
    assert found.design is not None
    assert found.design.exact == best.exact
    assert found.design.architecture == best.architecture


def test_neither_kind_always_wins() -> None:
    kinds = set()
    for name in ASKED:
        design = solve(problem(name, [0, 16, 64])).design
        assert design is not None
        kinds.add(design.architecture.groups[0].layer.ffn.expert_matrices(1) > 0)
    assert kinds == {False, True}


def test_every_design_ranked_has_the_time_of_its_kind() -> None:
    both = problem("time to a loss", [0, 16])
    ranked = rank(both, top=400).best
    kinds = {False: 0.44, True: 0.285}
    seen = set()
    for one in ranked:
        mixture = one.architecture.groups[0].layer.ffn.expert_matrices(1) > 0
        seconds = float(one.exact["training_flops"]) / (8 * 989e12 * kinds[mixture])
        assert float(one.exact["training_time"]) == pytest.approx(seconds, rel=1e-12)
        seen.add(mixture)
    assert seen == {False, True}


def test_one_mfu_for_both_kinds_needs_no_setups() -> None:
    told = problem("loss under a time", [0, 16]).with_settings({"training.mfu": 0.4})
    assert told.mixture is None and not told.several
