"""Fits of awkward tables reach the least objective of many starts.

`LEAST` has the least that SciPy's L-BFGS-B reached from 300 random and grid starts (150 random ones
of the outer power; 3,000 where the fit got lower than from 300), of an objective written apart from
the package; exponents of zero or more, coefficients positive. Tables come from seeds. With nine coefficients and thirteen runs not
even 3,000 starts find what the fit finds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from modelsizer.optimizer.fitting.fit import fit_form
from modelsizer.optimizer.fitting.forms import FORMS, Design
from tests.support.fitting_runs import TRUTH

WITHIN = 1.002
KINDS = ("few", "noisy", "heavy tails", "narrow N", "isoFLOP", "curves", "a term not there",
         "D is 20 N", "near E")  # fmt: skip
LEAST = {
    "chinchilla": (1.834402e-05, 0.0006392368, 0.00176906, 0.0002033901, 2.730721e-05,
                   0.0006300416, 0.0002330463, 2.381568e-05, 0.0006705189),
    "gemstones": (1.677881e-05, 0.0005863164, 0.003253389, 0.000259138, 2.584107e-05,
                  0.0006134834, 0.0002458271, 2.72577e-05, 0.0007254773),
    "bian": (2.730758e-05, 0.0007287694, 0.004223763, 0.0001984929, 3.210464e-05,
             0.0005542108, 0.0002393761, 2.962047e-05, 0.0005932931),
    "chinchilla-outer": (2.7971e-05, 0.0007159207, 0.002809434, 0.0002105547, 2.352458e-05,
                         0.0007269387, 0.0002322646, 2.614602e-05, 0.0005352012),
}  # fmt: skip


def columns_of(law: str, kind: str) -> tuple[dict[str, Any], float]:
    """Runs of a law with other coefficients than published, and delta of Huber's loss."""
    generator = np.random.default_rng([KINDS.index(kind), list(FORMS).index(law)])
    form = FORMS[law]
    values = np.array(TRUTH[law])
    exponents = np.array([name in form.exponents for name in form.coefficients])
    values = values * np.exp(generator.normal(0, np.where(exponents, 0.15, 0.3)))
    runs = 13 if kind == "few" else 90
    depth = np.round(np.exp(generator.uniform(np.log(4), np.log(80), runs)))
    width = 64 * np.round(np.exp(generator.uniform(np.log(4), np.log(48), runs)))
    if kind == "narrow N":
        width = 64 * np.round(generator.uniform(14, 17, runs))
        depth = np.round(generator.uniform(18, 22, runs))
    if kind == "curves":  # nine models, ten checkpoints each
        width, depth = np.repeat(width[:9], 10), np.repeat(depth[:9], 10)
    n = 12 * width**2 * depth + 64000 * width
    d = np.exp(generator.uniform(np.log(1e9), np.log(4e11), runs))
    if kind == "curves":
        d = np.tile(np.geomspace(1e9, 3e11, 10), 9)
    if kind == "isoFLOP":
        d = np.repeat(np.geomspace(1e18, 1e21, 9), 10) / (6 * n)
    if kind == "D is 20 N":
        d = 20 * n
    if kind == "near E":
        n, d = 1e3 * n, 1e3 * d
    if kind == "a term not there":
        values[1] = 0.0  # A of each form
    columns = {"N": n, "D": d, "width": width, "depth": depth}
    noise = generator.normal(0, 0.1 if kind == "noisy" else 0.004, runs)
    if kind == "heavy tails":
        noise = np.clip(0.004 * generator.standard_t(1.5, runs), -0.5, 1.0)
    loss = form.loss(values, columns) * np.exp(noise)
    return {**columns, "loss": loss}, (1e-3, 1e-4, 1e-2)[KINDS.index(kind) % 3]


@pytest.mark.parametrize(
    ("law", "kinds"),
    [
        ("chinchilla", KINDS[:3]),
        ("bian", KINDS[:3]),
        ("chinchilla-outer", KINDS[:1]),
        *(pytest.param(law, KINDS, marks=pytest.mark.slow) for law in FORMS),
    ],
)
def test_no_start_of_many_gets_lower(law: str, kinds: tuple[str, ...]) -> None:
    form = FORMS[law]
    for kind in kinds:
        columns, delta = columns_of(law, kind)
        design = Design(form, {c: columns[c] for c in form.columns}, np.log(columns["loss"]))
        found = fit_form(design, delta).objective
        least = LEAST[law][KINDS.index(kind)]
        assert found <= least * WITHIN, (kind, found / least)
        assert found > least * 0.95, (kind, "another table?", found / least)


def test_the_record_is_of_these_tables() -> None:
    """Chinchilla's objective once more, in plain NumPy: SciPy finds what is recorded."""
    kind = "heavy tails"
    columns, delta = columns_of("chinchilla", kind)
    x, y = np.log(columns["N"]), np.log(columns["D"])
    x, y, seen = x - x.mean(), y - y.mean(), np.log(columns["loss"])

    def objective(theta: Any) -> tuple[float, Any]:
        e, a, alpha, b, beta = theta
        parts = np.stack([np.full_like(x, np.exp(e)), np.exp(a - alpha * x), np.exp(b - beta * y)])
        total = parts.sum(axis=0)
        residual = np.log(total) - seen
        size = np.minimum(np.abs(residual), delta)
        share = np.clip(residual, -delta, delta) * parts / total
        slope = [share[0].sum(), share[1].sum(), -(share[1] * x).sum(), share[2].sum(),
                 -(share[2] * y).sum()]  # fmt: skip
        value = (size * (np.abs(residual) - size / 2)).sum()
        return value / delta, np.array(slope) / delta

    ends = [
        minimize(objective, (0.6, a, 0.3, b, 0.3), jac=True, method="L-BFGS-B",
                 options={"maxiter": 3000, "ftol": 1e-13, "gtol": 1e-9}).fun * delta
        for a in (-1.0, -0.5) for b in (-1.0, -0.5)
    ]  # fmt: skip
    assert min(ends) == pytest.approx(LEAST["chinchilla"][KINDS.index(kind)], rel=2e-3)
