"""Runs drawn from laws of known coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.forms import Form

DELTA = 1e-3


TRUTH = {
    "chinchilla": (1.8172, 482.01, 0.3478, 2085.43, 0.3658),
    "chinchilla-outer": (1.6, 2.1e4, 0.52, 9.1e4, 0.51, 0.42),
    "gemstones": (1.5346, 2.9507, 0.2196, 0.8036, 0.4759, 441.5, 0.3636, 35313.0, 0.4935),
    "bian": (2.44751, 54754.0, 778346.0, 0.614573, 0.00114621),
}


def table(form: Form, runs: int = 120, noise: float = 0.003, seed: int = 0) -> dict[str, Any]:
    """Runs of known truth."""
    generator = np.random.default_rng(seed)
    depth = np.round(np.exp(generator.uniform(np.log(4), np.log(80), runs)))
    width = 64 * np.round(np.exp(generator.uniform(np.log(4), np.log(48), runs)))
    n = 12 * width**2 * depth + 2 * 32000 * width
    d = np.exp(generator.uniform(np.log(2e9), np.log(4e11), runs))
    columns = {"width": width, "depth": depth, "N": n, "D": d}
    loss = form.loss(np.array(TRUTH[form.name]), columns)
    return {**columns, "loss": loss * np.exp(generator.normal(0, noise, runs))}
