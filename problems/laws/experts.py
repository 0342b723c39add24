"""Published laws of mixtures of experts, which `objective.law` does not take.

Each is a function of its coefficients, parameters, tokens and one number about the experts; all but
the coefficients broadcast, and the loss is in nats a token.
"""

from __future__ import annotations

import math

import numpy as np

from modelsizer.problems.laws.catalogue import Coefficients
from modelsizer.problems.laws.features import Floats


def effective_experts(experts: Floats, start: float, most: float) -> Floats:
    """Saturating number of experts of Clark et al. (2022, arXiv 2202.01169, eq. 1)."""
    shifted = np.subtract(experts, 1) + 1 / (1 / start - 1 / most)
    return 1 / (1 / shifted + 1 / most)


def ludziejewski_loss(c: Coefficients, n: Floats, d: Floats, experts: float) -> Floats:
    """Loss of a mixture with one active expert (2025, arXiv 2502.05172, eq. 6).

    Parameters
    ----------
    c : mapping
        ``a``, ``alpha``, ``delta``, ``gamma``, ``b``, ``beta``, ``omega``, ``zeta``, ``c``,
        ``E_start`` and ``E_max``.
    n : array
        Active parameters.
    d : array
        Tokens.
    experts : float
        Number of experts; 1 for a dense model.
    """
    effective = float(effective_experts(experts, c["E_start"], c["E_max"]))
    ln = math.log(effective)
    size = c["a"] * effective ** c["delta"] * np.power(n, c["alpha"] + c["gamma"] * ln)
    data = c["b"] * effective ** c["omega"] * np.power(d, c["beta"] + c["zeta"] * ln)
    return size + data + c["c"]


def krajewski_loss(c: Coefficients, n: Floats, d: Floats, granularity: Floats) -> Floats:
    """Loss of a mixture of 64 experts (2024, arXiv 2402.07871, eq. 9).

    Parameters
    ----------
    c : mapping
        ``a``, ``alpha``, ``b``, ``beta``, ``g``, ``gamma`` and ``c``.
    n : array
        Parameters of all experts together.
    d : array
        Tokens.
    granularity : array
        Width of a dense feed-forward layer over that of an expert.
    """
    a = c["g"] / np.power(granularity, c["gamma"]) + c["a"]
    return c["c"] + a / np.power(n, c["alpha"]) + c["b"] / np.power(d, c["beta"])


def abnar_loss(c: Coefficients, n: Floats, d: Floats, sparsity: Floats) -> Floats:
    """Loss of a mixture (2025, arXiv 2501.12370, eq. 6).

    Parameters
    ----------
    c : mapping
        ``a``, ``alpha``, ``b``, ``beta``, ``c``, ``lambda``, ``d``, ``delta``, ``gamma``, ``e``.
    n : array
        Parameters of all experts together.
    d : array
        Tokens.
    sparsity : array
        Fraction of experts that a token does not use.
    """
    active = 1 - np.asarray(sparsity, float)
    return (
        c["a"] / np.power(n, c["alpha"])
        + c["b"] / np.power(d, c["beta"])
        + c["c"] / np.power(active, c["lambda"])
        + c["d"] / (np.power(active, c["delta"]) * np.power(n, c["gamma"]))
        + c["e"]
    )
