"""Best sizes from isoFLOP parabolas whose minima are known."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer.optimizer.fitting.approaches import isoflop, isoflop_slices


def test_minima_of_parabolas_are_found_off_the_middle_of_their_runs() -> None:
    budgets = np.array([1e18, 1e19, 1e20, 1e21])
    best = 1e8 * (budgets / 1e18) ** 0.5
    steps = np.array([-0.8, -0.3, 0.2, 0.9, 1.6])  # the minimum lies left of their mean
    n = (best[:, None] * np.exp(steps)).ravel()
    loss = (3 - np.log10(budgets / 1e18)[:, None] / 3 + 0.05 * steps**2).ravel()
    slices = isoflop_slices(n, np.repeat(budgets, len(steps)), loss)
    assert [one.best_n for one in slices] == pytest.approx(best, rel=1e-9)
    assert [one.flops for one in slices] == pytest.approx(budgets)
    found = isoflop(n, np.repeat(budgets, len(steps)), loss)
    assert found.exponent == pytest.approx(0.5, rel=1e-9)
