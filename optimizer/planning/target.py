"""The target of predictions: the optimum of a problem, or sizes of its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.planning.best_size import SIZE_POWERS
from modelsizer.optimizer.planning.candidates import shape_columns
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

_OF_WIDTH = ("heads", "d_ff")  # scaled with the width if it is given


@dataclass(frozen=True)
class Target:
    """The model whose loss is to be predicted.

    Parameters
    ----------
    n, tokens : float
        Parameters as counted by the law, and training tokens.
    layers, d_model : float
    flops : float
    family : Architecture
        The optimum, which defines the family of the runs.
    given : bool
        Whether the user gave it; otherwise it is the optimum.
    """

    n: float
    tokens: float
    layers: float
    d_model: float
    flops: float
    family: Architecture
    given: bool = False

    @property
    def columns(self) -> Mapping[str, Array]:
        """Columns under the names that forms of laws use, each of shape (1,)."""
        found = shape_columns(self.family)
        wider = self.d_model / found["width"]
        found |= {name: found[name] * wider for name in _OF_WIDTH}
        found |= {"N": self.n, "D": self.tokens, "width": self.d_model, "depth": self.layers}
        return {name: np.array([float(value)]) for name, value in found.items()}

    def moved(self, n: float, tokens: float, shape: tuple[float, float] | None = None) -> Target:
        """Another size of the family, at its aspect ratio unless layers and d_model are given."""
        scale = (n / self.n) ** (1 / 3)
        layers, d_model = shape or (self.layers * scale, self.d_model * scale)
        flops = SIX_ND * n * tokens
        return replace(
            self, n=n, tokens=tokens, layers=layers, d_model=d_model, flops=flops, given=True
        )

    def around(self, factor: float) -> Mapping[str, Array]:
        """Columns of the target and of sizes around it, of equal aspect ratio and N x D."""
        sizes = np.array([1 / factor, 1.0, factor]) if factor > 1 else np.ones(1)
        return {
            name: column * sizes ** SIZE_POWERS.get(name, 0.0)
            for name, column in self.columns.items()
        }


def optimum(problem: Problem, clock: Clock | None = None) -> Target | None:
    """The optimum of a problem; None if no design is feasible.

    Its tokens may be infinite, if nothing limits them.

    Raises
    ------
    StoppedError
        If the clock stops the search before the proof.
    """
    best = Solver(problem, clock=clock).solve(details=False).finished().design
    if best is None:
        return None
    one = best.architecture
    width = float(one.trunk.d_model)
    return Target(
        float(best.law_parameters), best.tokens, float(one.layers), width, best.training_flops, one
    )  # fmt: skip
