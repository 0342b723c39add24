"""Limits that follow from the memory of named accelerators."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.constraints import constraints, dropped, moved, with_constraints
from modelsizer.optimizer.one_design import one_design
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.hardware.accelerators import accelerators
from modelsizer.problems.requirements.device_limits import usable_for_serving, usable_for_training
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training

SERVING, TRAINING = "budgets.serving_memory", "budgets.training_memory"
TABLES: dict[str, Any] = {
    "space": {"layers": [16, 32, 64], "d_model": [2048, 4096, 8192], "head_dim": 128,
              "vocab_size": 32_000},
    "training": {"accelerator": "H100-SXM", "accelerators": 64},
    "serving": {"accelerator": "H100-SXM"},
    "budgets": {"training_flops": 1e22},
}  # fmt: skip
BASE = Problem.from_tables(TABLES)
MEMORY = accelerators()["H100-SXM"].memory or 0
UNKNOWN = next(name for name, row in accelerators().items() if row.memory is None)


def own(problem: Problem) -> list[str]:
    return [*problem.device_limits]


def test_what_is_left_of_the_memory_is_the_limit() -> None:
    kept = {"memory_reserve": "4 GB"}
    serving = Serving(accelerator="H100-SXM", memory_utilization=0.8, **kept)
    assert usable_for_serving(serving) == math.floor(MEMORY * 8 // 10 - 4 * 10**9)
    assert usable_for_training(Training(accelerator="H100-SXM", **kept)) == MEMORY - 4 * 10**9
    assert BASE.limits["serving_memory"].max == usable_for_serving(BASE.serving)
    assert BASE.limits["training_memory"].max == MEMORY * 9 // 10 - 2 * 2**30
    found = solve(BASE)
    uses = {use.name: use for use in found.budgets}
    assert uses["serving_memory"].given_as == "fits H100-SXM (default)"
    assert uses["training_memory"].to_dict()["default"] is True
    assert "default" not in uses["training_flops"].to_dict()


def test_without_an_accelerator_there_is_no_limit() -> None:
    tables = {k: v for k, v in TABLES.items() if k not in ("training", "serving")}
    bare = Problem.from_tables(tables)
    assert own(bare) == [] and list(bare.limits) == ["training_flops"]
    with pytest.raises(ProblemError, match="is no limit of this problem"):
        bare.without(SERVING)
    assert own(Problem.from_tables(tables | {"serving": {"accelerator": "MI300A"}})) == []


def test_a_limit_that_is_given_stays_the_only_one() -> None:
    given = BASE.with_settings({SERVING: "200 GB"})
    assert own(given) == ["training_memory"] and given.limits["serving_memory"].max == 200 * 10**9
    assert own(given.without(SERVING)) == ["training_memory"]
    assert "serving_memory" not in given.without(SERVING).limits


def test_a_lifted_limit_stays_lifted() -> None:
    free = BASE.without(SERVING, TRAINING)
    assert own(free) == [] and free.budgets.said == ("training_flops", "serving_memory",
                                                      "training_memory")  # fmt: skip
    assert 'serving_memory = "none"' in free.to_toml()
    for again in (
        Problem.parse(free.to_toml()),
        Problem.from_tables(free.to_dict()),
        pickle.loads(pickle.dumps(free)),
        free.with_settings({"serving.batch_size": 3}),
        BASE.with_settings({SERVING: "none", TRAINING: "none"}),
    ):
        assert own(again) == [] and list(again.limits) == ["training_flops"]
    assert free.with_settings({f"{SERVING}.max": 1e9}).limits["serving_memory"].max == 1e9
    with pytest.raises(ProblemError, match=r"its limits: budgets\.training_flops"):
        free.without(SERVING)
    with pytest.raises(ProblemError, match="kv_cache"):
        BASE.with_settings({"budgets.kv_cache": "none"})


def test_training_is_limited_where_the_number_of_accelerators_is_known() -> None:
    alone = {k: v for k, v in TABLES["training"].items() if k == "accelerator"}
    assert own(Problem.from_tables(TABLES | {"training": alone})) == ["serving_memory"]
    laid = alone | {"tensor_parallel": 8}
    assert "training_memory" in own(Problem.from_tables(TABLES | {"training": laid}))


def test_what_nothing_limits_is_not_offered_beside_what_fits() -> None:
    both = {"serving.accelerator": ["H100-SXM", UNKNOWN]}
    with pytest.raises(ProblemError, match=f"offers {UNKNOWN}, whose memory is not known"):
        BASE.with_settings(both)
    BASE.with_settings(both | {SERVING: "none"})
    BASE.with_settings(both | {SERVING: "40 GB"})


def test_a_scenario_brings_the_limit_of_its_accelerator() -> None:
    named = {"big": {"serving": {"accelerator": "H200-SXM"}}, "off": {"budgets": {
        "serving_memory": "none"}}}  # fmt: skip
    asked = Problem.from_tables(TABLES | {"scenarios": named})
    big = asked.scenario("big").limits["serving_memory"].max
    assert big is not None and big > (BASE.limits["serving_memory"].max or 0)
    assert own(asked.scenario("off")) == ["training_memory"]


def test_an_accelerator_smaller_than_its_reserve_holds_nothing() -> None:
    small = BASE.with_settings({"serving.memory_reserve": "90 GB"})
    assert small.limits["serving_memory"].max == 1
    assert solve(small).status == "infeasible"


def test_constraints_of_devices_are_dropped_moved_and_kept() -> None:
    by_key = {c.key: c for c in constraints(BASE)}
    assert by_key[SERVING].device == "H100-SXM" and not by_key["budgets.training_flops"].device
    assert own(with_constraints(BASE, by_key.values())) == own(BASE)
    assert own(dropped(BASE, by_key[SERVING])) == ["training_memory"]
    assert dropped(BASE, by_key[SERVING]).budgets.said[-1] == "serving_memory"
    larger = moved(BASE, by_key[SERVING].at(10**11))
    assert own(larger) == ["training_memory"] and larger.budgets.serving_memory.max == 10**11
    kept = with_constraints(larger, [c for c in constraints(larger) if c.key != SERVING])
    assert "serving_memory" not in kept.limits


def test_memory_alone_is_a_question() -> None:
    """Which design is the largest that fits."""
    tables = {k: v for k, v in TABLES.items() if k in ("space", "serving")}
    found = solve(Problem.from_tables(tables | {"objective": {"maximize": "parameters"}}))
    assert found.status == "optimal"
    assert found.best.exact["serving_memory"] <= usable_for_serving(BASE.serving)


def test_one_model_says_what_it_leaves() -> None:
    settings = {"serving.accelerator": "H100-SXM", "serving.tensor_parallel": 2}
    small = one_design(load_architecture("llama-3-8b"), None, settings).to_dict()
    large = one_design(load_architecture("llama-3-70b"), None, settings).to_dict()
    (left,), (short,) = small["fits"], large["fits"]
    assert left["fits"] and left["left"] == left["usable"] - left["used"] > 0
    assert small["violated"] == [] and large["violated"] == []
    assert short["left"] > 0 and short["used"] == large["quantities"]["serving_memory"]
    alone = one_design(load_architecture("llama-3-70b"), None, {"serving.accelerator": "H100-SXM"})
    assert alone.violated == (SERVING,) and alone.to_dict()["fits"][0]["left"] < 0
    held = alone.to_dict()["fits"][0]["held_by"]
    other = one_design(load_architecture("llama-3-70b"), None, {"serving.accelerator": held})
    assert other.violated == () and "held_by" not in other.to_dict()["fits"][0]
    unknown = one_design(load_architecture("llama-3-8b"), None, {"serving.accelerator": "MI300A"})
    assert any("nothing limits serving_memory" in str(warning) for warning in unknown.warnings)


def test_a_limit_that_a_search_adds_leaves_that_of_the_accelerator() -> None:
    most = BASE.limits["serving_memory"].max or 0
    for asked, left in ((Interval(max=10**12), most), (Interval(max=10**9), 10**9),
                        (Interval(min=10**9), most)):  # fmt: skip
        added = {"serving_memory": replace(asked, on_device=True)}
        narrow = BASE.model_copy({"budgets": BASE.budgets.model_copy(added)})
        assert narrow.limits["serving_memory"] == Interval(asked.min, left)
