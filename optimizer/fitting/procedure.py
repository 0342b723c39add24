"""Fit a form to runs and compute the diagnostics that are asked for."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from modelsizer.optimizer.fitting import approaches
from modelsizer.optimizer.fitting.approaches import Approach
from modelsizer.optimizer.fitting.bootstrap import Bootstrap, bootstrap
from modelsizer.optimizer.fitting.diagnostics import (
    Curvature,
    curvature,
    hold_out,
    poor_fit,
    warnings_of,
)
from modelsizer.optimizer.fitting.fit import Fit, fit_form, fit_without
from modelsizer.optimizer.fitting.form_comparison import FormComparison, compare_forms
from modelsizer.optimizer.fitting.forms import Form
from modelsizer.optimizer.fitting.runs import Runs
from modelsizer.optimizer.fitting.starts import bounds_of
from modelsizer.optimizer.fitting.study import Study
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.records import dataclass

DELTA = 1e-3  # of Huber's loss on ln loss: Hoffmann et al. 2022 (arXiv 2203.15556), appendix D.3
_LOWER = 1e-3  # relative decrease of the objective worth reporting
SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options of a study.

    Parameters
    ----------
    delta : float
        Threshold of Huber's loss.
    worst, outliers : int
        Number of runs to leave out: of the highest loss; of the largest residual in a first fit.
    samples : int
        Number of bootstrap samples; 0 for none.
    seed : int
    hold_out : float or None
        Share of the runs to hold out, those of largest compute.
    cross_check : bool
    any_sign : bool
        Let exponents take the opposite sign to the form's.
    compare : bool
        Compare the form with Chinchilla's, with and without an outer power.
    target_flops : float or None
        Training FLOPs at which the best sizes of the forms are compared.
    """

    delta: float = DELTA
    worst: int = 0
    outliers: int = 0
    samples: int = SAMPLES
    seed: int = 0
    hold_out: float | None = None
    cross_check: bool = False
    any_sign: bool = False
    compare: bool = False
    target_flops: float | None = None


def study(runs: Runs, form: Form, options: FitOptions, clock: Clock | None = None) -> Study:
    """Fit a form to runs and compute the diagnostics.

    Parameters
    ----------
    runs : Runs
    form : Form
    options : FitOptions
    clock : Clock, optional
        What it leaves no time for is left out; the coefficients are then those reached.

    Raises
    ------
    ValueError
        If there are too few runs for the options.
    """
    start = perf_counter()
    clock = Clock() if clock is None else clock
    form = replace(form, any_sign=options.any_sign)
    found, kept = fit_without(
        runs.design(form),
        options.delta,
        worst=options.worst,
        outliers=options.outliers,
        clock=clock,
    )
    of_signs: list[str] = []
    ending = Ending()
    with ending:
        clock.check()
        found, of_signs = _signs_tried(found, clock)
    converged = ending.complete
    fitted = perf_counter()
    used, lost = runs.take(kept), runs.take(~kept)
    order = np.argsort(-lost.loss, kind="stable")
    drawn = None
    if options.samples and ending.complete:
        groups = used.models
        drawn = bootstrap(found, options.samples, seed=options.seed, groups=groups, clock=clock)
        if drawn is None or len(drawn.draws) < options.samples:
            ending.stop = "time" if clock.out_of_time else "memory"
    done = perf_counter()
    curved = curvature(found)
    held = None
    compared: FormComparison | None = None
    made: tuple[Approach, ...] = ()
    unmade: tuple[str, ...] = ()
    with ending:
        if options.hold_out is not None and ending.complete:
            clock.check()
            held = hold_out(found, used.columns["C"], options.hold_out, clock)
        if options.cross_check and ending.complete:
            clock.check()
            made, unmade = _cross_checks(used)
        if options.compare and ending.complete:
            clock.check()
            compared = compare_forms(found, used.columns, options.target_flops, clock)
    said = _warnings(used, found, curved, drawn)
    poor = poor_fit(found)
    return Study(
        used,
        tuple(lost.labels[i] for i in order),
        found,
        curved,
        drawn,
        held,
        made,
        unmade,
        (
            *poor,
            *(() if compared is None or poor else compared.warnings()),
            *_lacks(ending.stop, converged, drawn, options.samples),
            *runs.notes,
            *of_signs,
            *said,
        ),
        fitted - start,
        done - fitted,
        ending.stop,
        converged,
        compared,
    )


def _lacks(stop: Stop, converged: bool, drawn: Bootstrap | None, samples: int) -> tuple[str, ...]:
    """What a fit that was stopped lacks."""
    if stop == "proven":
        return ()
    if not converged:
        return ("stopped before the coefficients reached a proven minimum: do not use them",)
    if samples and (drawn is None or len(drawn.draws) < samples):
        made = 0 if drawn is None else len(drawn.draws)
        return (f"stopped after {made:,} of {samples:,} bootstrap samples",)
    return ("stopped before all checks that were asked for",)


def _signs_tried(found: Fit, clock: Clock) -> tuple[Fit, list[str]]:
    """The fit, and a note if exponents of the opposite sign would fit the runs better.

    A loss that increases with parameters or tokens cannot be used to size a model, so signs are
    held by default; the note states what that costs.

    Raises
    ------
    StoppedError
        If the clock stops the other fit.
    """
    form = found.form
    if form.any_sign:
        turned = form.turned(found.coefficients)
        return found, [f"{name} has the other sign than {form.name} gives it" for name in turned]
    design = replace(found.design, form=replace(form, any_sign=True))
    loose = fit_form(design, found.delta, clock=clock)
    clock.check()
    if not loose.objective < found.objective * (1 - _LOWER):
        return found, []
    bounds = bounds_of(found.design)
    if (loose.theta == bounds.into(loose.theta)).all():  # no sign changed: a lower minimum
        return replace(loose, design=found.design), []
    turned = form.turned(loose.coefficients)
    return found, [
        f"with the other sign of {', '.join(turned) or 'an exponent'} the objective would be "
        f"{1 - loose.objective / found.objective:.1%} lower; signs are held, for such a law "
        "rises where loss falls (--any-sign lets go)"
    ]


def _cross_checks(runs: Runs) -> tuple[tuple[Approach, ...], tuple[str, ...]]:
    """Both approaches if the runs allow them, and otherwise the reasons why not."""
    n, c = runs.columns["N"], runs.columns["C"]
    made, unmade = [], []
    try:
        made.append(approaches.minimum_over_curves(n, c, runs.loss, runs.models))
    except ValueError as error:
        unmade.append(str(error))
    try:
        made.append(approaches.isoflop(n, c, runs.loss))
    except ValueError as error:
        unmade.append(str(error))
    return tuple(made), tuple(unmade)


def _warnings(runs: Runs, found: Fit, curved: Curvature, drawn: Bootstrap | None) -> list[str]:
    said = warnings_of(found, curved, drawn)
    if drawn is not None and drawn.clustered:
        said.append(
            f"the {len(runs.labels)} runs are checkpoints of {drawn.groups} models: the bootstrap "
            "draws whole models, for checkpoints of one are not independent"
        )
    for reason, count in runs.skipped.items():
        if count and not reason.startswith("not "):
            rows = "1 row" if count == 1 else f"{count} rows"
            said.append(f"{rows} left out: {reason}")
    return said
