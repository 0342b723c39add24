"""One's own law as a sum of terms: values, bounds, solves and refusals."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.tables import store
from modelsizer.problems.designs.evaluation import Evaluation, architecture_features
from modelsizer.problems.laws.features import SHAPE_FEATURES, ranges_of
from modelsizer.problems.laws.laws import PowerTerm
from modelsizer.problems.laws.terms import read_terms, write_terms
from tests.support.block_bounds import check_bounds
from tests.support.enumerated import all_designs, unseen
from tests.support.random_laws import TYPICAL, law_of, loss, random_law, u_shaped, with_law
from tests.support.random_problems import random_tables
from tests.support.shared import SOLVERS

FAST_SEEDS, SLOW_SEEDS = range(28), range(28, 400)


def seen_by(design: Evaluation) -> dict[str, float]:
    """Features of a design, by hand."""
    trunk, layer = design.architecture.trunk, design.architecture.groups[0].layer
    attention, layers = layer.attention, design.architecture.layers
    return {
        "parameters": float(design.law_parameters),
        "tokens": design.tokens,
        "layers": layers,
        "d_model": trunk.d_model,
        "aspect_ratio": trunk.d_model / layers,
        "heads": attention.heads,
        "kv_heads": attention.kv_heads,
        "kv_group": attention.heads / attention.kv_heads,
        "head_dim": attention.head_dim,
        "d_ff": layer.ffn.d_ff,
        "ffn_ratio": layer.ffn.d_ff / trunk.d_model,
        "vocab_size": trunk.vocab_size,
    }


# The law itself


@given(seed=st.integers(0, 300), spread=st.floats(0.1, 3))
def test_the_loss_is_the_sum_written_out(seed: int, spread: float) -> None:
    r, table = random.Random(seed), random_law(seed)
    values = {name: x * math.exp(r.uniform(-spread, spread)) for name, x in TYPICAL.items()}
    law = law_of(seed)
    here = law.of({name: values[name] for name in law.features})
    want = loss(table, values)
    assert here.loss(values["parameters"], values["tokens"]) == pytest.approx(want, rel=1e-12)


@given(seed=st.integers(0, 300), ends=st.integers(0, 10**6))
def test_no_design_of_a_box_is_below_the_bound(seed: int, ends: int) -> None:
    law, r = law_of(seed), random.Random(ends)
    names = [name for name in TYPICAL if name not in SHAPE_FEATURES[2:3]]
    low = {name: TYPICAL[name] * math.exp(r.uniform(-1, 0.5)) for name in names}
    high = {
        name: value * math.exp(r.choice([0, 0.1, 1]) * r.random()) for name, value in low.items()
    }
    boxes = ranges_of(law.features, low.__getitem__, high.__getitem__)
    bound = law.over(low["parameters"], high["parameters"], *boxes)
    for _ in range(20):
        at = {name: r.uniform(low[name], high[name]) for name in names}
        at["aspect_ratio"] = at["d_model"] / at["layers"]
        at["kv_group"] = at["heads"] / at["kv_heads"]
        at["ffn_ratio"] = at["d_ff"] / at["d_model"]
        here = law.of({name: at[name] for name in law.features})
        value = float(here.loss(at["parameters"], at["tokens"]))
        assert float(bound.loss(1.0, at["tokens"])) <= value + 1e-12 * abs(value)
        need = float(bound.tokens_for(1.0, value))
        assert need <= at["tokens"] * (1 + 1e-9)


@given(seed=st.integers(0, 300))
def test_tokens_for_inverts_the_loss(seed: int) -> None:
    law = law_of(seed)
    here = law.of({name: TYPICAL[name] for name in law.features})
    d = np.geomspace(1e8, 1e13, 7)
    reached = np.asarray(here.loss(3e9, d))
    assert np.asarray(here.tokens_for(3e9, reached)) == pytest.approx(d, rel=1e-6)
    assert here.tokens_for(3e9, float(here.loss(3e9, math.inf)) - 1e-6) == math.inf


def test_it_is_chinchillas_law_where_it_says_so() -> None:
    terms = [
        {"name": "A", "coefficient": 482.01, "parameters": -0.3478},
        {"name": "B", "coefficient": 2085.43, "tokens": -0.3658},
    ]
    own = {"E": 1.8172, "terms": terms}
    base = Problem.load("one-h100-1e24")
    problem = base.with_settings({"laws.mine": own, "objective.law": "mine"})
    for solver in SOLVERS:
        mine, theirs = solve(problem, solver=solver), solve(base, solver=solver)
        assert mine.best.architecture == theirs.best.architecture
        assert mine.best.loss == pytest.approx(theirs.best.loss, rel=1e-14)
    assert problem.to_dict()["laws"]["mine"]["terms"] == terms
    assert Problem.parse(problem.to_toml()) == problem


# Solves


def check_agreement(seed: int) -> int:
    try:
        problem = Problem.from_tables(with_law(random_tables(seed), seed))
    except ProblemError:
        return 0
    results = [solve(problem, solver=name) for name in SOLVERS]
    truth = results[0]
    for result in results[1:]:
        assert result.status == truth.status, result.solver
        assert result.objective.value == truth.objective.value, result.solver
        assert result.gap == truth.gap
        if truth.design is not None:
            assert result.best.architecture == truth.best.architecture
    if truth.design is not None:
        design, table = truth.best, problem.to_dict()["laws"]["own"]
        own = loss(table, seen_by(design))
        least = 0.0 if any(row["coefficient"] < 0 for row in table["terms"]) else table["E"]
        own += unseen(problem, design.architecture) * max(own - least, 0.0)
        shape = float(problem.shape.excess(design.architecture.trunk.d_model,
                                           float(design.architecture.layers)))  # fmt: skip
        assert design.loss == pytest.approx(own + shape, rel=1e-12)
    return 1


@pytest.mark.slow
def test_solvers_agree() -> None:
    assert sum(check_agreement(seed) for seed in FAST_SEEDS) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW_SEEDS)
def test_solvers_agree_at_length(seed: int) -> None:
    check_agreement(seed)


@pytest.mark.slow
def test_blocks_of_menus_are_bounded() -> None:
    seen = 0
    for seed in range(40):
        try:
            problem = Problem.from_tables(with_law(random_tables(seed), seed))
        except ProblemError:
            continue
        seen += check_bounds(problem, seed)
    assert seen > 250


def test_a_space_that_no_list_holds_is_solved_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    for seed in range(0, 60, 10):
        try:
            problem = Problem.from_tables(with_law(random_tables(seed), seed))
        except ProblemError:
            continue
        listed = solve(problem, solver="exhaustive")
        with monkeypatch.context() as patch:
            patch.setattr(store, "LISTABLE", 0)
            result = solve(problem)
            assert result.status == listed.status
            assert result.objective.value == listed.objective.value
        looked += 1
    assert looked >= 4


def test_the_optimum_leaves_the_edge_of_the_menu() -> None:
    menu = {"space.kv_heads": [1, 2, 4, 8, 16]}
    best = solve(u_shaped(**menu)).best
    layer = best.architecture.groups[0].layer
    assert layer.attention.kv_heads in (4, 8)  # 8 divides not all heads
    ratio = layer.ffn.d_ff / best.architecture.trunk.d_model
    assert ratio == pytest.approx(3.0, abs=0.1)
    blind = solve(Problem.load("one-h100-1e24", {"objective.ablations": "none", **menu}))
    assert blind.best.architecture.groups[0].layer.attention.kv_heads == 1
    assert "blind to" not in " ".join(map(str, solve(u_shaped(**menu)).warnings))
    assert "blind to kv_heads = 1, ffn_ratio = " in " ".join(map(str, blind.warnings))


def test_every_design_is_judged_by_what_it_is() -> None:
    problem = u_shaped(**{
        "space.layers": {"min": 40, "max": 60, "step": 10},
        "space.d_model": {"min": 4096, "max": 8192, "step": 512},
    })  # fmt: skip
    table = problem.to_dict()["laws"]["mine"]
    designs = all_designs(problem)
    assert len(designs) > 50
    for design in designs:
        want = loss(table, seen_by(design)) + float(
            problem.shape.excess(design.architecture.trunk.d_model, design.architecture.layers)
        )
        assert design.loss == pytest.approx(want, rel=1e-13)
    best = min(designs, key=lambda design: design.loss)
    assert solve(problem).best.loss == best.loss


def test_features_are_what_they_are_called() -> None:
    design = solve(Problem.load("one-h100-1e24")).best
    found = architecture_features(design.architecture, SHAPE_FEATURES)
    want = seen_by(design)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {name: want[name] for name in SHAPE_FEATURES}
    )


# What is refused


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ([], "is not a list of terms"),
        ("a", "is not a list of terms"),
        ([3], "term 1: 3 is not a term"),
        ([{"tokens": -0.3}], "term 1: has no coefficient"),
        ([{"coefficient": 1.0}], "term 1: names no feature"),
        ([{"coefficient": 0.0, "tokens": -0.3}], "not 0, got 0.0"),
        ([{"coefficient": 1.0, "tokens": 0.3}], "must fall with the tokens"),
        ([{"coefficient": -1.0, "tokens": -0.3}], "must fall with the tokens"),
        ([{"coefficient": 1.0, "parameters": -0.3}], "no term has tokens"),
        ([{"coefficient": 1.0, "token": -0.3}], "unknown feature 'token' .did you mean tokens"),
        ([{"coefficient": 1.0, "tokens": "__import__('os')"}], "is not a number"),
        ([{"coefficient": 1.0, "tokens": True}], "is not a number"),
        ([{"coefficient": 1.0, "tokens": math.nan}], "finite"),
        ([{"name": "E", "coefficient": 1.0, "tokens": -0.3}], "the name 'E' is taken"),
        ([{"name": "A", "coefficient": 1.0, "tokens": -0.3}] * 2, "the name 'A' is taken"),
    ],
)
def test_terms_that_are_none(terms: Any, words: str) -> None:
    settings = {"laws.mine": {"E": 1.0, "terms": terms}, "objective.law": "mine"}
    with pytest.raises(ProblemError, match=words) as caught:
        Problem.load("one-h100-1e24").with_settings(settings)
    assert any(fault.key.startswith("laws.mine") for fault in caught.value.faults)


def test_a_law_is_of_one_form() -> None:
    terms = [{"coefficient": 1.0, "tokens": -0.3}]
    for law, words in (
        ({"E": 1.0, "terms": terms, "A": 2.0}, "not both"),
        ({"E": 1.0, "A": 2.0, "alpha": 0.3, "B": 1.0}, "beta: this key is required"),
        ({"E": 1.0, "A": 2.0, "alpha": 0.3, "B": 1.0, "beta": 0.3,
          "ranges": {"d_model": {"min": 1}}}, "ranges"),
    ):  # fmt: skip
        with pytest.raises(ProblemError, match=words):
            Problem.load("one-h100-1e24").with_settings({"laws.mine": law})


def test_width_and_depth_are_not_counted_twice() -> None:
    terms = [{"coefficient": 10.0, "tokens": -0.3}, {"coefficient": 1.0, "layers": -0.4}]
    base = Problem.load("one-h100-1e24")
    own = {"laws.mine": {"E": 1.0, "terms": terms}, "objective.law": "mine"}
    assert base.with_settings(own).shape.name == "none"
    with pytest.raises(ProblemError, match=r"objective\.shape: mine prices width and depth itself"):
        base.with_settings(own | {"objective.shape": "gemstones-2025"})
    shaped = base.with_settings(
        {"objective.shape": "gemstones-2025", "laws.mine": own["laws.mine"]}
    )
    assert shaped.with_settings(shaped.under_law("mine")).shape.name == "none"
    assert shaped.with_settings(shaped.under_law("hoffmann-2022")).shape.name == "gemstones-2025"


def test_ranges_of_its_data_warn() -> None:
    terms = [
        {"coefficient": 482.01, "parameters": -0.3478},
        {"coefficient": 2085.43, "tokens": -0.3658},
        {"coefficient": 0.01, "ffn_ratio": 0.3},
    ]
    law = {"E": 1.8, "terms": terms, "ranges": {"ffn_ratio": {"max": 1.5}}}
    problem = Problem.load("one-h100-1e24").with_settings(
        {"laws.mine": law, "objective.law": "mine"}
    )
    warnings = " ".join(map(str, solve(problem).warnings))
    assert "ffn_ratio 2.6" in warnings and "(to 1.5)" in warnings


def test_terms_are_written_as_they_are_read(tmp_path: Path) -> None:
    rows = [
        {"name": "A", "coefficient": 482.0, "parameters": -0.35},
        {"name": "2", "coefficient": 0.1, "tokens": -0.3, "kv_group": 0.2},
    ]
    assert write_terms(read_terms(rows)) == rows
    assert read_terms([{"coefficient": 0.1, "tokens": -0.3}]) == (
        PowerTerm(0.1, {"tokens": -0.3}, "1"),
    )
