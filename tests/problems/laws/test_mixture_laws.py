"""Laws of mixtures in the catalogue: how each counts experts, and that all solvers agree on them."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.published import token_law
from tests.support.block_bounds import check_bounds
from tests.support.enumerated import designs_of

MIXTURES = ("tian-2025", "krajewski-2024", "abnar-2025", "ludziejewski-2025")
TABLES: dict[str, Any] = {
    "space": {
        "layers": {"min": 8, "max": 10},
        "d_model": [512, 768],
        "head_dim": 64,
        "kv_heads": [2],
        "ffn_ratio": 4,
        "vocab_size": 32000,
        "experts": {"routed": [0, 8, 16], "active": [1, 2], "granularity": [1, 2], "shared": [0, 1],
                    "dense_layers": [0, 1]},
    },
    "budgets": {"training_flops": 3e19, "active_parameters": 2e8, "parameters": 1e9},
}  # fmt: skip


def under(law: str, **settings: Any) -> Problem:
    return Problem.from_tables(TABLES).with_settings({"objective.law": law, **settings})


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (n[0] in "lt")) for n in MIXTURES],
)
def test_solvers_agree_with_all_designs(name: str) -> None:
    problem = under(name)
    losses = [design.loss for design in designs_of(problem) if design.feasible]
    for solver in ("bound", "exhaustive", "scipy"):
        assert solve(problem, solver=solver).best.loss == pytest.approx(min(losses), rel=1e-11)
    assert check_bounds(problem, 1, blocks=6) > 0


def test_n_counts_experts_as_the_law_says() -> None:
    best = solve(under("abnar-2025")).best
    assert best.law_parameters == best.parameters.total
    assert best.parameters.experts
    own = evaluate(under("krajewski-2024"), best.architecture)
    assert own.law_parameters == best.parameters.non_embedding
    tian = evaluate(under("tian-2025"), best.architecture)
    by_default = evaluate(under("besiroglu-2024"), best.architecture)
    assert tian.law_parameters == by_default.law_parameters > tian.parameters.active
    assert tian.loss == by_default.loss
    with pytest.raises(ProblemError, match='abnar-2025 counts experts by "total" itself'):
        under("abnar-2025", **{"objective.experts": "active"})


def test_a_range_of_experts_is_warned_of() -> None:
    said = " ".join(map(str, solve(under("krajewski-2024")).warnings))
    assert "krajewski-2024" in said
    assert "64" in said


def test_a_law_of_active_parameters_is_not_said_to_take_leverage() -> None:
    said = [
        " ".join(map(str, solve(under(name)).warnings))
        for name in ("tian-2025", "ludziejewski-2025")
    ]
    assert ["leverage of experts" in words for words in said] == [True, False]


def test_the_formulas_of_their_papers() -> None:
    """In the papers' own letters: S of inactive experts, G of 4 d_model over an expert's width."""
    n, d, g, s = 3e9, 5e10, 8.0, 0.9
    law: TokenLaw = token_law("krajewski-2024").of({"granularity": g / 2})
    want = 0.47 + (2.1 / g**0.58 + 18.1) / n**0.115 + 30.8 / d**0.147
    assert law.loss(n, d) == pytest.approx(want, rel=1e-12)
    law = token_law("abnar-2025").of({"activation": 1 - s})
    want = 16612.5 / n**0.5962 + 5455.67 / d**0.3954 + 0.4598 / (1 - s) ** -0.1666
    want += 17.26 / ((1 - s) ** 0.1603 * n**0.1595) + 0.94
    assert law.loss(n, d) == pytest.approx(want, rel=1e-12)
