"""What a design costs by each of several laws, and the design that none of them hates.

Losses of different laws are on different scales and are never subtracted from one another. What a
design costs by a law is told in that law's own terms twice: in nats, its loss under the law less
the least that the law allows, tokens re-optimised; and as *wasted compute*,

    waste_L(a) = 1 - C_L(loss_L(a)) / C_L(least loss of L),

where ``C_L(l)`` is the least training FLOPs with which some design of the problem, all other limits
kept, reaches the loss l under L. A waste of 0.2 says: the law's own choice is as good at four
fifths of the compute. It is a share, so it can be compared between laws, and its worst over the
laws can be made least. ``C_L`` is found by a proven solve that minimises training FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.kept_designs import Held, table_of
from modelsizer.optimizer.surveys.near_optimal import TooManyError, collected
from modelsizer.optimizer.tables.table import Floats, Mask, needed
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem

FINALISTS = 6
"""Designs that are evaluated exactly under every law, once bisection has left no more."""
CLOSE = 1e-9
"""Share of compute at which bisection ends, and by which its bounds are loosened."""


@dataclass(frozen=True, slots=True)
class Regret:
    """What a design costs by a law; see this module.

    Parameters
    ----------
    nats : float
        Of that law.
    wasted_compute : float or None
        Share of the training FLOPs; None where the problem does not limit them.
    """

    nats: float
    wasted_compute: float | None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {"nats": self.nats, "wasted_compute": self.wasted_compute}


Regrets = dict[str, Regret]
"""By the name of the law that judges."""


@dataclass(frozen=True, slots=True)
class Compromise:
    """The design whose worst waste of compute over the laws is least among all feasible designs.

    Parameters
    ----------
    architecture : Architecture
    parameters : int
    tokens : float
    worst : str
        The law that it wastes most by.
    regrets : dict
    finalists : int
        Designs that were evaluated exactly; no other one wastes less at worst, which is proven.
    """

    architecture: Architecture
    parameters: int
    tokens: float
    worst: str
    regrets: Regrets
    finalists: int

    @property
    def wasted_compute(self) -> float:
        """The worst over the laws."""
        return _waste(self.regrets[self.worst])

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "architecture": architecture_dict(self.architecture),
            "parameters": self.parameters,
            "tokens": self.tokens,
            "worst": {"law": self.worst, "wasted_compute": self.wasted_compute},
            "regrets": {name: regret.to_dict() for name, regret in self.regrets.items()},
            "finalists": self.finalists,
        }


def _waste(regret: Regret) -> float:
    assert regret.wasted_compute is not None
    return regret.wasted_compute


class Judge:
    """A law that judges designs: what its own optimum reaches, and at what compute."""

    def __init__(
        self,
        problem: Problem,
        name: str,
        best: Evaluation,
        solver: Solver,
        *,
        with_flops: bool,
    ) -> None:
        self.problem, self.name, self.least = problem, name, best.loss
        self._solver = solver
        self._flops = self._reached_at(best.loss) if with_flops else None

    def _reached_at(self, loss: float) -> float:
        """The least training FLOPs at which some design reaches a loss."""
        settings = {"objective.minimize": "training_flops", "budgets.loss": {"max": loss}}
        result = self._solver.solve(problem=self.problem.with_settings(settings), details=False)
        assert result.status == "optimal" and result.objective.value is not None
        return float(result.objective.value)

    def regret(self, architecture: Architecture) -> Regret:
        """Of a feasible design."""
        loss = evaluate(self.problem, architecture).loss
        if self._flops is None:
            return Regret(loss - self.least, None)
        return Regret(loss - self.least, max(1.0 - self._reached_at(loss) / self._flops, 0.0))

    def most_loss(self, waste: float) -> float:
        """No design of more loss than this wastes as little; infinite where there is no bound."""
        assert self._flops is not None
        flops = self._flops * (1.0 - waste - CLOSE)
        limit = self.problem.budgets.training_flops
        least = 0 if limit is None or limit.min is None else float(limit.min)
        if flops <= least:
            return math.inf
        at = self.problem.with_settings({"budgets.training_flops.max": flops})
        result = self._solver.solve(problem=at, details=False)
        if result.design is None:
            return math.inf
        return result.design.loss + NEAR["loss"] * abs(result.design.loss)


# The design that no law hates


def least_worst(judges: Sequence[Judge], known: Sequence[Architecture]) -> Compromise:
    """The least of the worst waste, proven.

    ``waste_L(a) <= w`` asks for ``loss_L(a) <= least loss of L at (1 - w) of its compute``. So a
    design known to waste w at worst leaves only those within these losses, which are collected by
    bounds under one law and evaluated under all; bisection on w leaves few of them. Each of those
    is evaluated exactly, and no other one wastes less than the best of them.
    """
    first = judges[0].problem
    exact = {a: _judged(judges, a) for a in dict.fromkeys(known)}
    high, low = min(_worst(regrets)[0] for regrets in exact.values()), 0.0
    held = _collected(judges, high)
    losses = np.stack([_losses(judge.problem, held) for judge in judges])

    def passing(waste: float) -> Mask:
        """Every design that wastes no more at worst, and a few further ones."""
        most = np.array([judge.most_loss(waste) for judge in judges])
        fits = np.isfinite(losses) & (losses <= most[:, None])
        found: Mask = np.all(fits, axis=0)
        return found

    def settle(mask: Mask) -> float:
        few = held.take(mask)
        if len(few):
            table = table_of(first, few, needed(first))
            for i in range(len(few)):
                architecture = table.architecture(first, i, [0])
                if architecture not in exact:
                    exact[architecture] = _judged(judges, architecture)
        return min(_worst(regrets)[0] for regrets in exact.values())

    mask = passing(high)
    while mask.sum() > FINALISTS and high - low > CLOSE:
        middle = (low + high) / 2
        tried = passing(middle)
        if tried.any():
            high, mask = middle, tried
        else:
            low = middle
    if (least := settle(mask)) > high:
        # The least loss is level where other limits hold it, and a design that passes may waste
        # more than it was let pass for. Those that waste no more than the best known are all.
        mask = passing(least)
        settle(mask)
    found = ((a, evaluate(first, a), regrets) for a, regrets in exact.items())
    architecture, design, regrets = min(
        found, key=lambda f: (_worst(f[2])[0], f[1].tie_key, f[0].block)
    )
    worst, parameters = _worst(regrets)[1], design.parameters.total
    count = int(mask.sum())
    return Compromise(architecture, parameters, design.tokens, worst, regrets, count)


def _judged(judges: Sequence[Judge], architecture: Architecture) -> Regrets:
    return {judge.name: judge.regret(architecture) for judge in judges}


def _worst(regrets: Regrets) -> tuple[float, str]:
    """The most wasted, and by which law."""
    name = max(regrets, key=lambda law: _waste(regrets[law]))
    return _waste(regrets[name]), name


def _collected(judges: Sequence[Judge], waste: float) -> Held:
    """Every design that may waste no more than this by one of the laws, and further ones."""
    for judge in judges:
        scorer = Scorer(judge.problem, [Goal("loss", "minimize")])
        try:
            return collected(scorer, judge.most_loss(waste))
        except TooManyError as error:
            last = error
    raise last


def _losses(problem: Problem, held: Held) -> Floats:
    """Of held designs under a law, vectorised; infinite for one that breaks a limit; shape (B,)."""
    model, names, found = Model(problem), needed(problem), []
    for begin in range(0, len(held), DESIGNS_AT_ONCE):
        part = held.take(slice(begin, begin + DESIGNS_AT_ONCE))
        table = table_of(problem, part, names)
        rows = np.arange(len(part))
        value, keeps = model.evaluate(table, rows, np.zeros((len(part), 1), dtype=np.int64))
        found.append(np.where(keeps, value, np.inf))
    return np.concatenate(found)
