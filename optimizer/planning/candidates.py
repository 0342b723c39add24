"""Runs that can be launched: small models of the target's family, each at several tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from modelsizer.optimizer.fitting.terms import FEATURES
from modelsizer.optimizer.planning.family import WIDER, Family
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import architecture_features
from modelsizer.problems.laws.features import SHAPE_FEATURES, parts_of
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST = 70e6
"""Parameters of the smallest candidate where the law does not tell: Hoffmann et al.'s smallest run
(arXiv 2203.15556, abstract)."""
TOKENS_PER_PARAMETER = (5.0, 500.0)
"""From a quarter of Chinchilla's 20 (ibid., table 3) to what small models are served with today."""
_TOKENS_STEP = 1.4  # at most, between tokens of one config
_SHAPE = parts_of(SHAPE_FEATURES)  # widths and depth, no ratios
_DIGITS = 3  # of tokens, as a person would type them
MOST = 2500
"""Candidates, about: widths and tokens are further apart where there would be more."""
_THINNER = 1.25  # that steps become, as powers
_COARSEST = 4.0  # the same; coarser tells nothing


@dataclass(frozen=True)
class Runs:
    """Runs of known shape, size and tokens; arrays have shape (runs,).

    Parameters
    ----------
    architectures : tuple of Architecture
        One for each run.
    n : array of float
        Parameters as the law counts them.
    parameters : array of int
        All of them.
    tokens, flops : array of float
        Training tokens, and training FLOPs as the problem counts them.
    """

    architectures: tuple[Architecture, ...]
    n: Floats
    parameters: Ints
    tokens: Floats
    flops: Floats

    def __len__(self) -> int:
        return len(self.n)

    @staticmethod
    def of(rows: Sequence[tuple[Architecture, float, float, float, float]]) -> Runs:
        """Of rows of an architecture, N, parameters, tokens and FLOPs."""
        table = np.array([row[1:] for row in rows], float).reshape(-1, 4)
        n, total, tokens, flops = table.T
        return Runs(tuple(row[0] for row in rows), n, total.astype(np.int64), tokens, flops)

    @property
    def layers(self) -> Ints:
        """Depth of each."""
        return np.array([a.layers for a in self.architectures], dtype=np.int64)

    @property
    def d_model(self) -> Ints:
        """Width of each."""
        return np.array([a.trunk.d_model for a in self.architectures], dtype=np.int64)

    @property
    def columns(self) -> Mapping[str, Floats]:
        """As forms of laws name them."""
        rows = [shape_columns(a) for a in self.architectures]
        named = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return {"N": self.n, "D": self.tokens, **named}

    def take(self, rows: Iterable[int]) -> Runs:
        """Some of them, in this order."""
        at = np.fromiter(rows, dtype=np.int64)
        return Runs(
            tuple(self.architectures[i] for i in at),
            self.n[at],
            self.parameters[at],
            self.tokens[at],
            self.flops[at],
        )


def shape_columns(architecture: Architecture) -> dict[str, float]:
    """Widths and depth of a dense and uniform architecture, as forms of laws name them."""
    return {
        FEATURES[name]: float(value)
        for name, value in architecture_features(architecture, _SHAPE).items()
    }


def round_tokens(tokens: float, *, up: bool = True) -> float:
    """To three digits, the nearest, or where `up` is not allowed the nearest below."""
    unit = 10.0 ** (math.floor(math.log10(tokens)) - _DIGITS + 1)
    return float((round if up else math.floor)(tokens / unit) * unit)


def candidates(
    family: Family,
    *,
    largest: float,
    tokens_per_parameter: tuple[float, float] = TOKENS_PER_PARAMETER,
    smallest: float = SMALLEST,
) -> Runs:
    """Every config of the ladder at every number of tokens, up to a cost.

    Parameters
    ----------
    family : Family
    largest : float
        FLOPs of a run.
    tokens_per_parameter : (low, high)
        Of all parameters.
    smallest : float
        Parameters.
    """
    low, high = tokens_per_parameter
    power = 1.0
    while True:
        # A parameter and token take about six FLOPs, the lookup none: a bound of one leaves none
        # out.
        configs = family.ladder(
            math.sqrt(largest / low), smallest=smallest, wider=WIDER**power
        )  # fmt: skip
        step = _TOKENS_STEP**power
        steps = 1 + math.ceil(math.log(high / low) / math.log(step)) if high > low else 1
        ratios = np.geomspace(low, high, steps)
        rows = []
        for one, (n, total, each) in configs:
            for ratio in ratios:
                tokens = round_tokens(ratio * total)
                if tokens * each <= largest:
                    rows.append((one, n, total, tokens, tokens * each))
        if len(rows) <= MOST or power >= _COARSEST:
            return Runs.of(rows)
        power *= _THINNER
