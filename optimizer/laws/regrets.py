"""Regret of a design under each of several laws, and the design that minimises the worst regret.

Losses under different laws are on different scales and are never subtracted from one another. The
regret under a law has two measures: in nats, the loss of the design less the least loss under that
law, with the tokens optimised again; and *wasted compute*,

    waste_L(a) = 1 - C_L(loss_L(a)) / C_L(least loss of L),

where ``C_L(l)`` is the least training FLOPs at which some design of the problem that satisfies all
other limits reaches the loss l under L. If the waste is 0.2, the optimum of the law is as good with
four fifths of the compute. Waste is a fraction, so it is comparable between laws, and its maximum
over the laws can be minimised. ``C_L`` is found by a proven solve that minimises training FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.worst_regret import WorstRegret
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, table_of
from modelsizer.optimizer.surveys.near_optimal import TooManyError, collected
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.table import Floats, Mask
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import written

FINALISTS = 6
"""Bisection ends when this many designs are left, which are evaluated exactly under each law."""
MOST_HELD = 200_000  # designs; under ten laws their losses take a second
CLOSE = 1e-9
"""Fraction of compute at which bisection ends, and by which its bounds are relaxed."""


@dataclass(frozen=True, slots=True)
class Regret:
    """Regret of a design under a law; see this module.

    Parameters
    ----------
    nats : float
        In nats a token of that law.
    wasted_compute : float or None
        Fraction of the training FLOPs; None if the problem does not limit them.
    loss : float or None
        By that law.
    """

    nats: float
    wasted_compute: float | None
    loss: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {"nats": self.nats, "wasted_compute": self.wasted_compute}


Regrets = dict[str, Regret]
"""Regrets by law."""


@dataclass(frozen=True, slots=True)
class Compromise:
    """The feasible design that minimises the maximum of the wasted compute over the laws.

    Parameters
    ----------
    architecture : Architecture
    parameters : int
    tokens : float
    worst : str
        The law under which it wastes most.
    regrets : dict
    finalists : int
        Number of designs that were evaluated exactly; all others are proven to be no better.
    """

    architecture: Architecture
    parameters: int
    tokens: float
    worst: str
    regrets: Regrets
    finalists: int

    @property
    def wasted_compute(self) -> float:
        """Maximum over the laws."""
        return _waste(self.regrets[self.worst])

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "architecture": design_architecture(self.architecture),
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
    """Computes regrets under one law, from its least loss and the compute to reach a loss.

    Raises
    ------
    StoppedError
        Where the time limit of the solver's clock does not allow it.
    ProblemError
        If the law predicts no positive loss.
    """

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
        self._solver, self.clock, self.store = solver, solver.clock, solver.store
        if with_flops and best.loss <= 0:
            message = f"{name} predicts a loss of {best.loss:g}, and no loss is 0 or less"
            raise ProblemError.of("objective.law", message)
        self._reached: dict[float, float] = {}
        self._most: dict[float, float] = {}
        self._flops = self._reached_at(best.loss) if with_flops else None

    def _reached_at(self, loss: float) -> float:
        """Least training FLOPs at which some design reaches a loss."""
        if loss not in self._reached:
            settings = {"objective.minimize": "training_flops", "budgets.loss": {"max": loss}}
            result = self._solver.solve(problem=self.problem.with_settings(settings), details=False)
            value = result.finished().objective.value
            assert value is not None
            self._reached[loss] = float(value)
        return self._reached[loss]

    def regrets(self, architectures: Iterable[Architecture]) -> dict[Architecture, Regret]:
        """Regrets of designs; without those that exceed the loss that is allowed by this law."""
        found = {a: evaluate(self.problem, a) for a in architectures}
        losses = {a: design.loss for a, design in found.items() if design.feasible}
        # In this order the answer for one loss reaches the next, so that its search starts there.
        flops = {x: self._reached_at(x) for x in sorted(losses.values())} if self._flops else {}
        return {
            a: Regret(
                loss - self.least,
                max(1.0 - flops[loss] / self._flops, 0.0) if self._flops else None,
                loss,
            )
            for a, loss in losses.items()
        }

    def most_loss(self, waste: float) -> float:
        """Upper bound on the loss of designs of no more waste; infinite if there is none."""
        if waste not in self._most:
            self._most[waste] = self._most_loss(waste)
        return self._most[waste]

    def most_loss_between(self, waste: float) -> tuple[float, float]:
        """Lower and upper bounds on `most_loss`, from what is known of others."""
        flops = self._left(waste)
        if flops <= self._least_flops:
            return math.inf, math.inf
        below = [most for other, most in self._most.items() if other <= waste]
        above = [most for other, most in self._most.items() if other >= waste]
        # Losses that take more compute are less than all that it reaches; others are reached.
        below += [loss for loss, takes in self._reached.items() if takes > flops]
        above += [_raised(loss) for loss, takes in self._reached.items() if takes <= flops]
        return max(below, default=-math.inf), min(above, default=math.inf)

    def _left(self, waste: float) -> float:
        """Compute that is left where a share is wasted, and a bit less."""
        assert self._flops is not None
        return self._flops * (1.0 - waste - CLOSE)

    @property
    def _least_flops(self) -> float:
        limit = self.problem.budgets.training_flops
        return 0.0 if limit is None or limit.min is None else float(limit.min)

    def _most_loss(self, waste: float) -> float:
        flops = self._left(waste)
        if flops <= self._least_flops:
            return math.inf
        at = self.problem.with_settings(
            {"budgets.training_flops.max": written("training_flops", flops)}
        )
        result = self._solver.solve(problem=at, details=False).finished()
        if result.design is None:
            return math.inf
        return _raised(result.design.loss)


def _raised(loss: float) -> float:
    return loss + NEAR["loss"] * abs(loss)


# The minimax design


def least_worst(judges: Sequence[Judge], known: Sequence[Architecture]) -> Compromise:
    """Minimise the maximum of the waste over the laws, with proof.

    ``waste_L(a) <= w`` implies ``loss_L(a) <= least loss of L at (1 - w) of its compute``. Given a
    design that wastes at most w, only designs within these losses under every law can be better.
    Bisection on w leaves few of them, which are evaluated exactly. No other design wastes less than
    the best of them.

    Parameters
    ----------
    judges : sequence of Judge
        One for each law, all of one clock.
    known : sequence of Architecture
        Designs to start from, feasible by every law.

    Raises
    ------
    TooManyError
        If, however little they waste, too many designs are left.
    """
    first, within = judges[0].problem, _Within(judges)
    exact = judged(judges, known)
    high, low = min(_worst(regrets)[0] for regrets in exact.values()), 0.0

    def settle(few: KeptDesigns) -> float:
        if len(few):
            table = table_of(first, few, needed(first))
            fresh = dict.fromkeys(table.architecture(first, i, [0]) for i in range(len(few)))
            found = judged(judges, [a for a in fresh if a not in exact])
            exact.update({a: mine for a, mine in found.items() if len(mine) == len(judges)})
        return min(_worst(regrets)[0] for regrets in exact.values())

    few = within.waste(high)
    while (few is None or len(few) > FINALISTS) and high - low > CLOSE:
        middle = (low + high) / 2
        tried = within.waste(middle)
        if tried is None or len(tried):
            high, few = middle, tried
        else:
            low = middle
    if few is not None and (least := settle(few)) > high:
        # Where other limits bind, the least loss is constant in the compute, and a design that
        # passes may waste more than assumed. Designs that waste no more than the best suffice.
        few = within.waste(least)
        if few is not None:
            settle(few)
    if few is None:
        raise TooManyError(f"more than {MOST_HELD:,} designs")
    found = ((a, evaluate(first, a), regrets) for a, regrets in exact.items())
    architecture, design, regrets = min(
        found, key=lambda f: (_worst(f[2])[0], f[1].tie_key, f[0].block)
    )
    worst, parameters = _worst(regrets)[1], design.parameters.total
    return Compromise(architecture, parameters, design.tokens, worst, regrets, len(few))


class _Within:
    """Designs that waste little under every law.

    They are collected by bounds under all laws, and kept with their losses under each, among which
    those that waste less are found.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        self._judges, self._waste = judges, -math.inf

    def waste(self, waste: float) -> KeptDesigns | None:
        """Every design with no more waste under any law, and a few others; None if too many."""
        if waste > self._waste:
            try:
                self._held = self._collected([judge.most_loss(waste) for judge in self._judges])
            except TooManyError:
                return None
            self._losses = np.stack([_losses(judge, self._held) for judge in self._judges])
            self._waste = waste
        fits: Mask = np.all(np.isfinite(self._losses), axis=0)
        bounds = [judge.most_loss_between(waste) for judge in self._judges]
        for losses, (_, most) in zip(self._losses, bounds, strict=True):
            fits &= losses <= most
        for judge, losses, (sure, _) in zip(self._judges, self._losses, bounds, strict=True):
            if (losses[fits] > sure).any():
                fits &= losses <= judge.most_loss(waste)
        return self._held.take(fits)

    def _collected(self, most: Sequence[float]) -> KeptDesigns:
        """Every design with at most these losses under each law, and a few others."""
        judges = [j for j, loss in zip(self._judges, most, strict=True) if math.isfinite(loss)]
        problems = [judge.problem for judge in judges or self._judges[:1]]
        first, clock, goal = self._judges[0], self._judges[0].clock, [Goal("loss", "minimize")]
        if not judges:
            return collected(Scorer(problems[0], goal, first.store), math.inf, clock, MOST_HELD)
        model = WorstRegret(problems, [loss for loss in most if math.isfinite(loss)], first.store)
        return collected(Scorer(problems[0], goal, model=model), model.base, clock, MOST_HELD)


def judged(
    judges: Sequence[Judge], architectures: Iterable[Architecture]
) -> dict[Architecture, Regrets]:
    """Regrets of designs, each under the laws by which it is feasible."""
    found: dict[Architecture, Regrets] = {a: {} for a in architectures}
    for judge in judges:
        for architecture, regret in judge.regrets(found).items():
            found[architecture][judge.name] = regret
    return found


def _worst(regrets: Regrets) -> tuple[float, str]:
    """The maximum of the waste, and the law."""
    name = max(regrets, key=lambda law: _waste(regrets[law]))
    return _waste(regrets[name]), name


def _losses(judge: Judge, held: KeptDesigns) -> Floats:
    """Losses of designs under a law, infinite for infeasible ones; shape (B,)."""
    problem = judge.problem
    model, names, found = Model(problem), needed(problem), [np.zeros(0)]
    for begin in range(0, len(held), DESIGNS_AT_ONCE):
        judge.clock.check()
        part = held.take(slice(begin, begin + DESIGNS_AT_ONCE))
        table = table_of(problem, part, names)
        rows = np.arange(len(part))
        value, keeps = model.evaluate(table, rows, np.zeros((len(part), 1), dtype=np.int64))
        found.append(np.where(keeps, value, np.inf))
    return np.concatenate(found)
