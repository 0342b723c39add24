"""Kumar et al.'s law of the precision of training (2024, arXiv 2411.04330)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelsizer.problems.laws.catalogue import (
    Coefficients,
    coefficients_of,
    page_rows,
    range_of,
)
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import PowerLaw

_NAME = "kumar-2024"


def kumar_share(
    c: Coefficients, weights: Floats, activations: Floats, kv: Floats, offset: bool = True
) -> Floats:
    """Effective fraction of the parameters; 0 where some part has too few bits.

    Parameters
    ----------
    c : mapping
        ``gamma_w``, ``n_w`` and the like of ``a`` and ``kv``.
    weights, activations, kv : array
        Bits during training.
    offset : bool
        Whether to use the offset of the fit, which the printed formula omits.
    """
    share: Floats = 1.0
    for bits, part in ((weights, "w"), (activations, "a"), (kv, "kv")):
        power = -np.asarray(bits, float) / c[f"gamma_{part}"]
        share = share * np.maximum(-np.expm1(power + (c[f"n_{part}"] if offset else 0.0)), 0.0)
    return share


def kumar_loss(
    c: Coefficients, n: Floats, d: Floats, weights: float, activations: float, kv: float
) -> Floats:
    """Loss in nats a token of N non-embedding parameters and D tokens, at fixed bits."""
    return _at_bits(c, weights, activations, kv).loss(n, d)


def kumar_law(weights: float, activations: float, kv: float) -> PowerLaw:
    """The law of N and D at fixed bits, for `register_law`.

    Raises
    ------
    ValueError
        If the bits leave no effective parameter.
    """
    row = page_rows()[_NAME]
    return replace(
        _at_bits(coefficients_of(row), weights, activations, kv),
        parameter_kind="non_embedding",
        parameter_range=range_of(row, "parameter_range"),
        token_range=range_of(row, "token_range"),
        source=f"{row['source']}, with the offset of its fit",
    )


def _at_bits(c: Coefficients, weights: float, activations: float, kv: float) -> PowerLaw:
    share = float(kumar_share(c, weights, activations, kv))
    if share <= 0:
        raise ValueError(f"no parameter is effective at {weights}, {activations} and {kv} bits")
    return PowerLaw(
        f"{_NAME}-w{weights:g}a{activations:g}kv{kv:g}",
        E=c["E"],
        A=c["A"] * share ** -c["alpha"],
        alpha=c["alpha"],
        B=c["B"],
        beta=c["alpha"],
    )
