"""One-sided constraints: read from a problem, written back, moved, tightened and dropped."""

from __future__ import annotations

from fractions import Fraction

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.constraints import (
    Constraint,
    constrained,
    constraints,
    dropped,
    moved,
    moved_unchecked,
    name_of,
    setting_of,
    tightened,
    with_constraints,
)
from modelsizer.optimizer.explain.explain import explain
from tests.support.random_problems import small

ONE = Problem.load("one-h100-1e24")
BOTH = ONE.with_settings(
    {"budgets.parameters": {"min": 1e9, "max": 40e9}, "training.tokens": {"min": 1e12, "max": 2e12}}
)
FIXED = ONE.with_settings({"training.tokens": 2e12})


def by_key(problem: Problem) -> dict[str, Constraint]:
    return {constraint.key: constraint for constraint in constraints(problem)}


def test_keys_have_the_side_only_where_both_are_given() -> None:
    assert list(by_key(BOTH)) == [
        "training.tokens.min", "training.tokens.max", "budgets.training_flops",
        "budgets.parameters.min", "budgets.parameters.max", "budgets.kv_cache",
        "budgets.serving_memory",
    ]  # fmt: skip
    least = by_key(BOTH)["budgets.parameters.min"]
    assert (least.base, least.name, least.side) == ("budgets.parameters", "parameters", "min")
    assert {c.name for c in constraints(BOTH) if c.quantity == "tokens"} == {"training.tokens"}


@pytest.mark.parametrize("tokens", [2e12, {"min": 2e12, "max": 2e12}])
def test_equal_ends_of_the_training_tokens_are_one_equality(tokens: object) -> None:
    problem = Problem.load("fixed-2t-tokens", {"training.tokens": tokens})
    found = by_key(problem)["training.tokens"]
    assert found.equality and found.sign == "=" and found.limit == 2 * 10**12
    assert [use.name for use in solve(problem).budgets].count("training.tokens") == 1
    tight = problem.with_settings({"budgets.parameters": {"min": 20e9}})
    (conflict,) = explain(tight).conflicts
    assert conflict == ("budgets.training_flops", "budgets.parameters", "training.tokens")


@pytest.mark.parametrize("seed", range(10))
def test_writing_back_what_was_read_changes_nothing(seed: int) -> None:
    problem = small(seed)
    again = with_constraints(problem, constraints(problem))
    assert constraints(again) == constraints(problem)
    assert again.token_limits == problem.token_limits
    for constraint in constraints(problem):
        left = [c for c in constraints(problem) if c != constraint]
        try:
            less = dropped(problem, constraint)
        except ProblemError:
            continue  # nothing would limit the tokens
        assert [(c.base, c.side, c.limit) for c in constraints(less)] == [
            (c.base, c.side, c.limit) for c in left
        ]


@pytest.mark.parametrize("problem", [BOTH, FIXED])
def test_a_moved_constraint_leaves_the_others(problem: Problem) -> None:
    for key, constraint in by_key(problem).items():
        factor = Fraction(101 if constraint.side == "max" else 99, 100)
        other = constraint.at(constraint.scaled(factor))
        found = by_key(moved(problem, other))
        assert found == by_key(problem) | {key: other}
        assert by_key(moved_unchecked(problem, other)) == found
    with pytest.raises(ProblemError, match="is above max"):
        moved(BOTH, by_key(BOTH)["budgets.parameters.min"].at(10**12))


def test_scaled_limits_of_counted_quantities_are_never_looser() -> None:
    most = Constraint("budgets.layers", "layers", "max", 10)
    least = Constraint("budgets.layers", "layers", "min", 10)
    assert (most.scaled(Fraction(19, 10)), least.scaled(Fraction(11, 100))) == (19, 2)
    assert most.scaled(Fraction(199, 100)) == 19
    ratio = Constraint("space.aspect_ratio.max", "aspect_ratio", "max", 10)
    assert ratio.scaled(Fraction(1, 4)) == 2.5


@pytest.mark.parametrize(("extra", "kept"), [(30 * 10**9, 30 * 10**9), (50 * 10**9, 40 * 10**9)])
def test_of_two_on_one_side_the_tighter_counts(extra: int, kept: int) -> None:
    more = Constraint("budgets.parameters", "parameters", "max", extra)
    found = with_constraints(BOTH, tightened(constraints(BOTH), more)).budgets.parameters
    assert found is not None and (found.min, found.max) == (10**9, kept)


def test_tables_keep_all_but_the_limits() -> None:
    tables = constrained(FIXED, [], FIXED.to_dict())
    assert tables["budgets"] == {} and "tokens" not in tables["training"]
    assert {k: v for k, v in tables.items() if k not in ("budgets", "training")} == {
        k: v for k, v in FIXED.to_dict().items() if k not in ("budgets", "training")
    }


def test_violation_is_relative_to_the_limit() -> None:
    most = Constraint("budgets.loss", "loss", "max", 2.0)
    assert (most.violation(2.5), most.violation(1.5)) == (0.25, 0.0)
    least = Constraint("budgets.tokens", "tokens", "min", 4)
    assert (least.violation(3), least.violation(5)) == (0.25, 0.0)
    equal = Constraint("training.tokens", "tokens", "max", 4, equality=True)
    assert (equal.violation(3), equal.violation(4), equal.violation(5)) == (0.25, 0.0, 0.25)
    assert equal.one_sided("min").violation(5) == 0.0


def test_a_limit_named_without_a_side_is_set_on_the_side_that_it_has() -> None:
    assert setting_of(ONE, "budgets.serving_memory") == "budgets.serving_memory.max"
    assert setting_of(ONE, "budgets.decode_throughput") == "budgets.decode_throughput.min"
    least = ONE.with_settings({"budgets.parameters": {"min": 1e9}})
    assert setting_of(least, "budgets.parameters") == "budgets.parameters.min"
    assert setting_of(BOTH, "budgets.parameters") == "budgets.parameters.max"
    assert setting_of(FIXED, "training.tokens") == "training.tokens"
    assert name_of("serving.batch_size") == "serving.batch_size"
