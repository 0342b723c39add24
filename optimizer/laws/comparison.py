"""Solve one problem under several loss laws: where they agree, and where each extrapolates.

Losses under different laws are on different scales and are never subtracted from one another.
`modelsizer.optimizer.laws.regrets` defines the cost of one law's design under another law.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from modelsizer.optimizer.cases import Cases
from modelsizer.optimizer.constraints import constraints
from modelsizer.optimizer.laws.cases import cases_of_laws
from modelsizer.optimizer.laws.each import Progress, solve_each
from modelsizer.optimizer.laws.regrets import Compromise, Judge, Regrets, judged, least_worst
from modelsizer.optimizer.result import Status
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.near_optimal import TooManyError
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, require_type
from modelsizer.problems.laws.laws import Range, TokenLaw
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.tables.limits import EXAMPLE
from modelsizer.problems.units import Number, format_number


@dataclass(frozen=True, slots=True)
class Within:
    """A value and the range of a law's fit.

    Parameters
    ----------
    value : float
    range : Range
    """

    value: float
    range: Range

    @property
    def known(self) -> bool:
        """Whether the range has an end."""
        return self.range.low is not None or self.range.high is not None

    @property
    def factor(self) -> float:
        """Factor of extrapolation: 1 within, 5 at five times the upper end or 1/5 of the lower."""
        high, low = self.range.high, self.range.low
        above = 1.0 if high is None else self.value / high
        below = 1.0 if low is None else low / self.value
        return max(above, below, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract; `within` is null where no range is known."""
        return {
            "value": self.value if math.isfinite(self.value) else None,
            "min": self.range.low,
            "max": self.range.high,
            "within": self.factor == 1 if self.known else None,
            "factor": self.factor if math.isfinite(self.factor) else None,
        }


def within(law: TokenLaw, design: Evaluation) -> tuple[Within, Within]:
    """N as the law counts it and the tokens of a design, with the ranges of the law."""
    return (
        Within(float(design.law_parameters), law.parameter_range),
        Within(float(design.text), law.token_range),
    )


@dataclass(frozen=True, slots=True)
class LawOptimum:
    """The answer of a problem under one law.

    Parameters
    ----------
    name : str
        As requested; for a law in a file, the name in the file.
    law : TokenLaw
    status : {"optimal", "infeasible", "limit"}
    design : Evaluation or None
        The best found, where a limit came before the proof.
    regrets : dict
        Regrets of the design under each law; empty if there are none.
    """

    name: str
    law: TokenLaw
    status: Status
    design: Evaluation | None
    regrets: Regrets

    @property
    def optimum(self) -> Evaluation | None:
        """The design, if it is proven."""
        return self.design if self.status == "optimal" else None

    @property
    def within(self) -> tuple[Within, Within] | None:
        """Parameters and tokens with the ranges of the law."""
        return None if self.design is None else within(self.law, self.design)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        found: dict[str, Any] = {"name": self.name, "status": self.status}
        if self.design is None or self.within is None:
            return found
        design, (n, d) = self.design, self.within
        return found | {
            "loss": design.loss if math.isfinite(design.loss) else None,
            "architecture": design_architecture(design.architecture),
            "parameters": design.parameters.total,
            "tokens": design.tokens if math.isfinite(design.tokens) else None,
            "within_range": {"parameters": n.to_dict(), "tokens": d.to_dict()},
            "regrets": {name: regret.to_dict() for name, regret in self.regrets.items()},
        }


@dataclass(frozen=True, slots=True)
class LawComparison(Tabled, Drawn):
    """A problem under several laws.

    Parameters
    ----------
    problem : Problem
    laws : tuple of LawOptimum
    no_law_hates : Compromise or None
    why_not : str
        Why there is no such design, or no regrets; empty otherwise.
    left_out : mapping of str to str
        Laws that are compared only if they are named, with the reason.
    stop : Stop
        ``"proven"`` if nothing is missing, otherwise why it ended early.
    """

    problem: Problem
    laws: tuple[LawOptimum, ...]
    no_law_hates: Compromise | None
    why_not: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    stop: Stop = "proven"

    def _words(self) -> str:
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {named(self.problem.name)} under {counted(len(self.laws), 'law')}{whole}"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.stop == "proven"

    def cases(self) -> Cases | None:
        """The optimum of each law, and the compromise, by each law; None without regrets."""
        laws = [(law.name, str(law.status), law.optimum, law.regrets) for law in self.laws]
        return cases_of_laws(laws, self.no_law_hates)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        found, cases = self.no_law_hates, self.cases()
        return {
            "name": self.problem.name,
            "complete": self.complete,
            "stop": self.stop,
            "laws": [law.to_dict() for law in self.laws],
            "no_law_hates": None if found is None else found.to_dict(),
            "why_not": self.why_not or None,
            "left_out": dict(self.left_out),
            "cases": None if cases is None else cases.to_dict(),
        } | sources(self.problem)


def law_names(problem: Problem, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """Laws to compare: the given ones, or all registered ones without caution and the problem's.

    Raises
    ------
    ProblemError
        If a law is unknown, the list is empty, or one number limits the loss by several laws.
    """
    if wanted is None:
        free = (name for name, law in TOKEN_LAWS.items() if not law.caution)
        wanted = [*free, *problem.laws, problem.objective.law]
    names = tuple(dict.fromkeys(wanted))
    if not names:
        raise ProblemError.of("--laws", "name at least one law")
    if set(names) != {problem.objective.law}:
        check_loss_limit(problem)
    for name in names:
        problem.with_settings(problem.under_law(name))
    return names


def check_loss_limit(problem: Problem) -> None:
    """Refuse a number that limits the loss where several laws judge.

    Raises
    ------
    ProblemError
        With the spelling of a reference, which has its own number by each law.
    """
    for each in constraints(problem):
        if each.quantity == "loss" and not each.reference:
            raise ProblemError.of(
                each.key,
                f"{format_number(each.limit)} nats mean another thing by each law; write the loss "
                f"of a model instead, which each law judges itself: {EXAMPLE} (or --without "
                "budgets.loss)",
            )


def left_out(named: Sequence[str]) -> dict[str, str]:
    """Laws that are omitted because they were not named, with the reason."""
    laws = TOKEN_LAWS.items()
    return {name: law.caution for name, law in laws if law.caution and name not in named}


def compare_laws(
    problem: Problem,
    laws: Sequence[str] | None = None,
    *,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> LawComparison:
    """Solve a problem under each of several laws, and evaluate each answer under the other laws.

    Regrets need a problem that minimises the loss. A limit on the loss must be that of a model,
    which has its own by each law; a design that exceeds it by a law has no regret under that law.
    Wasted compute also needs a limit on training FLOPs.

    Parameters
    ----------
    problem : Problem
    laws : sequence of str, optional
        Names as in `objective.law`; see `law_names`.
    time_limit : float, optional
        Seconds of all together; each law has an equal share of what is left. What is not proven by
        then, or by an interruption, is returned as not complete.
    progress : callable, optional
        Called with the number of laws done and of all.

    Returns
    -------
    LawComparison

    Raises
    ------
    ProblemError
        If a law is unknown.
    ArgumentError
        If the time limit is negative.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = compare_laws(Problem.load("phone-2gb"), ["besiroglu-2024", "hoffmann-2022"])
    >>> [(law.name, law.status) for law in found.laws]
    [('besiroglu-2024', 'optimal'), ('hoffmann-2022', 'optimal')]
    """
    require_type("problem", problem, Problem)
    clock = Clock.of(time_limit)
    base = problem.without_scenarios()
    names, solver = law_names(base, laws), Solver(base, clock=clock)
    problems = [base.with_settings(base.under_law(name)) for name in names]
    results, ending = solve_each(solver, problems, progress)
    labels = labels_of(names, [result.problem.law for result in results])
    why, best = why_no_regrets(base), None
    regrets: list[Regrets] = [{} for _ in names]
    if not why and all(result.status == "optimal" for result in results):
        with_flops = _most_flops(base) is not None
        why = "" if with_flops else "no budget of training FLOPs to waste: give training_flops"
        chosen = [result.best for result in results]
        with ending:
            judges = [
                Judge(result.problem, name, design, solver, with_flops=with_flops)
                for name, result, design in zip(labels, results, chosen, strict=True)
            ]
            by_design = judged(judges, [design.architecture for design in chosen])
            regrets = [by_design[design.architecture] for design in chosen]
            able = [
                d.architecture
                for d, r in zip(chosen, regrets, strict=True)
                if len(r) == len(judges)
            ]
            why = why or _why_no_start(labels, regrets, base)
            if with_flops and able:
                try:
                    best = least_worst(judges, able)
                except TooManyError as error:
                    why = f"too many designs come near the best of every law: {error}"
    found = tuple(
        LawOptimum(label, result.problem.law, result.status, result.design, mine)
        for label, result, mine in zip(labels, results, regrets, strict=True)
    )
    aside = {} if laws is not None else left_out(labels)
    return LawComparison(problem, found, best, why, aside, ending.stop)


def labels_of(names: Sequence[str], laws: Sequence[TokenLaw]) -> list[str]:
    """Distinct labels: the names of the laws, or the requested names where two laws share one."""
    own = [law.name for law in laws]
    return [mine if own.count(mine) == 1 else name for name, mine in zip(names, own, strict=True)]


# Regrets


def why_no_regrets(problem: Problem) -> str:
    """Why losses under several laws have no regrets; empty if they have."""
    if problem.objective.quantity != "loss":
        return f"regrets are of a least loss, and the problem seeks {problem.objective.quantity}"
    if problem.budgets.loss is not None and problem.budgets.loss.min is not None:
        return "regrets are of a least loss, and budgets.loss.min keeps designs above one"
    return ""


def _why_no_start(labels: Sequence[str], regrets: Sequence[Regrets], problem: Problem) -> str:
    """Why no optimum of a law starts the search for a compromise; empty if one does."""
    missing = [[name for name in labels if name not in mine] for mine in regrets]
    if not all(missing):
        return ""
    limit = problem.budgets.loss
    said = "" if limit is None else f" ({limit.max_as})"
    owner, breaks = labels[0], missing[0][0]
    return (
        f"every law's design breaks budgets.loss{said} by another law, that of {owner} by {breaks}"
    )


def _most_flops(problem: Problem) -> Number | None:
    limit = problem.budgets.training_flops
    return None if limit is None else limit.max
