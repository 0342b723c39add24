"""Laws of one's own as classes: tried before they are registered, and solved as any other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelsizer import DesignLaw, Problem, TermLaw, TokenLaw, check_law, register_law, solve
from modelsizer.problems.laws.laws import PowerTerm
from modelsizer.problems.laws.published import TOKEN_LAWS
from tests.support.enumerated import sorted_by_hand

ENGINES = ("exhaustive", "auto", "bound", "scipy", "pulp")


class Bowl(DesignLaw):
    """No sum of powers: the best feed-forward ratio is 3, and kv heads fade."""

    name, features = "bowl", ("ffn_ratio", "kv_heads")

    def loss_of(self, n: Any, d: Any, features: Any) -> Any:
        bowl = 0.02 * np.log(features["ffn_ratio"] / 3.0) ** 2
        fade = 0.02 * np.exp(-features["kv_heads"] / 4)
        return 1.8 + 482.01 / n**0.3478 + 2085.43 / d**0.3658 + bowl + fade

    def least_of(self, n: Any, d: Any, low: Any, high: Any) -> Any:
        ratio = np.clip(3.0, low["ffn_ratio"], high["ffn_ratio"])
        return self.loss_of(n[1], d, {"ffn_ratio": ratio, "kv_heads": high["kv_heads"]})


class TooHigh(Bowl):
    """Its bound is the loss of a corner."""

    name = "too-high"

    def least_of(self, n: Any, d: Any, low: Any, high: Any) -> Any:
        return self.loss_of(n[1], d, high)


class RisesWithTokens(Bowl):
    name = "rises"

    def loss_of(self, n: Any, d: Any, features: Any) -> Any:
        return super().loss_of(n, d, features) + 0.1 * np.log(np.minimum(d, 1e200))


class RisesWithSize(TokenLaw):
    name = "rises-with-size"

    def loss(self, n: Any, d: Any) -> Any:
        return 2.0 + 1e-6 * n**0.5 + 100 / d**0.3


class Scalars(TokenLaw):
    name = "scalars"

    def loss(self, n: Any, d: Any) -> Any:
        return 2.0 + 1.0 / math.log(float(np.mean(n)))


class NoNumber(TokenLaw):
    name = "no-number"

    def loss(self, n: Any, d: Any) -> Any:
        return np.where(n > 1e9, np.nan, 2.0) + 1 / d


class Misspelt(Bowl):
    name, features = "misspelt", ("ffn_ration",)


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (TooHigh(), r"its bound is above the loss of a design, at parameters = .*kv_heads = "),
        (RisesWithTokens(), r"its loss rises with the tokens, at parameters = "),
        (RisesWithSize(), r"its loss rises with N, at parameters = "),
        (Scalars(), r"it must work on arrays"),
        (NoNumber(), r"no finite number"),
        (Misspelt(), r"sees 'ffn_ration', no feature; known: "),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_law_that_breaks_a_promise_is_refused(law: TokenLaw, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        register_law(law)
    assert law.name not in TOKEN_LAWS


def test_laws_that_come_with_modelsizer_keep_their_promises() -> None:
    for law in TOKEN_LAWS.values():
        check_law(law)


def test_a_law_without_a_bound_is_no_law() -> None:
    class Half(DesignLaw):
        name, features = "half", ("d_ff",)

        def loss_of(self, n: Any, d: Any, features: Any) -> Any:
            return 1.0 + 1 / d

    with pytest.raises(TypeError, match="least_of"):
        Half()  # type: ignore[abstract]
    with pytest.raises(TypeError, match="sees ffn_ratio, kv_heads"):
        Bowl().loss(1e9, 1e10)


@pytest.fixture
def bowl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKEN_LAWS, "_items", dict(TOKEN_LAWS))  # as it was for other tests
    register_law(Bowl())


@pytest.mark.parametrize("objective", ["loss", "training_flops", "serving_memory"])
def test_every_engine_solves_it_alike(bowl: None, objective: str) -> None:
    settings: dict[str, object] = {
        "space.ffn_ratio": [2.0, 2.5, 3.0, 3.5, 4.0],
        "space.layers": {"min": 20, "max": 80, "step": 10},
        "space.d_model": {"min": 2048, "max": 8192, "step": 1024},
        "objective.law": "bowl",
        "objective.minimize": objective,
    }
    if objective != "loss":
        settings["budgets.loss"] = 1.99
    problem = Problem.load("one-h100-1e24").with_settings(settings)
    results = [solve(problem, solver=name) for name in ENGINES]
    wanted = sorted_by_hand(problem)[0]
    assert {result.status for result in results} == {"optimal"}
    assert {result.best.architecture for result in results} == {wanted.architecture}
    layer = wanted.architecture.groups[0].layer
    if objective == "loss":
        assert layer.ffn.d_ff / wanted.architecture.trunk.d_model == pytest.approx(3.0, abs=0.6)
        assert layer.attention.kv_heads > 1


def test_a_sum_of_terms_is_a_class_too() -> None:
    terms = (PowerTerm(400.0, {"parameters": -0.34}), PowerTerm(2000.0, {"tokens": -0.36}))
    check_law(TermLaw("sum", 1.8, terms))
    assert TermLaw("sum", 1.8, terms).loss(1e9, 1e10) == pytest.approx(
        1.8 + 400.0 * 1e9**-0.34 + 2000.0 * 1e10**-0.36
    )


@pytest.mark.parametrize("name", ["gemstones-2025", "bian-2025"])
def test_laws_with_a_caution_say_so_in_the_answer(name: str) -> None:
    problem = Problem.load("one-h100-1e24")
    warnings = solve(problem.with_settings(problem.under_law(name))).warnings
    assert str(warnings[0]) == f"take {name} with caution: {TOKEN_LAWS[name].caution}"
    assert not any("caution" in str(warning) for warning in solve(problem).warnings)
