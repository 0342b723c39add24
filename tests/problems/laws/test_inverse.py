"""The fewest tokens that reach a loss are those of plain halving, to the last digit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelsizer.problems.laws.inverse import BISECTIONS, LARGEST_LN_TOKENS, fewest_tokens
from modelsizer.problems.laws.laws import Floats, TokenLaw
from modelsizer.problems.laws.published import TOKEN_LAWS

LAWS = ["muennighoff-2023", "krajewski-2024-dense", "hoffmann-2022-outer"]


def halved(law: TokenLaw, n: Floats, target: Floats) -> Floats:
    """Fewest tokens by halving the whole range of ln D."""
    low, high = np.zeros(np.shape(target)), np.full(np.shape(target), LARGEST_LN_TOKENS)
    reached = law.loss(n, np.exp(high)) <= target
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = law.loss(n, np.exp(middle)) <= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached, np.exp(high), np.inf)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("size", [1, 50])
def test_tokens_are_those_of_halving(name: str, size: int) -> None:
    random = np.random.default_rng(0)
    law = TOKEN_LAWS[name].on_data(3e11)
    reached = 0
    for _ in range(20):
        n, d = np.exp(random.uniform(*np.log([[1e7, 1e8], [1e12, 1e15]]), (size, 2))).T
        target = law.loss(n, d) * random.choice([1.0, 1.0, 1.001, 0.9], size)
        found = fewest_tokens(lambda d, n=n: law.loss(n, d), target)
        np.testing.assert_array_equal(found, halved(law, n, target))
        reached += int(np.isfinite(found).sum())
    assert reached >= 10 * size


@pytest.mark.parametrize("tokens", [1.0, 1.0001, 3.0, 1e12, 1e30, 1e80])
def test_tokens_at_the_ends_of_the_range(tokens: float) -> None:
    law = TOKEN_LAWS["muennighoff-2023"].on_data(1e12)  # endless repeats of it are worth 1.6e13
    n = np.array(7e9)
    target = np.asarray(law.loss(n, tokens))
    with np.errstate(invalid="ignore"):
        assert law.tokens_for(n, target) == halved(law, n, target)
        assert law.tokens_for(n, np.inf) == halved(law, n, np.array(np.inf))
        assert law.tokens_for(n, np.nan) == halved(law, n, np.array(np.nan)) == math.inf


def test_a_root_is_found_in_few_steps() -> None:
    law, tried = TOKEN_LAWS["muennighoff-2023"].on_data(1e12), []
    n = np.array(7e9)

    def loss(d: Floats) -> Floats:
        tried.append(d)
        return law.loss(n, d)

    fewest_tokens(loss, np.asarray(law.loss(n, 4e12)))
    assert len(tried) <= BISECTIONS // 2
