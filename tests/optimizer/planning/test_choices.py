"""Choices that runs vary, for the features of a law: values, candidates, and patterns of grids."""

from __future__ import annotations

from functools import cache

import numpy as np

from modelsizer.optimizer.planning.candidates import MOST, candidates
from modelsizer.optimizer.planning.choices import Choices
from modelsizer.optimizer.planning.family import Family
from modelsizer.optimizer.planning.patterns import assignments, patterns
from modelsizer.optimizer.planning.target import Target, optimum
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.problem import Problem
from tests.support import fine_menus
from tests.support.shared import LAW_ALONE

EXERCISE = Problem.load("exercise-1e24", fine_menus.EXERCISE | LAW_ALONE)


@cache
def target_of() -> Target:
    found = optimum(EXERCISE)
    assert found is not None
    return found


def choices_of(problem: Problem, *features: str) -> Choices:
    return Family(problem, target_of().family, "total", frozenset(features)).choices


def without(*keys: str, **others: list[int]) -> Problem:
    tables = EXERCISE.to_dict()
    space = {key: value for key, value in tables["space"].items() if key not in keys} | others
    if "ffn_ratio" in keys:
        del space["ffn_multiple"]
    return Problem.from_tables(tables | {"space": space})


def test_a_law_sees_menus_of_the_space_or_named_values() -> None:
    blind = choices_of(EXERCISE, "N", "D")
    assert len(blind.of(1024)) == 1
    menu = {one.d_ff / 1536 for one in choices_of(EXERCISE, "ffn_ratio").of(1536)}
    assert menu == {8 / 3, 3.5, 4}  # the exercise's own
    fixed = EXERCISE.with_settings({"space.ffn_ratio": 4})
    named = {one.d_ff / 1536 for one in choices_of(fixed, "d_ff").of(1536)}
    assert named == {1, 2, 8 / 3, 4, 8}
    widths = without("ffn_ratio", d_ff=[17408, 34816])
    d_model = target_of().family.trunk.d_model
    ratios = {one.d_ff / 1536 for one in choices_of(widths, "d_ff").of(1536)}
    assert ratios == {17408 / d_model, 34816 / d_model}
    kv = {one.kv_heads for one in choices_of(EXERCISE, "kv_heads").of(1536)}
    assert kv <= {1, 2, 3, 4, 6, 8, 12, 24}
    assert {1, 24} <= kv
    listed = EXERCISE.with_settings({"space.kv_heads": [4, 8]})
    assert {one.kv_heads for one in choices_of(listed, "kv_heads").of(1536)} == {4, 8}
    assert {one.kv_heads for one in choices_of(listed, "kv_heads").of(1728)} == {3, 9}  # of 27
    groups = without("kv_heads", kv_group=[1, 4])
    assert {one.kv_heads for one in choices_of(groups, "kv_group").of(1024)} == {4, 16}
    assert {one.head_dim for one in choices_of(EXERCISE, "heads").of(1024)} == {64, 128}
    words = EXERCISE.with_settings({"space.vocab_size": [32000, 128256]})
    assert {one.vocab_size for one in choices_of(words, "vocab_size").of(1024)} == {32000, 128256}


def test_candidates_are_members_and_stay_few_however_much_is_seen() -> None:
    seen = frozenset(("ffn_ratio", "kv_heads", "head_dim", "depth", "vocab_size"))
    problem = EXERCISE.with_settings(
        {"space.vocab_size": [32000, 64000, 128256], "space.head_dim": [32, 64, 128]}
    )
    some = candidates(Family(problem, target_of().family, "total", seen), largest=2.5e20)
    assert 500 < len(some) <= MOST
    columns = some.columns
    for name, many in (("head_dim", 3), ("vocab_size", 3), ("kv_heads", 3), ("d_ff", 3)):
        assert len(set(columns[name])) >= many
    assert (columns["heads"] * columns["head_dim"] == columns["width"]).all()
    assert (columns["heads"] % columns["kv_heads"] == 0).all()
    at = np.random.default_rng(0).choice(len(some), 40)
    assert [count_parameters(some.architectures[i]).total for i in at] == list(some.n[at])


def test_patterns_of_a_grid_are_ablations_of_the_target() -> None:
    family = Family(EXERCISE, target_of().family, "total", frozenset(("ffn_ratio", "kv_heads")))
    found = {pattern.name: pattern.shares for pattern in patterns(family)}
    base, *others = found["one choice at a time"]
    assert dict(base)["d_ff"] == 1.0  # the optimum under a law blind to it has the largest ratio
    for one in others:
        assert sum(a != b for a, b in zip(base, one, strict=True)) == 1
    assert len(found["choices crossed"]) == 4
    blind = Family(EXERCISE, target_of().family, "total")
    assert [pattern.shares for pattern in patterns(blind)] == [((),)]
    for many, budgets, sizes in ((1, 3, 4), (4, 3, 8), (5, 2, 7)):
        for of_runs in assignments(many, budgets, sizes):
            assert [len(row) for row in of_runs] == [sizes] * budgets
            assert {choice for row in of_runs for _, choice in row} == set(range(many))
            assert all(row[0][0] == 0 and row[-1][0] == 1 for row in of_runs)
