"""Compute a plan: select runs, bound the criterion and compare with a grid."""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.fitting.runs import Runs as Made
from modelsizer.optimizer.planning.candidates import SMALLEST, candidates
from modelsizer.optimizer.planning.certificate import Room, relax
from modelsizer.optimizer.planning.exchange import exchange
from modelsizer.optimizer.planning.family import Family
from modelsizer.optimizer.planning.information import Linearised
from modelsizer.optimizer.planning.isoflop_grid import Limits, best_grid
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.planning.plan import Plan, PlanOptions
from modelsizer.optimizer.planning.prediction import PredictionInputs, simulate
from modelsizer.optimizer.planning.refusals import check_question, check_room, unidentified_error
from modelsizer.optimizer.planning.target import Target
from modelsizer.optimizer.planning.unidentified import UnidentifiedError
from modelsizer.optimizer.planning.warnings import warnings
from modelsizer.optimizer.tables.clock import Clock, OutOfTimeError
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import format_number


def best_plan(
    problem: Problem,
    point: LawPoint,
    target: Target,
    options: PlanOptions,
    have: Made | None = None,
    clock: Clock | None = None,
) -> Plan:
    """Plan the runs that best determine the prediction at a target.

    Parameters
    ----------
    problem : Problem
        Defines how FLOPs are counted, and the family of the runs.
    point : LawPoint
    target : Target
    options : PlanOptions
    have : modelsizer.optimizer.fitting.runs.Runs, optional
        Runs already made.
    clock : Clock, optional
        At its limit the plan is the best found, and its comparisons are cut short.

    Raises
    ------
    ModelsizerError
        If there is no such plan; the message names the option and its value.
    StoppedError
        If the clock stops the work before there is a plan.
    """
    begin = perf_counter()
    clock = Clock() if clock is None else clock
    stages: list[Clock] = []

    def stage(parts: int) -> Clock:
        """The clock of the next part of the work, which takes its share of what is left."""
        stages.append(clock.within(clock.share(parts)))
        return stages[-1]

    def late() -> bool:
        """Whether a part was cut short; called right after it."""
        return stages[-1].out_of_time

    weights = None if have is None else _weights(have)
    made = 0 if weights is None else round(float(weights.sum()))
    check_question(point, target, options, have, made)
    family = Family(problem, target.family, point.kind, point.seen)
    smallest = options.smallest or point.smallest or SMALLEST
    some = candidates(
        family,
        largest=options.largest_flops,
        tokens_per_parameter=options.tokens_per_parameter,
        smallest=smallest,
    )
    clock.check()
    check_room(some, options, smallest)
    try:
        drawn = Linearised(point.form, point.draws, some.columns)
        own = Linearised(point.form, point.values[None, :], some.columns)
    except UnidentifiedError as error:
        raise unidentified_error(error, point, problem.space, options) from None
    clock.check()
    columns = None if have is None else have.columns
    inputs = PredictionInputs(
        point,
        drawn,
        own,
        target.columns,
        target.around(options.around),
        target.flops,
        columns,
        weights,
    )
    question = inputs.question(options.criterion, drawn.rows(some.columns))
    room = Room(some.flops / options.budget, options.runs, options.repeats)
    relaxed = relax(question, room, clock=stage(4))
    cut = late()
    planned = exchange(question, room, relaxed, seed=options.seed, clock=stage(2))
    cut = late() or cut
    if cut and not math.isfinite(planned.value):
        raise OutOfTimeError
    if not math.isfinite(planned.value):
        raise ModelsizerError(
            f"--budget {format_number(options.budget)}: no {options.runs} runs within it tell "
            "every coefficient "
            f"of {point.form.name}"
        )
    at = np.repeat(np.arange(len(some)), planned.counts.astype(int))
    at = at[np.lexsort((some.parameters[at], some.flops[at]))]
    runs = some.take(at)
    grid = best_grid(
        question,
        drawn,
        point,
        family,
        list(dict.fromkeys(some.architectures)),
        Limits(options.runs, options.budget, options.largest_flops, options.tokens_per_parameter),
        target.columns,
        stage(2),
    )
    cut = late() or cut
    prediction = inputs.predict(runs.columns)
    grid_prediction = None if grid is None else inputs.predict(grid.runs.columns)
    simulated = grid_simulated = None
    if options.simulations:
        again, seed = options.simulations, options.seed
        simulated = simulate(inputs, runs.columns, again, seed, stage(2))
        cut = late() or cut
        if grid is not None:
            grid_simulated = simulate(inputs, grid.runs.columns, again, seed, stage(1))
            cut = late() or cut
    return Plan(
        problem,
        options,
        point,
        target,
        runs,
        prediction,
        planned.value,
        min(relaxed.bound, planned.value),
        some,
        planned.starts,
        0 if have is None else len(have.loss),
        grid,
        grid_prediction,
        simulated,
        grid_simulated,
        tuple(warnings(point, target, runs, prediction, options, have)),
        perf_counter() - begin,
        "time" if cut else "proven",
    )


def _weights(have: Made) -> Array:
    """Weights of runs: one, divided equally among the checkpoints of one model."""
    if have.models is None:
        return np.ones(len(have.loss))
    names, member = np.unique(np.asarray(have.models), return_inverse=True)
    return np.asarray(1 / np.bincount(member, minlength=len(names))[member])
