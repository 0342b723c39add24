"""Test at random designs that a law has the properties which the proofs rely on."""

from __future__ import annotations

import numpy as np

from modelsizer.problems.laws.features import (
    RATIOS,
    Features,
    Floats,
    features_of,
    ranges_of,
)
from modelsizer.problems.laws.laws import DesignLaw, TokenLaw
from modelsizer.problems.laws.stack_values import ACTIVE_PARAMETERS, EXPERTS, WINDOW
from modelsizer.problems.units import format_number

_POINTS = 512
_SEED = 0
_SLACK = 1e-9  # relative, for the rounding of a law's own arithmetic
_ENDS = {
    "parameters": (1e6, 1e12),
    "tokens": (1e8, 1e14),
    "layers": (2, 200),
    "d_model": (128, 20_000),
    "heads": (2, 256),
    "kv_heads": (1, 64),
    "head_dim": (32, 256),
    "d_ff": (256, 80_000),
    "vocab_size": (1_000, 300_000),
    EXPERTS: (1, 400),
    ACTIVE_PARAMETERS: (1e6, 1e12),
    "routed": (1, 1000),
    "active": (1, 64),
    "granularity": (0.1, 64),
    "activation": (0.001, 1),
    WINDOW: (16, 1e6),
    "full_share": (0.01, 1),
}
"""Ranges from which test designs are drawn, wider than any model built today."""


def check_law(law: TokenLaw) -> None:
    """Reject a law that violates a required property at some random design.

    The loss must be finite for arrays of designs and must not increase with the tokens. A law of N
    and D alone must not increase with N either. `DesignLaw.least_of` must not exceed the loss of
    any design in its box.

    Parameters
    ----------
    law : TokenLaw

    Raises
    ------
    ValueError
        With a design at which the property is violated.
    """
    unknown = set(law.features) - {*_ENDS, *RATIOS} - {"parameters", "tokens"}
    if unknown:
        known = ", ".join((*(n for n in _ENDS if n not in ("parameters", "tokens")), *RATIOS))
        raise ValueError(f"{law.name} sees {sorted(unknown)[0]!r}, no feature; known: {known}")
    random = np.random.default_rng(_SEED)
    low = {name: _drawn(random, *ends) for name, ends in _ENDS.items()}
    growth = {name: np.exp(random.exponential(0.5, _POINTS)) for name in _ENDS}
    high = {name: value * growth[name] for name, value in low.items()}
    here = {name: low[name] * growth[name] ** random.random(_POINTS) for name in low}
    loss = _loss(law, here)
    _refuse(law, here, ~np.isfinite(loss), "its loss is no finite number")
    more = _loss(law, here | {"tokens": high["tokens"]})
    _refuse(law, here, more > loss + _slack(loss), "its loss rises with the tokens")
    if not isinstance(law, DesignLaw):
        more = _loss(law, here | {"parameters": high["parameters"]})
        _refuse(law, here, more > loss + _slack(loss), "its loss rises with N")
        return
    ends = ranges_of(law.features, low.__getitem__, high.__getitem__)
    bound = law.over(low["parameters"], high["parameters"], *ends)
    least = np.broadcast_to(np.asarray(bound.loss(1.0, here["tokens"]), float), loss.shape)
    _refuse(law, here, ~(least <= loss + _slack(loss)), "its bound is above the loss of a design")


def _drawn(random: np.random.Generator, low: float, high: float) -> Floats:
    return np.exp(random.uniform(np.log(low), np.log(high), _POINTS))


def _slack(loss: Floats) -> Floats:
    return _SLACK * np.abs(loss)


def _loss(law: TokenLaw, at: Features) -> Floats:
    features = features_of(law.features, at.__getitem__)
    found = np.asarray(law.of(features).loss(at["parameters"], at["tokens"]), float)
    if found.shape != (_POINTS,):
        raise ValueError(
            f"{law.name} gives {found.shape} losses for {_POINTS} designs; it must work on arrays "
            "(NumPy's functions in place of math's)"
        )
    return found


def _refuse(law: TokenLaw, at: Features, where: Floats, words: str) -> None:
    broken = np.flatnonzero(where)
    if len(broken):
        i = broken[0]
        names = ("parameters", "tokens", *law.features)
        values = features_of(law.features, at.__getitem__) | {k: at[k] for k in names[:2]}
        point = ", ".join(f"{name} = {format_number(float(values[name][i]), 4)}" for name in names)
        raise ValueError(
            f"{law.name}: {words}, at {point} for one of {len(broken)} of {_POINTS} designs tried; "
            "nothing could be proven with it"
        )
