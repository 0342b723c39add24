"""The design of least greatest regret in nats over several judgements of one problem, proven.

The regret of a design under a judgement is its loss less the least loss under it, with the tokens
of the design optimised again. Best-first search over boxes of designs finds the least of its
maximum, as for the loss itself: see `modelsizer.optimizer.bounds.worst_regret`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from modelsizer.optimizer.bounds.worst_regret import WorstRegret
from modelsizer.optimizer.result import PROVEN
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.search.compare import better
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

NatRegrets = Mapping[str, float]
"""Regrets in nats, by the name of what judges."""


@dataclass(frozen=True, slots=True)
class LeastRegret:
    """The feasible design whose greatest regret is least, or the best found.

    Parameters
    ----------
    design : Evaluation
        Under the first judgement.
    regret : mapping of str to float
        Nats, by judgement.
    bound : float
        No design has less greatest regret.
    stop : Stop
        ``"proven"`` if the design has it, otherwise why the search ended early.
    """

    design: Evaluation
    regret: NatRegrets
    bound: float
    stop: Stop = "proven"

    @property
    def proven(self) -> bool:
        """Whether no design has less greatest regret."""
        return self.stop in PROVEN

    @property
    def worst(self) -> float:
        """The greatest regret, nats."""
        return max(self.regret.values())

    @property
    def worst_at(self) -> str:
        """What judges so."""
        return max(self.regret, key=lambda name: self.regret[name])

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "architecture": design_architecture(self.design.architecture),
            "parameters": self.design.parameters.total,
            "tokens": self.design.tokens,
            "regret": dict(self.regret),
            "worst": self.worst,
            "bound": self.bound,
            "proven": self.proven,
        }


def regrets_of(
    architecture: Architecture, problems: Mapping[str, Problem], least: Mapping[str, float]
) -> NatRegrets:
    """Regrets of a design in nats, by each judgement that gives it a loss within the limits.

    Parameters
    ----------
    architecture : Architecture
    problems : mapping of str to Problem
        The problem by each judgement.
    least : mapping of str to float
        The least loss by each.
    """
    found = {}
    for name, problem in problems.items():
        design = evaluate(problem, architecture)
        if design.feasible and math.isfinite(design.loss):
            found[name] = design.loss - least[name]
    return found


def least_regret(
    problems: Mapping[str, Problem],
    least: Mapping[str, float],
    known: Iterable[Architecture],
    clock: Clock,
    store: TableStore | None = None,
) -> LeastRegret | None:
    """Find the design of least greatest regret, with ties settled by the tie rule.

    Of the designs that keep the limits by every judgement; None if none is known.

    Parameters
    ----------
    problems : mapping of str to Problem
        One problem by each judgement: they minimise the loss, and differ in how they judge it.
    least : mapping of str to float
        The least loss by each.
    known : iterable of Architecture
        Designs to start from.
    clock : Clock
    store : TableStore, optional
        Tables of the space.
    """
    names = list(problems)
    model = WorstRegret([problems[name] for name in names], [least[name] for name in names], store)
    start: Evaluation | None = None
    for architecture in known:
        first = evaluate(model.problem, architecture)
        if math.isfinite(model.value_of(first)) and better(model, first, start):
            start = first
    found = BoundSolve(model, clock, lambda _: 0.0, True, None, start).run()
    if (design := found.incumbent) is None:
        return None
    regret = regrets_of(design.architecture, problems, least)
    # No regret is below 0, and none of a proven optimum below its own.
    worst = max(regret.values())
    bound = worst if found.stop in PROVEN else min(max(found.bound - model.base, 0.0), worst)
    return LeastRegret(design, regret, bound, found.stop)
