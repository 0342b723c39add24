"""What insisting on another machine costs: the best answer with each value of a menu of settings.

Where settings of training and serving offer several values, an answer chooses one of each. Here
every other value is forced in turn and the problem solved again, with the same proof. A machine
that differs from the chosen one differs in the value of some key, so that the best of these answers
is the runner-up: nothing on any other machine is better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelsizer.optimizer.result import Result, Status, machine_of
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.near_ties import extra_time
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled
from modelsizer.problems.units import Number

Machine = Mapping[str, Any]
"""Values by dotted key, as a problem file writes them."""


@dataclass(frozen=True, slots=True)
class Forced:
    """The answer with one value of a menu.

    Parameters
    ----------
    key : str
    value : object
        As the problem file writes it.
    status : {"optimal", "infeasible", "limit"}
        What is proven; ``"limit"`` if the time did not suffice.
    objective, difference : int or float or None
        Of the best design, and how far it is from that of the answer.
    design : Evaluation or None
    machine : mapping
        The values that it has of all menus.
    """

    key: str
    value: object
    status: Status
    objective: Number | None = None
    difference: float | None = None
    design: Evaluation | None = None
    machine: Machine | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        design = self.design
        return {
            "key": self.key,
            "value": self.value,
            "status": self.status,
            "objective": self.objective,
            "difference": self.difference,
            "architecture": None if design is None else design_architecture(design.architecture),
            "machine": None if self.machine is None else dict(self.machine),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Machines(Tabled):
    """The machine of an answer, and the best answers on others.

    Parameters
    ----------
    result : Result
        The answer.
    chosen : mapping
        Its value of each menu.
    forced : tuple of Forced
        Every other value of each menu, menu by menu.
    stop : str
        Why it ended; ``"proven"`` if each of them is proven.
    """

    result: Result
    chosen: Machine
    forced: tuple[Forced, ...]
    stop: Stop

    def _words(self) -> str:
        chosen = ", ".join(f"{key}={value}" for key, value in self.chosen.items())
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"{chosen}; {counted(len(self.forced), 'other value')}{whole}"

    @property
    def complete(self) -> bool:
        """Whether every other value is proven."""
        return self.stop == "proven"

    @property
    def runner_up(self) -> Forced | None:
        """The best answer on any other machine; None if there is none, or it is not proven."""
        if not self.complete:
            return None
        known = [each for each in self.forced if each.difference is not None]
        return min(known, key=lambda each: abs(each.difference or 0), default=None)

    def others_dict(self) -> dict[str, Any]:
        """What other machines cost: keys of the JSON contract beside those of the machine."""
        best = self.runner_up
        return {
            "complete": self.complete,
            "runner_up": None if best is None else best.to_dict(),
            "alternatives": [each.to_dict() for each in self.forced],
        }

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        result = self.result
        objective = {"name": result.objective.name, "sense": result.objective.sense}
        return {
            "name": result.problem.name,
            "objective": objective | {"value": result.objective.value},
            "architecture": design_architecture(result.best.architecture),
            "machine": dict(self.chosen),
            **self.others_dict(),
        } | sources(result.problem)


def machines(result: Result, *, time_limit: float | None = None) -> Machines | None:
    """Find what insisting on another machine would cost.

    Parameters
    ----------
    result : Result
    time_limit : float, optional
        Seconds; without it all are found.

    Returns
    -------
    Machines or None
        None unless the result is a proven optimum and a setting offers several values.

    Raises
    ------
    ArgumentError
        If the time limit is negative or not finite.

    Examples
    --------
    >>> from modelsizer import Problem, solve
    >>> problem = Problem.load("thousand-users-8k")
    >>> found = machines(solve(problem.with_settings({"serving.kv_bits": 8})))
    >>> found.complete, len(found.forced), found.runner_up.status
    (True, 8, 'optimal')
    """
    require_type("result", result, Result)
    clock = Clock.of(time_limit)
    return machines_of(result, Solver(result.problem), clock, at_length=True)


def machines_of(
    result: Result, after: Solver, whole: Clock, *, at_length: bool = False
) -> Machines | None:
    """Find them after a solve of a solver, whose tables are used again; see `machines`.

    Unless `at_length`, what is known after one second of CPU time and as long as the solve took is
    enough.
    """
    problem = result.problem
    if result.status != "optimal" or not problem.menus:
        return None
    clock = whole if at_length else extra_time(result, whole)
    solver = Solver(problem.without_scenarios(), after=after, clock=clock)
    chosen = machine_of(problem, result.best)
    others = list(_others(problem, chosen))
    found = [Forced(key, value, "limit") for key, value, _ in others]
    ending = Ending()
    with ending:  # of every menu the values next to the one chosen, before any further ones
        for at in sorted(range(len(others)), key=lambda at: others[at][2]):
            clock.check()
            found[at] = _forced(solver, result, *others[at][:2])
    return Machines(result, chosen, tuple(found), ending.stop)


def _others(problem: Problem, chosen: Machine) -> Iterator[tuple[str, Any, int]]:
    """Values of menus that were not chosen, as a file writes them, and how far off they stand."""
    for key, menu in problem.menus.items():
        table, _, name = key.partition(".")
        written = type(getattr(problem, table)).model_fields[name].write
        values = [written(value) for value in menu.values]
        here = values.index(chosen[key])
        yield from ((key, v, abs(at - here)) for at, v in enumerate(values) if at != here)


def _forced(solver: Solver, result: Result, key: str, value: Any) -> Forced:
    try:
        asked = solver.problem.with_settings({key: value})
    except ProblemError:  # with no value of the other menus
        return Forced(key, value, "infeasible")
    found = solver.solve(problem=asked, details=False).finished()
    if found.design is None:
        return Forced(key, value, found.status)
    best, here = result.objective.value, found.objective.value
    assert best is not None and here is not None
    machine = machine_of(asked, found.design) | {key: value}
    machine = {each: machine[each] for each in solver.problem.menus}
    return Forced(key, value, "optimal", here, float(here) - float(best), found.design, machine)
