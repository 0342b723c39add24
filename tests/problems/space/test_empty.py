"""What is said of a space without designs: the key whose rule leaves none."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, ProblemError, rank

SPACE = {"layers": [6, 8], "d_model": [512, 1024], "vocab_size": 32000}
WINDOWS = {"full_every": 2, "window": 512}
LATENT = {"attention": "latent", "latent": {"heads": 8}}
EXPERTS = {"routed": 8, "active": 2, "granularity": 4}


def problem_of(space: dict[str, Any], **training: Any) -> Problem:
    tables = {"space": SPACE | space, "budgets": {"training_flops": 1e20}, "training": training}
    return Problem.from_tables(tables)


@pytest.mark.parametrize(
    ("space", "key", "words"),
    [
        (WINDOWS | {"full_every": [9, 100]}, "full_every", "one in 9"),
        ({"full_layers": 9, "window": 512}, "full_layers", "at most 8"),
        (WINDOWS | {"window": [4096, 8192]}, "window", "4,096 tokens"),
        (LATENT | {"full_every": 2, "between": "mamba2"}, "between", "not mamba2"),
        ({"full_every": 2, "between": "mamba2", "linear": {"groups": 3}}, "linear.groups", "heads"),
        (
            {"full_every": 2, "between": "gated-deltanet", "linear": {"key_heads": 5}},
            "linear.key_heads",
            "value_heads",
        ),
        ({"experts": EXPERTS | {"dense_layers": [8, 9]}}, "experts.dense_layers", "first 8"),
        ({"experts": EXPERTS | {"active": [9, 10]}}, "experts.active", "9 of at most 8"),
        ({"experts": EXPERTS | {"granularity": 1e6}}, "experts.granularity", "rounds to 0"),
        ({"ffn_ratio": 0.001}, "ffn_ratio", "rounds to 0"),
        ({"head_dim": 1000}, "head_dim", "no d_model"),
        ({"kv_heads": 1000}, "kv_heads", "no number of heads"),
        ({"kv_heads": 5, "head_dim": 1000}, "head_dim", "no d_model"),
        ({"aspect_ratio": 17}, "aspect_ratio", "keeps this"),
        (WINDOWS | {"full_every": 9, "aspect_ratio": 64}, "full_every", "one in 9"),
    ],
)
def test_the_rule_is_named(space: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(ProblemError, match="no design") as error:
        problem_of(space)
    assert error.value.faults[0].key == f"space.{key}"
    assert words in str(error.value)


def test_rules_that_leave_none_only_together_are_one_fault() -> None:
    with pytest.raises(ProblemError, match="no design") as error:
        problem_of({"aspect_ratio": {"min": 80, "max": 90}}, pipeline_parallel=4, accelerators=4)
    assert [fault.key for fault in error.value.faults] == ["space.aspect_ratio"]


def test_groups_of_a_state_space_are_shared_by_whole_numbers_of_heads() -> None:
    linear = {"heads": [32, 20], "groups": [8, 3, 5]}
    problem = problem_of({"full_every": 2, "between": "mamba2", "linear": linear, "kv_group": 1})
    rows = rank(problem).to_dict()["rows"]
    shapes = [row["architecture"] for row in rows]
    found = {(shape["linear_heads"], shape["linear_groups"]) for shape in shapes}
    assert found == {(32, 8), (20, 5)}
    assert problem.count_designs() == 8
