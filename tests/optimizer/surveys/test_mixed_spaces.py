"""Spaces of several kinds of layer: their columns, members, pins and distances."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem, rank
from modelsizer.optimizer.answers.membership import is_design
from modelsizer.optimizer.surveys.distances import logarithms
from modelsizer.optimizer.surveys.listing import default_columns
from modelsizer.optimizer.surveys.ranking import Ranking
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.choices import BY_NAME, SHOWN
from modelsizer.problems.architecture.feedforward import MixtureOfExperts
from modelsizer.problems.narrowing import fixed, forbidden
from modelsizer.problems.space.left_open import left_open
from modelsizer.text.rank import best_table, fitting, short_columns, show
from tests.support.architectures import listed

TABLES: dict[str, Any] = {
    "name": "mixed",
    "space": {
        "layers": [8, 9],
        "d_model": 1024,
        "head_dim": 128,
        "kv_heads": [4, 8],
        "vocab_size": 32_000,
        "full_every": [1, 4],
        "between": ["window", "gated-deltanet"],
        "window": 512,
        "attention": ["grouped", "latent"],
        "latent": {"heads": 16},
        "experts": {
            "routed": [0, 16], "active": 2, "granularity": 4, "shared": [0, 1],
            "dense_layers": [0, 1],
        },
    },
    "budgets": {"training_flops": 1e21},
}  # fmt: skip
PROBLEM = Problem.from_tables(TABLES)
OPEN = ("attention", "full_layers", "between", "routed_experts", "shared_experts", "dense_layers")


@cache
def designs() -> tuple[Architecture, ...]:
    return tuple(dict.fromkeys(listed(PROBLEM)))


@cache
def ranked() -> Ranking:
    return rank(PROBLEM, top=500, keep_all=True)


def has(kind: type, architecture: Architecture) -> bool:
    return any(
        isinstance(part, kind)
        for group in architecture.groups
        for part in (group.layer.attention, group.layer.ffn)
    )


def test_what_a_space_leaves_open_is_shown() -> None:
    assert left_open(PROBLEM.space) == OPEN
    assert default_columns(PROBLEM)[-len(OPEN) :] == list(OPEN)
    assert short_columns(PROBLEM, "loss")[-len(OPEN) :] == list(OPEN)
    assert left_open(Problem.load("one-h100-1e24").space) == ()


def test_rows_that_differ_in_one_choice_show_it() -> None:
    menus = {"space.block": ["llama", "qwen3"], "space.vocab_size": [100_352, 128_256, 200_064]}
    problem = Problem.load("one-h100-1e24", menus)
    assert left_open(problem.space) == ("vocab_size", "block")
    ranking = rank(problem, top=4)
    table = fitting(best_table(ranking, short_columns(problem, "loss")))
    at = [table.headings.index(name) for name in ("layers", "d_model", "block")]
    chosen = {tuple(row[i] for i in at) for row in table.rows}
    assert len(chosen) == len({tuple(row) for row in table.rows}) == 4


def test_columns_are_the_choices_of_each_design() -> None:
    found = ranked()
    assert len(found.best) == found.feasible == PROBLEM.count_designs() == len(designs())
    columns = next(found.batches([*SHOWN]))
    for i, design in enumerate(found.best):
        for name in SHOWN:
            value = BY_NAME[name].value(design.architecture)
            assert columns[name][i] == value, name
            if value in (0, "") and name not in ("tied_embeddings", "shared_experts"):
                assert show(design, name) in ("-", "0"), name
    assert {"-", "window"} <= {show(design, "between") for design in found.best}


def test_each_design_is_a_member_and_no_other() -> None:
    for architecture in designs():
        assert is_design(PROBLEM, architecture)
    (windowed, *_) = (a for a in designs() if BY_NAME["window"].of(a))
    groups = [
        replace(group, layer=replace(group.layer, attention=replace(group.layer.attention, window=256)))
        if isinstance(group.layer.attention, FullAttention) and group.layer.attention.window
        else group
        for group in windowed.groups
    ]  # fmt: skip
    assert not is_design(PROBLEM, replace(windowed, groups=tuple(groups)))


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("experts.routed", 16, MixtureOfExperts), ("attention", "latent", LatentAttention)],
)
def test_pins_of_kinds_of_layer(key: str, value: Any, kind: type) -> None:
    with_it = fixed(PROBLEM, {key: value})
    without = forbidden(PROBLEM, {key: [value]})
    assert all(has(kind, a) for a in listed(with_it))
    assert not any(has(kind, a) for a in listed(without))
    assert with_it.count_designs() + without.count_designs() == len(designs())


def test_designs_of_one_shape_and_other_layers_are_apart() -> None:
    some = [a for a in designs() if a.layers == 8]
    at = logarithms(lambda name: [BY_NAME[name].of(a) for a in some])
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    assert (away[~np.eye(len(some), dtype=bool)] > 0.1).mean() > 0.9
    assert np.isfinite(at).all()
