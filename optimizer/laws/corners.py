"""Solve a problem at each corner of what the evidence leaves open, one change at a time.

The corners are the problem as it is but for one judgement: what no law sees of an architecture at
the low end, the middle and the high end of its band; where there are experts their leverage at the
edge of its fit and at the budget, and the pessimist among the laws of experts; and other laws. What
their optima share holds whatever the truth in this range; the design of least greatest regret is
never far from the best (`modelsizer.optimizer.laws.least_regret`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from modelsizer.optimizer.beside import best_with
from modelsizer.optimizer.laws.comparison import check_loss_limit, labels_of, why_no_regrets
from modelsizer.optimizer.laws.each import Progress, solve_each
from modelsizer.optimizer.laws.holding import choices_held, turning
from modelsizer.optimizer.laws.least_regret import LeastRegret, NatRegrets, least_regret, regrets_of
from modelsizer.optimizer.result import Result, Status
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.own_terms import ablation_ends
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.laws.reading import PREFIX, law_named
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.objective import BUDGET
from modelsizer.problems.shown import Tabled
from modelsizer.problems.space.counting import count_by_structure

PESSIMIST = "ludziejewski-2025"
"""The law of experts that is a corner of every problem with experts."""


@dataclass(frozen=True, slots=True)
class Corner:
    """A problem with one judgement changed, and its answer.

    Parameters
    ----------
    name : str
    problem : Problem or None
        None if the space cannot be judged so.
    status : {"optimal", "infeasible", "limit", "refused"}
    design : Evaluation or None
        The best found, where a limit came before the proof.
    regret : mapping of str to float
        Loss of the design above the least at each corner whose limits it keeps, nats.
    same_as : str
        Name of an earlier corner that is the same problem; empty if there is none.
    reason : str
        Why it is refused.
    """

    name: str
    problem: Problem | None
    status: Status | Literal["refused"]
    design: Evaluation | None = None
    regret: NatRegrets = field(default_factory=dict)
    same_as: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        found: dict[str, Any] = {"name": self.name, "status": self.status, "objective": None,
                                 "architecture": None, "tokens": None}  # fmt: skip
        if self.design is not None and self.problem is not None:
            value = self.design.quantity(self.problem.objective.quantity)
            found |= {
                "objective": _plain(value),
                "architecture": design_architecture(self.design.architecture),
                "parameters": self.design.parameters.total,
                "tokens": _plain(self.design.tokens),
            }
        found["regret"] = dict(self.regret)
        found["same_as"] = self.same_as or None
        return found | ({"reason": self.reason} if self.reason else {})


def _plain(value: Any) -> Any:
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class ProblemCorners(Tabled):
    """A problem at its corners.

    Parameters
    ----------
    problem : Problem
    design : Evaluation or None
        The answer of the problem as it is.
    corners : tuple of Corner
    judged : Evaluation or None
        The design that `regret` is of: the answer, or another one beside the space.
    regret : mapping of str to float
        Nats, at each corner.
    least_regret : LeastRegret or None
    why_not : str
        Why there are no regrets; empty otherwise.
    stop : Stop
        ``"proven"`` if nothing is missing, otherwise why it ended early.
    """

    problem: Problem
    design: Evaluation | None
    corners: tuple[Corner, ...]
    judged: Evaluation | None
    regret: NatRegrets
    least_regret: LeastRegret | None
    why_not: str = ""
    stop: Stop = "proven"

    def _words(self) -> str:
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {named(self.problem.name)}: {counted(len(self.corners), 'corner')}{whole}"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.stop == "proven"

    @property
    def apart(self) -> tuple[Corner, ...]:
        """Corners that are problems of their own, without those that were refused."""
        return tuple(c for c in self.corners if not c.same_as and c.status != "refused")

    @property
    def optima(self) -> dict[str, Architecture]:
        """Proven optima of `apart`."""
        found = ((c.name, c.design) for c in self.apart if c.status == "optimal")
        return {name: design.architecture for name, design in found if design is not None}

    @property
    def holds(self) -> dict[str, list[Any]]:
        """Values that each choice takes at the optima, in their order."""
        return choices_held(self.optima.values())

    @property
    def turns(self) -> dict[str, dict[str, Any]]:
        """Choices that are another thing at some corner than in the answer, with their values."""
        if self.design is None:
            return {}
        return turning(self.design.architecture, self.optima)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {"name": self.problem.name, "complete": self.complete, "stop": self.stop} | (
            self.figures()
        )

    def figures(self) -> dict[str, Any]:
        """The keys that stand beside those of an answer."""
        least = self.least_regret
        return {
            "corners": [corner.to_dict() for corner in self.corners],
            "holds": self.holds,
            "turns": self.turns,
            "regret": dict(self.regret),
            "least_regret": None if least is None else least.to_dict(),
            "regret_reason": self.why_not or None,
        }


def overlays(
    problem: Problem, laws: Sequence[str] | None = None
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield name and settings of each corner; of laws the name is as given.

    Parameters
    ----------
    problem : Problem
    laws : sequence of str, optional
        Names as in `objective.law`.
    """
    yield from _ablations(problem)
    laws = list(laws or ())
    if _has_experts(problem):
        yield "leverage 3e20", {"objective.leverage_flops": DEFAULT_LEVERAGE_FLOPS}
        if problem.token_limits.most_flops is not None:
            yield "leverage budget", {"objective.leverage_flops": BUDGET}
        laws = [PESSIMIST, *laws]
    for name in dict.fromkeys(laws):
        yield name, problem.under_law(name)


def _ablations(problem: Problem) -> Iterator[tuple[str, Mapping[str, object]]]:
    for end, setting in ablation_ends(problem.objective.ablations).items():
        yield f"ablations {end}", {"objective.ablations": setting}


def ablation_corners(problem: Problem) -> dict[str, Ablations | None]:
    """What no law sees of an architecture, as the corners of its band read it."""
    return {n: problem.with_settings(s).quality.ablations for n, s in _ablations(problem)}


def corners(
    problem: Problem,
    laws: Sequence[str] | None = None,
    *,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
    progress: Progress | None = None,
    answer: Result | None = None,
    beside: Architecture | None = None,
) -> ProblemCorners:
    """Solve a problem at each of its corners, and find the design of least greatest regret.

    Parameters
    ----------
    problem : Problem
    laws : sequence of str, optional
        Laws that are corners too, as `objective.law` takes them.
    solver : str
        Of the optima; see `modelsizer.solve`.
    time_limit : float, optional
        Seconds of all together. What is not proven by then, or by an interruption, is returned as
        not complete.
    progress : callable, optional
        Called with the number of problems solved and of all.
    answer : Result, optional
        The result of the problem as it is, if known.
    beside : Architecture, optional
        A design that is added to those of the space, and whose regrets are looked at in place of
        the answer's.

    Returns
    -------
    ProblemCorners

    Raises
    ------
    ProblemError
        If there is no such law.
    ArgumentError
        If the time limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = corners(Problem.load("phone-2gb"))
    >>> [corner.name for corner in found.corners], found.least_regret.proven
    (['ablations low', 'ablations middle', 'ablations high'], True)
    """
    require_type("problem", problem, Problem)
    base = problem.without_scenarios()
    for name in laws or ():
        _check_law(base, name)
    asked = _named(base, [(name, _corner(base, change)) for name, change in overlays(base, laws)])
    one = Solver(base, solver=solver, clock=Clock.of(time_limit))
    apart: dict[object, Problem] = {}
    if answer is None or answer.status != "optimal" or answer.gap != 0:
        apart[_judgement(base)] = base
    for _, found in asked:
        if isinstance(found, Problem):
            apart.setdefault(_judgement(found), found)
    problems = list(apart.values())
    solved, ending = solve_each(one, problems, progress)
    if beside is not None:
        more = (_judgeable(problem, beside) for problem in problems)
        solved = [best_with(r, designs, one.clock) for r, designs in zip(solved, more, strict=True)]
    results = dict(zip(apart, solved, strict=True))
    if answer is not None:
        results.setdefault(_judgement(base), answer)
    first: dict[object, str] = {}
    made = []
    for name, found in asked:
        if isinstance(found, str):
            made.append(Corner(name, None, "refused", reason=found))
            continue
        key = _judgement(found)
        result = results[key]
        same = first.setdefault(key, name)
        made.append(
            Corner(name, found, result.status, result.design, {}, "" if same == name else same)
        )
    own = results[_judgement(base)]
    judged = next(iter(_judgeable(base, beside)), own.design) if beside else own.design
    answered = ProblemCorners(
        base, own.design, tuple(made), judged, {}, None, why_no_regrets(base), ending.stop
    )
    if answered.why_not or not ending.complete or not answered.optima:
        return answered
    with ending:
        answered = _with_regrets(answered, one)
    stop = ending.stop
    if answered.least_regret is not None and not answered.least_regret.proven:
        stop = answered.least_regret.stop
    return replace(answered, stop=stop)


def _check_law(problem: Problem, name: str) -> None:
    """Raise ProblemError for a law that there is not, or that no number of nats is a limit by."""
    if name.startswith(PREFIX):
        law_named(name)
    elif name not in (*TOKEN_LAWS, *problem.laws):
        problem.with_settings({"objective.law": name})
    if name != problem.objective.law:
        check_loss_limit(problem)


def _judgeable(problem: Problem, architecture: Architecture) -> list[Evaluation]:
    """Return a design if it keeps the limits of a problem and its law gives it a loss."""
    design = evaluate(problem, architecture)
    return [design] if design.feasible and math.isfinite(design.loss) else []


def _has_experts(problem: Problem) -> bool:
    counts = count_by_structure(problem.space, problem.splits)
    return any(structure.experts and found.designs for structure, found in counts.items())


def _corner(problem: Problem, change: Mapping[str, object]) -> Problem | str:
    """Return a problem with one judgement changed, or why there is none."""
    try:
        if change.get("objective.law", problem.objective.law) != problem.objective.law:
            check_loss_limit(problem)
        return problem.with_settings(change)
    except ProblemError as error:
        return error.faults[0].message


def _named(
    problem: Problem, asked: Sequence[tuple[str, Problem | str]]
) -> list[tuple[str, Problem | str]]:
    """Return corners with the names of their laws, also of those in files."""
    own = [found.law if isinstance(found, Problem) else problem.law for _, found in asked]
    labels = labels_of([name for name, _ in asked], own)
    return [
        (label if name.startswith("file:") else name, found)
        for label, (name, found) in zip(labels, asked, strict=True)
    ]


def _judgement(problem: Problem) -> object:
    """Return all by which a problem judges designs: corners with the same are one problem."""
    quality, settings = problem.quality, problem.settings
    leverage: float | None = settings.leverage_flops
    if settings.experts != "tian-2025" or settings.parameter_kind == "active":
        leverage = None
    law = problem.objective.law
    return law, quality.shape.name, quality.ablations, settings.experts, leverage


def _with_regrets(found: ProblemCorners, solver: Solver) -> ProblemCorners:
    """Return corners with their regrets and the design of least greatest regret."""
    judges = {c.name: c.problem for c in found.apart if c.name in found.optima and c.problem}
    least = {c.name: c.design.loss for c in found.apart if c.name in judges and c.design}

    def everywhere(regret: NatRegrets) -> NatRegrets:
        """Regrets at all corners, of those that are one problem the same."""
        places = ((c.name, c.same_as or c.name) for c in found.corners)
        return {name: regret[place] for name, place in places if place in regret}

    known = dict.fromkeys(found.optima.values())
    for design in (found.design, found.judged):
        if design is not None:
            known[design.architecture] = None
    regrets = {a: everywhere(regrets_of(a, judges, least)) for a in known}
    made = [
        replace(corner, regret=regrets[corner.design.architecture])
        if corner.design is not None and corner.status == "optimal"
        else corner
        for corner in found.corners
    ]
    own = {} if found.judged is None else regrets[found.judged.architecture]
    best = least_regret(judges, least, regrets, solver.clock, solver.store)
    if best is not None:
        best = replace(best, regret=everywhere(best.regret))
    return replace(found, corners=tuple(made), regret=own, least_regret=best)
