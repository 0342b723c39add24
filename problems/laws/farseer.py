"""Farseer, the law of Li et al. (2025, arXiv 2506.10972)."""

from __future__ import annotations

import math
from dataclasses import field

import numpy as np

from modelsizer.problems.laws.catalogue import (
    Coefficients,
    coefficients_of,
    page_rows,
    range_of,
)
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, ParameterKind, Range, TokenLaw
from modelsizer.problems.records import dataclass

_NAME = "farseer-2025"


def farseer_bits(c: Coefficients, n: Floats, d: Floats) -> Floats:
    """Loss in bits a character (eq. 15), which diverges above the largest model of the fit.

    Parameters
    ----------
    c : mapping
        ``e1``, ``p1``, ``c1`` and so on to ``c3``.
    n : array
        Non-embedding parameters.
    d : array
        Tokens.
    """
    floor = np.exp(c["e1"] * np.power(n, c["p1"]) + c["c1"])
    factor = np.exp(c["e2"] * np.power(n, c["p2"]) + c["c2"])
    return floor + factor * np.power(d, -np.exp(c["e3"] * np.power(n, c["p3"]) + c["c3"]))


@dataclass(frozen=True)
class FarseerLaw(TokenLaw):
    """Farseer within the range of its fit: parameters beyond it do not lower the loss.

    Parameters
    ----------
    characters_per_token : float
        Of the tokenizer, to convert bits a character to nats a token.

    Raises
    ------
    ValueError
        If it is not a positive number.
    """

    characters_per_token: float
    name: str = _NAME
    parameter_kind: ParameterKind = "non_embedding"
    parameter_range: Range = field(default=ANYWHERE, init=False)
    source: str = field(default="", init=False)
    form: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.characters_per_token) and self.characters_per_token > 0):
            raise ValueError(
                f"characters_per_token must be a positive number, got {self.characters_per_token!r}"
            )
        row = page_rows()[_NAME]
        fitted = range_of(row, "parameter_range")
        assert fitted.high is not None
        for key, value in (
            ("parameter_range", fitted),
            ("source", f"{row['source']}, N held to at most {fitted.high / 1e9:g}B"),
            ("form", row["formula"]),
        ):
            object.__setattr__(self, key, value)

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        c, most = coefficients_of(page_rows()[_NAME]), self.parameter_range.high
        assert most is not None
        bits = farseer_bits(c, np.minimum(n, most), d)
        return math.log(2) * self.characters_per_token * bits
