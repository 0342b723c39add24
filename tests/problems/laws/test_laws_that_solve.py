"""Laws of the catalogue and of Python keep what the proofs stand on, and solve alike by every way."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsizer import Problem, solve
from modelsizer.problems.laws.farseer import FarseerLaw
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.pages import LAW_PAGES
from modelsizer.problems.laws.precision import kumar_law
from modelsizer.problems.laws.published import TOKEN_LAWS, token_law

USABLE = [page.name for page in LAW_PAGES.values() if "law" in page.keys]
FIRST = ("kaplan-2020", "hoffmann-2022", "hoffmann-2022-rounded", "besiroglu-2024")
SOLVED_ALIKE = [
    name
    for name, law in TOKEN_LAWS.items()
    if name not in FIRST and not law.features and law.most_epochs is None
]


def _laws() -> list[TokenLaw]:
    return [*map(token_law, USABLE), FarseerLaw(4.2), kumar_law(8, 8, 8)]


@given(
    st.sampled_from(_laws()),
    st.floats(1e4, 1e14),
    st.floats(1e6, 1e17),
    st.floats(1.0, 1e4),
    st.floats(1.0, 1e4),
)
def test_no_usable_law_rises_within_its_range_or_beyond(
    law: TokenLaw, n: float, d: float, more_n: float, more_d: float
) -> None:
    law = law.of({"d_model": 4096.0, "layers": 32.0, "aspect_ratio": 128.0, "experts": 8.0,
                  "granularity": 4.0, "activation": 0.1})  # fmt: skip
    here = float(law.loss(n, d))
    assert math.isfinite(here)
    assert here > 0
    slack = 4e-16 * here  # rounding
    assert float(law.loss(n * more_n, d)) <= here + slack
    assert float(law.loss(n, d * more_d)) <= here + slack


SMALL: dict[str, Any] = {
    "space": {
        "layers": {"min": 8, "max": 48},
        "d_model": {"min": 768, "max": 6144, "step": 256},
        "head_dim": 128,
        "kv_heads": [4, 8],
        "vocab_size": 32000,
    },
    "serving": {"batch_size": 8, "context_length": 8192},
    "budgets": {"training_flops": 3e21, "serving_memory": "30 GB"},
}


def _same_by_every_way(law: str) -> Any:
    problem = Problem.from_tables(SMALL | {"objective": {"law": law, "ablations": "none"}})
    results = [solve(problem, solver=solver) for solver in ("exhaustive", "auto", "bound", "scipy")]
    assert {result.status for result in results} == {"optimal"}
    assert len({result.best.tie_key for result in results}) == 1
    assert len({result.best.loss for result in results}) == 1
    return results[0].best


@pytest.mark.parametrize("law", SOLVED_ALIKE)
def test_new_laws_solve_alike_by_every_way(law: str) -> None:
    found = _same_by_every_way(law)
    kind = token_law(law).parameter_kind
    n = found.parameters.non_embedding if kind == "non_embedding" else found.parameters.total
    assert found.loss - found.shape_excess == pytest.approx(
        float(token_law(law).loss(n, found.tokens)), rel=1e-13
    )


@pytest.mark.parametrize("law", [FarseerLaw(4.2), kumar_law(8, 8, 8)], ids=str)
def test_laws_made_from_python_solve_too(law: TokenLaw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOKEN_LAWS._items, law.name, law)
    assert _same_by_every_way(law.name).parameters.non_embedding <= 7e9


def test_a_part_that_experts_decide_is_not_called_one_of_the_shape() -> None:
    named = {name: token_law(name).shape_part_of for name in USABLE}
    assert {name for name, of in named.items() if of != "shape"} == {"abnar-2025"}
