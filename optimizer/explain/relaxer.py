"""A problem with some of its constraints dropped or moved.

Constraints are the budgets, the training tokens, and the ends of the ranges of layers, d_model and
aspect_ratio. The other menus and the settings are fixed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from modelsizer.optimizer.constraints import TOKENS, Constraint, constrained, constraints
from modelsizer.optimizer.explain.space_constraints import relaxed_space, space_constraints
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.reading import overlaid
from modelsizer.problems.requirements.objective import BUDGET
from modelsizer.problems.requirements.token_limits import ENDLESS, TRAINING_FLOPS

UNLIMITED_TOKENS = ENDLESS
"""Tokens where no constraint limits them."""


class Relaxer:
    """Problems that keep only some constraints of one, or have some at other limits.

    Parameters
    ----------
    problem : Problem

    Attributes
    ----------
    origin : Problem
    limits : tuple of Constraint
        Budgets, then token limits, then the space's.
    keys : tuple of str
        Of these.
    """

    def __init__(self, problem: Problem) -> None:
        self.origin = problem
        promised = sorted(constraints(problem), key=lambda limit: limit.base == TOKENS)
        self.limits = (*promised, *space_constraints(problem))
        self.keys = tuple(limit.key for limit in self.limits)
        self._bare = problem.bare()

    def problem(
        self,
        kept: Collection[str],
        moved: Iterable[Constraint] = (),
        goal: tuple[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Problem:
        """The problem with only some of its constraints.

        Parameters
        ----------
        kept : collection of str
            Keys of the constraints that hold.
        moved : iterable of Constraint
            Others, in place of those of the same base and side, and of equalities of that base.
        goal : (sense, quantity), optional
            The objective. By default one under which a feasible design is quickly found: loss where
            it is limited, parameters otherwise.
        settings : mapping, optional
            Values under dotted keys of training and serving.

        Raises
        ------
        ProblemError
            If the objective makes no sense under these constraints, or a setting is wrong.
        """
        new = tuple(moved)
        gone = {(m.base, side) for m in new for side in (m.side, "equality")}
        held = [
            limit
            for limit in self.limits
            if limit.key in kept
            and (limit.base, "equality" if limit.equality else limit.side) not in gone
        ]
        held += new
        upper = {limit.quantity for limit in held if limit.side == "max"}
        if upper.isdisjoint(names_of("tokens", "flops", "lifetime")):  # nothing limits the tokens
            least = [limit.limit for limit in held if limit.quantity == "tokens"]
            most = max([UNLIMITED_TOKENS, *least])  # at least as many as are asked for
            held.append(Constraint(f"{TOKENS}.max", "tokens", "max", most))
        if goal is None:
            goal = ("minimize", "loss" if "loss" in upper else "parameters")
        tables: dict[str, Any] = constrained(self.origin, held, self._bare)
        space = tables["space"] | relaxed_space(self.origin.space, held)
        tables["space"] = {key: value for key, value in space.items() if value is not None}
        tables["objective"] = self._judged(tables.get("objective", {}), new) | {goal[0]: goal[1]}
        return Problem.from_tables(overlaid(tables, settings or {}), like=self.origin)

    def _judged(self, objective: dict[str, Any], moved: Iterable[Constraint]) -> dict[str, Any]:
        """The laws of the objective: experts at today's FLOPs, unless the budget itself moves."""
        budget = any(each.base == TRAINING_FLOPS and each.side == "max" for each in moved)
        if objective.get("leverage_flops") != BUDGET or budget:
            return objective
        return objective | {"leverage_flops": self.origin.leverage_flops}
