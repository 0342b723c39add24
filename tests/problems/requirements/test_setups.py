"""Setups: the single-valued settings of the menus of a problem."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from modelsizer import Problem, ProblemError
from modelsizer.problems.offered import Offered

TABLES: dict[str, dict[str, Any]] = {
    "space": {"layers": [8, 16], "d_model": [1024, 2048], "head_dim": 128, "kv_heads": 4,
              "ffn_ratio": 4, "ffn_multiple": 256, "vocab_size": 65536},
    "training": {"accelerator": ["H100-SXM", "A100-80GB-SXM"],
                 "accelerators": {"min": 8, "max": 16, "step": 8}, "tensor_parallel": [1, 2]},
    "serving": {"accelerator": "L40S", "accelerators": [2, 3], "tensor_parallel": [1, 2],
                "weight_bits": [16, {"attention": 8, "ffn": 4}]},
    "budgets": {"training_time": "1 day"},
}  # fmt: skip


def problem(**settings: Any) -> Problem:
    return Problem.from_tables(TABLES).with_settings(
        {key.replace("__", "."): value for key, value in settings.items()}
    )


def test_setups_are_the_product_of_menus_without_what_makes_no_sense() -> None:
    found = problem()
    assert len(found.setups) == 2 * 2 * 3 * 2  # three accelerators for two ways are left out
    assert len(found.layouts) == 2 * len(found.setups)
    assert {setup.serving.devices for setup in found.setups} == {2, 3}
    assert all(
        setup.training.accelerator in ("H100-SXM", "A100-80GB-SXM") for setup in found.setups
    )
    first = found.setups[0]
    assert (first.training.accelerators, first.serving.accelerators) == (8, 2)


def test_a_problem_with_menus_is_written_as_it_was() -> None:
    found = problem()
    again = Problem.parse(found.to_toml())
    assert again == found and again.to_dict() == found.to_dict()
    assert again.to_dict()["training"]["accelerators"] == {"min": 8, "max": 16, "step": 8}
    assert again.to_dict()["serving"]["weight_bits"] == [16, {"attention": 8, "ffn": 4}]
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_range_may_begin_at_zero_where_the_key_allows_it() -> None:
    found = problem(training__zero_stage={"min": 0, "max": 3})
    assert {setup.training.zero_stage for setup in found.setups} == {0, 1, 2, 3}
    with pytest.raises(ProblemError, match="0 must be a whole number from 1"):
        problem(training__accelerators={"min": 0, "max": 8})


def test_the_problem_under_a_layout_has_single_values() -> None:
    found = problem()
    layout = found.layouts[-1]
    under = found.under(layout)
    assert not under.menus and len(under.setups) == 1
    assert under.training == found.setup_of(layout).training
    assert Problem.parse(under.to_toml()).serving == under.serving
    assert found.machine(layout)["serving"]["weight_bits"] == {"attention": 8, "ffn": 4}


def test_a_menu_is_taken_for_no_value() -> None:
    serving = problem().serving
    assert isinstance(serving.tensor_parallel, Offered)
    for wrong in (
        lambda: serving.tensor_parallel == 2,
        lambda: bool(serving.tensor_parallel),
        lambda: serving.devices + 1,
    ):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("serving.accelerators", [], "the menu is empty; list at least one value"),
        ("serving.accelerators", {"min": 4, "max": 2}, "min 4 is above max 2"),
        ("serving.accelerators", {"min": 4, "step": 2}, "a range needs max"),
        ("training.accelerator", ["H100-SXM", "H99"], "unknown accelerator 'H99'"),
        ("training.zero_stage", [1, 4], "4 is not a ZeRO stage; write one of 0, 1, 2, 3"),
        ("serving.batch_size", [1, 2], "is not a number"),
        ("training.microbatch_size", {"min": 1, "max": 10**6}, "more than 10,000 values"),
    ],
)
def test_faults_of_menus_name_the_key(key: str, value: Any, told: str) -> None:
    with pytest.raises(ProblemError) as error:
        problem().with_settings({key: value})
    assert error.value.faults[0].key == key and told in error.value.faults[0].message


def test_what_is_wrong_with_the_first_is_told_where_no_setup_is_left() -> None:
    with pytest.raises(ProblemError, match="accelerators = 3 is not a multiple of tensor_parallel"):
        problem(serving__accelerators=[3, 5], serving__tensor_parallel=[2, 4])
    with pytest.raises(ProblemError, match="2 accelerators are too few"):
        problem(training__accelerators=[2, 3], training__tensor_parallel=[4, 8])


def test_too_many_setups_are_refused_with_the_longest_menu() -> None:
    with pytest.raises(ProblemError, match=r"training\.microbatch_size: has 9,000 values"):
        problem(training__microbatch_size={"min": 1, "max": 9000})


def test_a_limit_that_refers_to_a_model_is_its_own_under_each_setup() -> None:
    found = problem(budgets__decode_latency="as llama-2-7b")
    limits = {setup.limits["decode_latency"].max for setup in found.setups}
    assert len(limits) == 4  # of two ways and two formats
    for setup in found.setups[::5]:
        one = found.under(found.layouts[2 * setup.number])
        assert one.budgets.decode_latency.max == setup.limits["decode_latency"].max
