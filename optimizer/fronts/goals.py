"""Objectives of a front: quantities, each minimised or maximised."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.problems.errors import ProblemError, did_you_mean
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass

FEWEST, MOST = 2, 3
"""Least and greatest number of objectives, as pictures show at most three."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One objective of a front.

    Parameters
    ----------
    name : str
        Name of a quantity.
    sense : {"minimize", "maximize"}
    """

    name: str
    sense: Sense

    @property
    def sign(self) -> int:
        """1 to minimise, -1 to maximise."""
        return 1 if self.sense == "minimize" else -1


_KEY = "--objectives"


def parse_goals(problem: Problem, names: Sequence[str]) -> list[Goal]:
    """Parse objectives from names; a leading ``-`` reverses the sense.

    Parameters
    ----------
    problem : Problem
    names : sequence of str
        Two or three quantities, such as ``["parameters", "layers", "loss"]``.

    Raises
    ------
    ProblemError
        If there are fewer than two or more than three, a name is unknown or repeated, or the
        problem lacks the data to compute a quantity.
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
    """Parse one objective from its name; see `parse_goals`."""
    turned, name = text.startswith("-"), text.removeprefix("-")
    if name not in QUANTITIES:
        hint = did_you_mean(name, QUANTITIES)
        raise ProblemError.of(
            key, f"unknown quantity {name!r}{hint}; known: {', '.join(QUANTITIES)}"
        )
    if lack := problem.lacks(name):
        raise ProblemError.of(key, lack)
    more = (QUANTITIES[name].form in ("inverse", "batch")) != turned
    return Goal(name, "maximize" if more else "minimize")


def question(problem: Problem, goals: Sequence[Goal]) -> Problem:
    """The problem used to evaluate designs for a front, with tokens determined by the goals.

    If the loss is a goal, designs train on all tokens that the constraints allow; otherwise, if a
    goal increases with tokens and is minimised, on as few as the constraints require.

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
        row = QUANTITIES[first]
        turned = row.form == "batch" or (goals[0].sense == "maximize" and row.only is None)
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
