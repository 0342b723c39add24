"""Loss laws and shape laws against what their papers publish."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsizer import Problem, solve
from modelsizer.problems.laws.laws import PowerLaw, TokenLaw
from modelsizer.problems.laws.published import TOKEN_LAWS, register_law, token_law
from modelsizer.problems.laws.shapes import SHAPE_LAWS, WidthDepthShape

SHAPE = {"d_model": 4096.0, "layers": 32.0, "aspect_ratio": 128.0, "experts": 8.0,
         "granularity": 4.0, "activation": 0.1}  # fmt: skip
"""At which laws that see it are tried."""
CHINCHILLA_FLOPS = 5.76e23  # Hoffmann et al. 2022, table 3: Gopher's budget


def optimum(law: PowerLaw, flops: float) -> tuple[float, float]:
    """N and D of least loss at C = 6ND, in closed form."""
    g = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    n = g * (flops / 6) ** (law.beta / (law.alpha + law.beta))
    return n, flops / 6 / n


def test_hoffmann_closed_form() -> None:
    n, d = optimum(token_law("hoffmann-2022"), CHINCHILLA_FLOPS)  # type: ignore[arg-type]
    assert n == pytest.approx(40.3e9, rel=2e-3)
    assert d == pytest.approx(2.38e12, rel=2e-3)


def test_hoffmann_rounded_misses_its_own_optimum() -> None:
    n, _ = optimum(token_law("hoffmann-2022-rounded"), CHINCHILLA_FLOPS)  # type: ignore[arg-type]
    assert abs(n / 40.3e9 - 1) > 0.1


def test_rounding_shifts_the_data_term_by_13_per_cent() -> None:
    exact, rounded = token_law("hoffmann-2022"), token_law("hoffmann-2022-rounded")
    d = 1.4e12
    ratio = (rounded.loss(math.inf, d) - 1.69) / (exact.loss(math.inf, d) - 1.6934)
    assert ratio == pytest.approx(1.147, abs=0.03)


def fine(flops: float, law: str) -> Problem:
    """6ND over a menu so fine that its optimum is the law's."""
    return Problem.from_tables(
        {
            "space": {
                "layers": {"min": 60, "max": 100},
                "d_model": {"min": 5120, "max": 7168, "step": 64},
                "head_dim": 64,
                "vocab_size": 32000,
                "ffn_ratio": 4,
                "ffn_multiple": 64,
            },
            "training": {"flops": "6ND"},
            "budgets": {"training_flops": flops},
            "objective": {"law": law, "shape": "none", "ablations": "none"},
        }
    )


@pytest.mark.parametrize("solver", ["auto", "bound", "scipy", "pulp", "exhaustive"])
def test_hoffmann_published_optimum_is_found(solver: str) -> None:
    result = solve(fine(CHINCHILLA_FLOPS, "hoffmann-2022"), solver=solver)
    assert result.status == "optimal"
    assert result.best.parameters.total == pytest.approx(40.3e9, rel=5e-3)
    assert result.best.tokens == pytest.approx(2.38e12, rel=5e-3)


def test_kaplan_is_the_joint_law() -> None:
    law = token_law("kaplan-2020")
    n, d = 1e9, 1e10
    want = ((6.4e13 / n) ** (0.076 / 0.103) + 1.8e13 / d) ** 0.103
    assert law.loss(n, d) == pytest.approx(want, rel=1e-14)
    assert law.loss(n, d) != pytest.approx(((8.8e13 / n) ** (0.076 / 0.095) + 5.4e13 / d) ** 0.095)
    assert law.parameter_kind == "non_embedding"
    # With endless data it is a power of N alone; with endless N, of D alone (eq. 1.1 and 1.2).
    assert law.loss(n, math.inf) == pytest.approx((6.4e13 / n) ** 0.076)
    assert law.loss(math.inf, d) == pytest.approx((1.8e13 / d) ** 0.103)


def test_besiroglu_coefficients() -> None:
    law = token_law("besiroglu-2024")
    want = 1.8172 + 482.01 / 70e9**0.3478 + 2085.43 / 1.4e12**0.3658
    assert law.loss(70e9, 1.4e12) == pytest.approx(want, rel=1e-14)
    # About 20 tokens a parameter at Chinchilla's budget, as the refit's abstract says.
    n, d = optimum(law, CHINCHILLA_FLOPS)  # type: ignore[arg-type]
    assert 15 < d / n < 30


@given(
    st.sampled_from(sorted(set(TOKEN_LAWS) - {"steps"})),
    st.floats(1e6, 1e12),
    st.floats(1e8, 1e14),
    st.floats(1.001, 100),
)
def test_laws_fall_in_both_arguments(name: str, n: float, d: float, factor: float) -> None:
    law = token_law(name).of(SHAPE)
    assert law.loss(n * factor, d) <= law.loss(n, d)
    assert law.loss(n, d * factor) <= law.loss(n, d)


@given(st.sampled_from(sorted(TOKEN_LAWS)), st.floats(1e6, 1e12), st.floats(1e8, 1e14))
def test_inverse(name: str, n: float, d: float) -> None:
    law = token_law(name).of(SHAPE)
    assert law.tokens_for(n, law.loss(n, d)) == pytest.approx(d, rel=1e-6)
    by_bisection = TokenLaw.tokens_for(law, n, law.loss(n, d))
    assert by_bisection == pytest.approx(d, rel=1e-6)
    assert law.tokens_for(n, float(law.loss(n, math.inf)) * (1 - 1e-9)) == math.inf


GEMSTONES: Any = SHAPE_LAWS["gemstones-2025"]


@pytest.mark.parametrize(
    ("d_model", "layers", "ideal"),
    [(16384, 126, (16452, 125)), (12288, 96, (11661, 107))],  # Llama 3.1 405B, GPT-3
)
def test_gemstones_ideal_shapes(d_model: int, layers: int, ideal: tuple[int, int]) -> None:
    width, depth = GEMSTONES.ideal(d_model, layers)
    assert (round(width), round(depth)) == ideal
    assert width**2 * depth == pytest.approx(d_model**2 * layers)


@given(st.floats(64, 65536), st.floats(1, 1000))
def test_excess_is_zero_at_the_ideal_and_nowhere_negative(d_model: float, layers: float) -> None:
    width, depth = GEMSTONES.ideal(d_model, layers)
    assert GEMSTONES.excess(width, depth) == pytest.approx(0.0, abs=1e-12)
    assert GEMSTONES.excess(d_model, layers) >= 0.0
    direct = sum(
        t.coefficient
        * d_model ** t.exponents.get("d_model", 0)
        * layers ** t.exponents.get("layers", 0)
        for t in GEMSTONES.terms
    )
    assert GEMSTONES.excess(d_model, layers) == pytest.approx(direct, abs=1e-12)


def test_excess_grows_away_from_the_ideal() -> None:
    size = 4096**2 * 32
    widths = np.geomspace(512, 32768, 41)
    excess = GEMSTONES.excess(widths, size / widths**2)
    best = int(excess.argmin())
    assert (np.diff(excess[: best + 1]) < 0).all()
    assert (np.diff(excess[best:]) > 0).all()


def test_shape_law_is_a_dataclass_with_its_source() -> None:
    assert isinstance(GEMSTONES, WidthDepthShape)
    assert all(law.source for law in TOKEN_LAWS.values() if law.name != "steps")


class Steps(TokenLaw):
    """A user's law with no power terms: only its loss is known."""

    name = "steps"
    source = "a test"

    def loss(self, n: Any, d: Any) -> Any:
        return 1.5 + 3.0 / (1.0 + np.log10(n)) + 2.0 / np.log10(np.minimum(d, 1e200))


@pytest.mark.parametrize(
    "objective",
    [{"minimize": "loss"}, {"minimize": "training_flops"}, {"minimize": "serving_memory"}],
)
def test_own_law_by_a_small_class(
    objective: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TOKEN_LAWS, "_items", dict(TOKEN_LAWS))  # as it was for other tests
    steps = Steps()
    register_law(steps)
    register_law(steps)  # the same law twice is no fault
    tables = fine(1e22, "steps").to_dict()
    tables["objective"] = objective | {"law": "steps", "ablations": "none"}
    tables["space"]["d_model"] = {"min": 1024, "max": 4096, "step": 256}
    tables["space"]["layers"] = {"min": 8, "max": 40}
    if objective["minimize"] != "loss":
        tables["budgets"]["loss"] = 1.98
    problem = Problem.from_tables(tables)
    results = [solve(problem, solver=s) for s in ("exhaustive", "auto", "bound", "scipy", "pulp")]
    assert {r.status for r in results} == {"optimal"}
    assert len({r.objective.value for r in results}) == 1
    assert len({r.best.tie_key for r in results}) == 1


def test_registering_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_law(PowerLaw("besiroglu-2024", 1.0, 1.0, 1.0, 1.0, 1.0))


@pytest.mark.parametrize("key", ["A", "alpha", "B", "beta", "outer"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_power_law_refuses_what_would_not_fall(key: str, value: float) -> None:
    good = {"E": 1.0, "A": 1.0, "alpha": 0.3, "B": 1.0, "beta": 0.3, "outer": 1.0}
    with pytest.raises(ValueError, match=key):
        PowerLaw("x", **good | {key: value})


# Repeated data


def test_repeats_are_worth_what_the_paper_says() -> None:
    """Four epochs are nearly as good as new data; sixteen R* out, more are worth nothing."""
    law = token_law("muennighoff-2023")
    unique = 100e9
    on_data = law.on_data(unique)
    n = 1e9  # few enough that no parameter is in excess
    worth = unique * (1 + 15.387756 * (1 - math.exp(-3 / 15.387756)))  # eq. 17 at R = 3
    assert worth / unique == pytest.approx(3.726, abs=1e-3)
    assert on_data.loss(n, 4 * unique) == pytest.approx(float(law.loss(n, worth)), rel=1e-12)
    assert on_data.loss(n, unique) == law.loss(n, unique)
    assert float(on_data.loss(n, 1e30)) == pytest.approx(
        float(law.loss(n, unique * (1 + 15.387756))), rel=1e-9
    )


def test_repeats_never_raise_the_loss() -> None:
    law = token_law("muennighoff-2023").on_data(50e9)
    n = np.geomspace(1e7, 1e12, 60)
    d = np.geomspace(1e8, 1e14, 60)
    loss = np.asarray(law.loss(n[:, None], d[None, :]))
    assert (np.diff(loss, axis=0) <= 1e-12).all()
    assert (np.diff(loss, axis=1) <= 1e-12).all()
    tokens = np.asarray(law.tokens_for(n, loss[:, 30]))
    assert np.allclose(np.asarray(law.loss(n, tokens)), loss[:, 30], rtol=1e-12)


def test_less_data_makes_a_smaller_model_best() -> None:
    free = fine(1e24, "muennighoff-2023")
    scarce = free.with_settings({"training.unique_tokens": 2e11})
    results = {s: solve(scarce, solver=s) for s in ("exhaustive", "auto", "scipy")}
    assert len({r.best.architecture for r in results.values()}) == 1
    assert results["auto"].best.loss > solve(free).best.loss
    blind = fine(1e24, "besiroglu-2024")
    told = blind.with_settings({"training.unique_tokens": 2e11})
    assert solve(told).best.loss == solve(blind).best.loss
    assert any("epochs" in str(warning) for warning in solve(told).warnings)
