"""The objectives of a front: which quantities, and whether less or more of each is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelsizer.problems.errors import ProblemError, did_you_mean
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.quantities.rows import QUANTITIES

FEWEST, MOST = 2, 3
"""How many objectives a front has: a picture shows three at most, and so do people's heads."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One objective of a front.

    Parameters
    ----------
    name : str
        A quantity.
    sense : {"minimize", "maximize"}
    """

    name: str
    sense: Sense

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        return 1 if self.sense == "minimize" else -1


_KEY = "--objectives"


def parse_goals(problem: Problem, names: Sequence[str]) -> list[Goal]:
    """Objectives from their names; a leading ``-`` turns one.

    Parameters
    ----------
    problem : Problem
    names : sequence of str
        Two or three quantities, such as ``["parameters", "layers", "loss"]``.

    Raises
    ------
    ProblemError
        If there are fewer than two or more than three, a name is unknown or comes twice, or the
        problem does not say what a quantity is computed from.
    """
    goals = [parse_goal(problem, name.strip(), _KEY) for name in names]
    if not FEWEST <= len(goals) <= MOST:
        raise ProblemError.of(_KEY, f"a front has two or three objectives, not {len(goals)}")
    known = [goal.name for goal in goals]
    for name in known:
        if known.count(name) > 1:
            raise ProblemError.of(_KEY, f"{name} comes twice")
    return goals


def parse_goal(problem: Problem, text: str, key: str) -> Goal:
    """One objective from its name; see `parse_goals`."""
    turned, name = text.startswith("-"), text.removeprefix("-")
    if name not in QUANTITIES:
        hint = did_you_mean(name, QUANTITIES)
        raise ProblemError.of(
            key, f"unknown quantity {name!r}{hint}; known: {', '.join(QUANTITIES)}"
        )
    if lack := problem.lacks(name):
        raise ProblemError.of(key, lack)
    more = (QUANTITIES[name].form == "inverse") != turned
    return Goal(name, "maximize" if more else "minimize")


def question(problem: Problem, goals: Sequence[Goal]) -> Problem:
    """The problem as its designs are evaluated for a front: the goals say which tokens they take.

    With the loss among the goals a design is trained on all tokens that the limits allow; without
    it, where something that grows with the tokens is to be small, on as few as the limits ask for.

    Raises
    ------
    ProblemError
        If nothing bounds the tokens of the designs.
    """
    tables = problem.bare()
    names = [goal.name for goal in goals]
    few = [g.name for g in goals if QUANTITIES[g.name].of_tokens and g.sense == "minimize"]
    if "loss" in names:
        sought: tuple[Sense, str] = ("minimize", "loss")
    elif few:
        sought = ("minimize", few[0])
    elif "tokens" in names:
        sought = ("maximize", "tokens")
    else:
        first = QUANTITIES[names[0]].base or names[0]
        turned = goals[0].sense == "maximize" and QUANTITIES[first].only is None
        sought = ("maximize" if turned else "minimize", first)
    tables["objective"] = tables.get("objective", {}) | {sought[0]: sought[1]}
    asked = Problem.from_tables(tables, like=problem)
    loss = asked.budgets.loss
    if sought[1] == "loss" and loss is not None and loss.min is not None:
        for name in names:
            if QUANTITIES[name].of_tokens:
                raise ProblemError.of(
                    "budgets.loss",
                    f"a least loss leaves {name} undecided in a front with the loss; take it away",
                )
    return asked
