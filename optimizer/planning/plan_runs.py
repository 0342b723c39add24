"""Plan small runs for a problem: the function `plan_runs`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from modelsizer.optimizer.fitting.runs import read_runs
from modelsizer.optimizer.planning.candidates import TOKENS_PER_PARAMETER
from modelsizer.optimizer.planning.information import CRITERIA, Criterion
from modelsizer.optimizer.planning.law_point import (
    DRAWS,
    SHAPE_LAWS_BY_FORM,
    LawPoint,
    of_file,
    of_form,
    of_law,
)
from modelsizer.optimizer.planning.plan import AROUND, REPEATS, RUNS, Plan, PlanOptions
from modelsizer.optimizer.planning.planner import best_plan
from modelsizer.optimizer.planning.target import Target, optimum
from modelsizer.optimizer.tables.clock import Clock, Stop, StoppedError
from modelsizer.problems.errors import (
    ArgumentError,
    ModelsizerError,
    ProblemError,
    require_type,
)
from modelsizer.problems.laws.files import COEFFICIENTS
from modelsizer.problems.laws.reading import PREFIX, law_setting, load_law
from modelsizer.problems.problem import Problem

MOST_RUNS = 10_000
"""Runs of a plan."""


class NoPlanError(ModelsizerError):
    """Raised if a limit of time or memory stops the work before there is a plan.

    Parameters
    ----------
    stop : str
    """

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        why = "the machine's memory is full" if stop == "memory" else "the time limit was reached"
        super().__init__(f"no plan: {why} before the optimum was proven and a plan found")


def plan_runs(
    problem: Problem,
    budget: float,
    runs: int = RUNS,
    *,
    law: str | None = None,
    form: str | None = None,
    at: Sequence[float] | None = None,
    around: float = AROUND,
    criterion: Criterion = "target",
    largest: float | None = None,
    tokens_per_parameter: tuple[float, float] = TOKENS_PER_PARAMETER,
    smallest: float | None = None,
    repeats: int = REPEATS,
    have: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    noise: float | None = None,
    draws: int = DRAWS,
    simulate: int = 0,
    seed: int = 0,
    time_limit: float | None = None,
    clock: Clock | None = None,
) -> Plan | None:
    """Plan the small runs that best determine the law at the scale of a problem's optimum.

    Runs of the optimum's family are selected by exchange, with a proven gap to the best plan from a
    convex bound, and compared with the best of many isoFLOP grids of the same budget.

    Parameters
    ----------
    problem : Problem
    budget : float
        Training FLOPs of all runs together.
    runs : int
    law : str, optional
        The law to learn: a name or a ``.toml`` file of `fit`; the problem's by default. With a
        file, the plan averages over its bootstrap draws.
    form : {"gemstones", "bian"}, optional
        Learn the published law of this form, shape included.
    at : sequence of float, optional
        Parameters and tokens, or these with layers and d_model, at which to predict the loss
        instead of at the problem's optimum.
    around : float
        Predict also at sizes smaller and larger by this factor, at the same FLOPs; 1 for none.
    criterion : {"target", "determinant"}
        Minimise the variance of the predicted loss, or that of the coefficients.
    largest : float, optional
        Greatest FLOPs of one run; a share of the budget if at most 1.
    tokens_per_parameter : (low, high)
    smallest : float, optional
        Parameters of the smallest model; by default of the data that the law was fitted to.
    repeats : int
        Greatest number of runs of one config at the same tokens.
    have : str or Path, optional
        A table of runs already made, as accepted by `fit`.
    columns : mapping of str to str, optional
        Names of that table's columns, as accepted by `fit`.
    noise : float, optional
        Standard deviation of ln loss of a run; every standard error is proportional to it.
    draws : int
        Number of bootstrap draws of the law to average over.
    simulate : int
        Number of fits to losses simulated from the law, to check the predictions; 0 for none.
    seed : int
        Seed of the starts and of the simulation.
    time_limit : float, optional
        Seconds; on reaching it, the plan is the best found, and comparisons are cut short.
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.

    Returns
    -------
    Plan or None
        None if it is proven that no design is feasible.

    Raises
    ------
    ArgumentError
        If an argument has an invalid value.
    ModelsizerError
        If runs cannot be planned for this law, or no feasible runs fit the budget.
    NoPlanError
        If the time limit passes before there is a plan.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> plan = plan_runs(Problem.load("one-h100-1e24"), 1e21, 12)
    >>> len(plan.rows()), float(plan.runs.flops.sum()) <= 1e21
    (12, True)
    """
    require_type("problem", problem, Problem)
    if criterion not in CRITERIA:
        raise ArgumentError("criterion", f"{criterion!r} is not {' or '.join(CRITERIA)}")
    if not 1 <= around < math.inf:
        raise ArgumentError("around", f"{around:g} is not 1 or more")
    if noise is not None and not 0 < noise < 1:
        what = "a standard deviation of ln loss between 0 and 1"
        raise ArgumentError("noise", f"{noise:g} is not {what}")
    if runs > MOST_RUNS:
        raise ArgumentError("runs", f"{runs:,} are too many to plan; at most {MOST_RUNS:,}")
    clock = Clock.of(time_limit) if clock is None else clock
    options = PlanOptions(
        budget,
        runs,
        criterion,
        largest,
        tokens_per_parameter,
        smallest,
        repeats,
        around,
        simulate,
        seed,
    )
    problem, point = _law_to_learn(problem, law, form, draws)
    if noise is not None:
        point = replace(point, noise=noise, noise_from="--noise")
    try:
        target = _target(problem, at, clock.within(clock.share(2)))
        if target is None:
            return None
        made = None
        if have is not None:
            made = read_runs(Path(have), point.form, columns, counts=point.kind)
        return best_plan(problem, point, target, options, made, clock)
    except StoppedError as error:
        raise NoPlanError(error.stop) from None


def _law_to_learn(
    problem: Problem, law: str | None, form: str | None, draws: int
) -> tuple[Problem, LawPoint]:
    """The problem under the law that is to be learnt, and that law.

    Laws of the forms gemstones and bian are learnt at the optimum of the problem's own law: they
    were fitted to small runs, and that of Gemstones diverges far from them (docs/laws.md).
    """
    for key, named in SHAPE_LAWS_BY_FORM.items():
        if law == named and form in (None, key):
            law, form = None, key
    if law is None and form in SHAPE_LAWS_BY_FORM:
        name = problem.objective.law
        if not name.startswith(PREFIX) or load_law(name.removeprefix(PREFIX)).form != form:
            return problem, of_form(form)
    name = problem.objective.law if law is None else law_setting(law)
    if not name.startswith(PREFIX):
        if law is not None:
            problem = problem.with_settings(problem.under_law(name))
        point = of_law(problem.law)
    else:
        fitted = load_law(name.removeprefix(PREFIX))
        point = of_file(fitted, draws)
        if law is not None and fitted.form not in SHAPE_LAWS_BY_FORM:
            problem = problem.with_settings(problem.under_law(name))
    if form not in (None, point.form.kind):
        if law is None and form not in COEFFICIENTS:
            of_form(form)  # raises with the known forms
        whose = "the problem's law" if law is None else f"--law {law}"
        raise ArgumentError("form", f"{form} is not the form of {whose}, {point.form.kind}")
    return problem, point


def _target(problem: Problem, at: Sequence[float] | None, clock: Clock) -> Target | None:
    """The optimum, or a size of the optimum's family; None if no design is feasible."""
    if problem.tokenizer is not None:
        raise ProblemError.of(
            "tokenizer",
            "runs are planned in tokens of one tokenizer, which the law that they fit counts; fix "
            "space.vocab_size and leave [tokenizer] out",
        )
    best = optimum(problem, clock)
    if best is None:
        return None
    if at is None:
        if not math.isfinite(best.tokens):
            raise ProblemError.of(
                "training.tokens", "nothing limits them at the optimum; give --at N,D"
            )
        return best
    if len(at) not in (2, 4):
        raise ArgumentError("at", f"{at!r} is not N,D or N,D,LAYERS,D_MODEL")
    n, tokens, *shape = at
    return best.moved(n, tokens, (shape[0], shape[1]) if shape else None)
