"""What-if analysis: a problem and its scenarios, each solved and compared with the base."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelsizer.optimizer.cases import Cases
from modelsizer.optimizer.constraints import constraints, value_text
from modelsizer.optimizer.result import PROVEN, BudgetUse, Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.sweeps.cases import cases_of_scenarios
from modelsizer.optimizer.sweeps.grids import Axis
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import choices_beside
from modelsizer.problems.brief import counted, named
from modelsizer.problems.errors import ProblemError, require_type, short
from modelsizer.problems.key_values import one_line, read_value, split_list, split_pair
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.reading import check_scenario, flattened, under
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.units import Number

BASE = "base"
"""The name of the problem itself among its scenarios."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The problem with some values changed.

    Parameters
    ----------
    name : str
    settings : mapping of str to value
        By dotted key; of the base none.
    problem : Problem
        With these values.
    """

    name: str
    settings: Mapping[str, Any]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A scenario and its solution."""

    scenario: Scenario
    result: Result

    @property
    def architecture(self) -> Architecture | None:
        """The architecture; None where no design is known."""
        design = self.result.design
        return None if design is None else design.architecture

    @property
    def uses(self) -> dict[str, BudgetUse]:
        """Uses of constraints by name, with the side where a limit has both."""
        given = constraints(self.result.chosen)
        pairs = zip(given, self.result.budgets, strict=False)  # no uses without a design
        return {constraint.key.removeprefix("budgets."): use for constraint, use in pairs}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there is no design."""
        return tuple(map(str, self.result.warnings)) if self.result.status == "infeasible" else ()


@dataclass(frozen=True, slots=True)
class WhatIf(Tabled, Drawn):
    """The base and its scenarios, solved.

    Parameters
    ----------
    base : Answer
    others : tuple of Answer
        Those of the file first, in its order; what the time limit left no time for has status
        ``"limit"``, without a design.
    seconds : float
    """

    base: Answer
    others: tuple[Answer, ...]
    seconds: float = 0.0

    def _words(self) -> str:
        name = named(self.base.scenario.problem.name)
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {name}: the base and {counted(len(self.others), 'scenario')}{whole}"

    @property
    def stop(self) -> Stop:
        """``"proven"`` if all answers are, otherwise why the first that is not ended early."""
        stops = (answer.result.stop for answer in self.answers)
        return next((stop for stop in stops if stop not in PROVEN), "proven")

    @property
    def complete(self) -> bool:
        """Whether all answers are proven."""
        return self.stop == "proven"

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All, the base first."""
        return (self.base, *self.others)

    @property
    def choices(self) -> dict[str, dict[str, Any]]:
        """Choices of each answer's architecture, by the name of its scenario."""
        names = [answer.scenario.name for answer in self.answers]
        found = choices_beside(*(answer.architecture for answer in self.answers))
        return dict(zip(names, found, strict=True))

    @property
    def differing(self) -> tuple[str, ...]:
        """Choices of the architecture that are not the same in every design."""
        designs = [choices for choices in self.choices.values() if choices]
        names = dict.fromkeys(name for choices in designs for name in choices)
        return tuple(
            name for name in names if any(d.get(name) != designs[0].get(name) for d in designs)
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """Names of all limits, in order."""
        return tuple(dict.fromkeys(name for answer in self.answers for name in answer.uses))

    def loss_change(self, answer: Answer) -> float | None:
        """Loss minus that of the base; None unless both are optima."""
        if not self._both_known(answer):
            return None
        return answer.result.best.loss - self.base.result.best.loss

    def objective_change(self, answer: Answer) -> Number | None:
        """Objective minus that of the base; None unless both are optima of the same kind."""
        mine, theirs = answer.result.objective, self.base.result.objective
        same = (mine.name, mine.sense) == (theirs.name, theirs.sense)
        if not same or not self._both_known(answer):
            return None
        if mine.value is None or theirs.value is None:
            return None
        return mine.value - theirs.value

    def _both_known(self, answer: Answer) -> bool:
        return answer.result.status == self.base.result.status == "optimal"

    @property
    def one_objective(self) -> bool:
        """Whether all have the same objective."""
        sought = {(a.result.objective.name, a.result.objective.sense) for a in self.answers}
        return len(sought) == 1

    @property
    def incomparable(self) -> tuple[str, ...]:
        """Scenarios under another law than the base, whose losses are not comparable."""
        own = _judge(self.base)
        return tuple(a.scenario.name for a in self.others if _judge(a) != own)

    def cases(self) -> Cases | None:
        """The optimum of each scenario in each of them; None where they are not comparable."""
        if not self.one_objective or self.incomparable:
            return None
        return cases_of_scenarios(
            [(a.scenario.name, a.scenario.problem, a.result) for a in self.answers]
        )

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract: those of a solve for each scenario, and all as cases."""
        cases = self.cases()
        return {
            "complete": self.complete,
            "stop": self.stop,
            "seconds": round(self.seconds, 6),
            "scenarios": [self._entry(answer) for answer in self.answers],
            "cases": None if cases is None else cases.to_dict(),
        } | sources(self.base.scenario.problem)

    def _entry(self, answer: Answer) -> dict[str, Any]:
        found = answer.result.figures()
        title = found.pop("name")
        first, mine = choices_beside(self.base.architecture, answer.architecture)
        changed = {
            name: {"from": first.get(name), "to": mine.get(name)}
            for name in dict.fromkeys((*first, *mine))
            if self._both_known(answer) and first.get(name) != mine.get(name)
        }
        return {
            "name": answer.scenario.name,
            **found,
            "problem": title,
            "settings": dict(answer.scenario.settings),
            "change": {
                "loss": _finite(self.loss_change(answer)),
                "objective": _finite(self.objective_change(answer)),
                "architecture": changed,
            },
            "reasons": list(answer.reasons),
        }


def _judge(answer: Answer) -> tuple[object, ...]:
    problem = answer.scenario.problem
    return problem.law, problem.shape


def _finite(value: Number | None) -> Number | None:
    return None if value is None or not math.isfinite(value) else value


def whatif(
    problem: Problem,
    scenarios: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WhatIf:
    """Solve a problem and its scenarios, each starting from the tables of the one before.

    Parameters
    ----------
    problem : Problem
        With the scenarios of its file.
    scenarios : mapping of str to mapping, optional
        More scenarios: settings under dotted keys, by name.
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    time_limit : float, optional
        Seconds of all together: each has an equal share of what is left.
    progress : callable, optional
        Called with how many are solved and how many there are.

    Returns
    -------
    WhatIf
        The problem itself first, then the scenarios of the file, then the others.

    Raises
    ------
    ProblemError
        If a setting is wrong, or a name comes twice.
    ValueError
        If the solver is unknown or not installed, or the limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb")
    >>> found = whatif(problem, {"tied": {"space.tied_embeddings": True}})
    >>> [answer.scenario.name for answer in found.answers]
    ['base', 'tied']
    """
    require_type("problem", problem, Problem)
    require_type("scenarios", scenarios or {}, Mapping)
    clock = Clock.of(time_limit)
    every = _scenarios(problem, scenarios or {})
    worker = Solver(every[0].problem, solver=solver, clock=clock)
    answers: list[Answer] = []
    ending = Ending()
    with ending:
        for scenario in every:
            clock.check()
            share = clock.share(len(every) - len(answers))
            answers.append(
                Answer(scenario, worker.solve(problem=scenario.problem, time_limit=share))
            )
            if answers[-1].result.stop == "interrupted":
                raise KeyboardInterrupt
            if progress is not None:
                progress(len(answers), len(every))
    answers += [
        Answer(scenario, Result.unsolved(scenario.problem, solver, ending.stop))
        for scenario in every[len(answers) :]
    ]
    return WhatIf(answers[0], tuple(answers[1:]), clock.elapsed)


def _scenarios(problem: Problem, others: Mapping[str, Mapping[str, Any]]) -> tuple[Scenario, ...]:
    """The problem itself, the scenarios of its file, and others."""
    base = problem.without_scenarios()
    found = [Scenario(BASE, {}, base)]
    for name, overlay in problem.scenarios.items():
        found.append(Scenario(name, flattened(overlay), problem.scenario(name)))
    for name, settings in others.items():
        require_type(f"scenarios[{name!r}]", settings, Mapping)
        check_scenario(name, settings)
        try:
            found.append(Scenario(name, settings, base.with_settings(settings)))
        except ProblemError as error:
            raise ProblemError(under(name, error)) from None
    _check_once([scenario.name for scenario in found])
    return tuple(found)


def _check_once(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            what = "is the problem itself" if name == BASE else "is given twice"
            raise ProblemError.of(f"scenarios.{name}", f"{name!r} {what}; give another name")


# Scenarios from texts


def scenario_settings(
    problem: Problem, texts: Sequence[str] = (), axes: Sequence[Axis] = ()
) -> dict[str, dict[str, Any]]:
    """Settings by scenario name, from texts and from one scenario for each value of a key.

    Parameters
    ----------
    problem : Problem
    texts : sequence of str
        ``"name: key=value, key=value"`` each.
    axes : sequence of Axis
        Keys whose values are each a scenario of its own.

    Raises
    ------
    ProblemError
        If a text cannot be read, or a name comes twice.
    """
    found = [_parsed(text) for text in texts]
    found += [(_named(problem, axis.key, v), {axis.key: v}) for axis in axes for v in axis.values]
    _check_once([name for name, _ in found])
    return dict(found)


def _parsed(text: str) -> tuple[str, dict[str, Any]]:
    """Name and settings of ``name: key=value, key=value``."""
    name, colon, rest = (part.strip() for part in one_line(text, "--scenario").partition(":"))
    settings = {}
    for piece in split_list(rest):
        pair = split_pair(piece)
        if not (name and colon and pair):
            here = f"; see {short(piece)}" if piece.strip() else ""
            raise ProblemError.of(
                "--scenario",
                f"{short(text)} is not 'name: key=value, key=value'{here}",
            )
        settings[pair[0]] = read_value(pair[1])
    return name, settings


def _named(problem: Problem, key: str, value: object) -> str:
    """A scenario's name from its key and value; the table is left out where one alone has it."""
    table, _, rest = key.partition(".")
    fields = {
        name: type(content).model_fields
        for name in type(problem).model_fields
        if hasattr(type(content := getattr(problem, name)), "model_fields")
    }
    homes = [name for name, known in fields.items() if rest in known]
    return f"{rest if homes == [table] else key}={value_text(key, value)}"
