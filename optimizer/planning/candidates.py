"""Candidate runs: small models of the target's family, each at several numbers of tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fitting.terms import FEATURES
from modelsizer.optimizer.planning.family import WIDER, Family
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import architecture_features
from modelsizer.problems.laws.features import SHAPE_FEATURES, parts_of
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST = 70e6
"""Parameters of the smallest candidate if the law's data are not known: Hoffmann et al.'s smallest
run (arXiv 2203.15556, abstract)."""
TOKENS_PER_PARAMETER = (5.0, 500.0)
"""From a quarter of Chinchilla's 20 (ibid., table 3) to what small models are trained on today."""
_TOKENS_STEP = 1.4  # greatest ratio between consecutive tokens of one config
_SHAPE = parts_of(SHAPE_FEATURES)  # widths and depth, no ratios
_DIGITS = 3  # significant digits of tokens, so that they are easy to type
MOST = 2500
"""Approximate limit of candidates; above it, widths and tokens are spaced further apart."""
_THINNER = 1.25  # exponent by which the spacing grows
_COARSEST = 4.0  # largest exponent of the spacing; coarser grids are of no use


@dataclass(frozen=True)
class Runs:
    """Runs of known shape, size and tokens; arrays have shape (runs,).

    Parameters
    ----------
    architectures : tuple of Architecture
        One for each run.
    n : array of float
        Parameters as counted by the law.
    parameters : array of int
        All parameters.
    tokens, flops : array of float
        Training tokens, and training FLOPs as counted by the problem.
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
        """Build from rows of architecture, N, parameters, tokens and FLOPs."""
        table = np.array([row[1:] for row in rows], float).reshape(-1, 4)
        n, total, tokens, flops = table.T
        return Runs(tuple(row[0] for row in rows), n, total.astype(np.int64), tokens, flops)

    @property
    def layers(self) -> Ints:
        """Number of layers of each run."""
        return np.array([a.layers for a in self.architectures], dtype=np.int64)

    @property
    def d_model(self) -> Ints:
        """Width of each run."""
        return np.array([a.trunk.d_model for a in self.architectures], dtype=np.int64)

    @property
    def columns(self) -> Mapping[str, Floats]:
        """Columns under the names that forms of laws use."""
        rows = [shape_columns(a) for a in self.architectures]
        named = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return {"N": self.n, "D": self.tokens, **named}

    def take(self, rows: Iterable[int]) -> Runs:
        """Select runs, in this order."""
        at = np.fromiter(rows, dtype=np.int64)
        return Runs(
            tuple(self.architectures[i] for i in at),
            self.n[at],
            self.parameters[at],
            self.tokens[at],
            self.flops[at],
        )


def shape_columns(architecture: Architecture) -> dict[str, float]:
    """Widths and depth of a dense, uniform architecture, under the names that forms of laws use."""
    return {
        FEATURES[name]: float(value)
        for name, value in architecture_features(architecture, _SHAPE).items()
    }


def round_tokens(tokens: float, *, up: bool = True) -> float:
    """Round to three significant digits: to nearest, or down if `up` is False."""
    unit = 10.0 ** (math.floor(math.log10(tokens)) - _DIGITS + 1)
    return float((round if up else math.floor)(tokens / unit) * unit)


def candidates(
    family: Family,
    *,
    largest: float,
    tokens_per_parameter: tuple[float, float] = TOKENS_PER_PARAMETER,
    smallest: float = SMALLEST,
) -> Runs:
    """Every config of the ladder with every number of tokens, up to a cost per run.

    Parameters
    ----------
    family : Family
    largest : float
        Greatest FLOPs of a run.
    tokens_per_parameter : (low, high)
        Range of tokens per parameter, counting all parameters.
    smallest : float
        Least parameters of a config.
    """
    low, high = tokens_per_parameter
    power = 1.0
    while True:
        # A parameter and token take about six FLOPs, but a lookup takes none; a bound of one FLOP
        # excludes no config.
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
