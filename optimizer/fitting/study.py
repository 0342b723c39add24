"""A fit together with its diagnostics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting import approaches
from modelsizer.optimizer.fitting.approaches import Approach
from modelsizer.optimizer.fitting.bootstrap import Bootstrap, bootstrap
from modelsizer.optimizer.fitting.diagnostics import (
    Curvature,
    HoldOut,
    curvature,
    hold_out,
    outliers,
    r_squared,
    warnings_of,
)
from modelsizer.optimizer.fitting.fit import Fit, fit_form, fit_without
from modelsizer.optimizer.fitting.forms import Array, Form
from modelsizer.optimizer.fitting.own_forms import feature_ranges, fitted_terms
from modelsizer.optimizer.fitting.runs import Runs
from modelsizer.optimizer.fitting.starts import bounds_of
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.laws.files import LawFile
from modelsizer.problems.laws.laws import ParameterKind, Range

DELTA = 1e-3  # of Huber's loss on ln loss: Hoffmann et al. 2022 (arXiv 2203.15556), appendix D.3
_LOWER = 1e-3  # relative decrease of the objective worth reporting
SAMPLES = 1000
INTERVAL = 0.9


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
    """

    delta: float = DELTA
    worst: int = 0
    outliers: int = 0
    samples: int = SAMPLES
    seed: int = 0
    hold_out: float | None = None
    cross_check: bool = False
    any_sign: bool = False


@dataclass(frozen=True)
class Study:
    """A fit, its diagnostics and how long they took.

    Parameters
    ----------
    runs : Runs
        The runs used.
    dropped : tuple of str
        Labels of the runs left out, worst first.
    fit : Fit
    curvature : Curvature
    bootstrap : Bootstrap or None
    hold_out : HoldOut or None
    approaches : tuple of Approach
    no_approach : tuple of str
        Reasons why a cross-check could not be made.
    warnings : tuple of str
    fit_seconds, bootstrap_seconds : float
    stop : str
        Why it ended; "proven" if nothing was left out. Otherwise the coefficients may be no
        minimum yet, and samples and checks are missing.
    converged : bool
        Whether the coefficients are at a minimum.
    """

    runs: Runs
    dropped: tuple[str, ...]
    fit: Fit
    curvature: Curvature
    bootstrap: Bootstrap | None
    hold_out: HoldOut | None
    approaches: tuple[Approach, ...]
    no_approach: tuple[str, ...]
    warnings: tuple[str, ...]
    fit_seconds: float
    bootstrap_seconds: float
    stop: Stop = "proven"
    converged: bool = True

    @property
    def complete(self) -> bool:
        """Whether the fit has converged, and nothing asked for was left out."""
        return self.stop == "proven"

    @property
    def form(self) -> Form:
        """The fitted form."""
        return self.fit.form

    @property
    def errors_from(self) -> str:
        """Source of the standard errors."""
        return "curvature" if self.bootstrap is None else "bootstrap"

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the fitted coefficients, by name; NaN if unknown."""
        drawn = self.bootstrap
        found = self.curvature.standard_errors if drawn is None else drawn.standard_errors
        named = dict(zip(self.form.coefficients, map(float, found), strict=True))
        return {name: named[name] for name in self.form.free}

    @property
    def covariance(self) -> Array:
        """Covariance of the coefficients, from the same source as the standard errors."""
        return self.curvature.covariance if self.bootstrap is None else self.bootstrap.covariance

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Central 90 % of the bootstrap's draws for each coefficient; empty without a bootstrap."""
        if self.bootstrap is None:
            return {}
        low, high = self.bootstrap.interval(INTERVAL)
        ends = zip(map(float, low), map(float, high), strict=True)
        named = dict(zip(self.form.coefficients, ends, strict=True))
        return {name: named[name] for name in self.form.free}

    @property
    def r_squared(self) -> float:
        """R^2 of ln loss over the runs used."""
        return r_squared(self.fit)

    @property
    def outliers(self) -> tuple[tuple[str, float], ...]:
        """Labels and residuals of outlying runs, worst first."""
        residuals = self.fit.residuals
        return tuple((self.runs.labels[i], float(residuals[i])) for i in outliers(self.fit))

    @property
    def size_exponent(self) -> float | None:
        """Exponent ``a`` of the law's optimal ``N = k C^a``, ignoring the shape."""
        own = self.fit.coefficients
        alone = {"N": list[str](), "D": list[str]()}
        for term in self.form.terms:
            if len(term.powers) == 1 and term.powers[0].feature in alone:
                alone[term.powers[0].feature].append(term.powers[0].exponent)
        if any(len(names) != 1 for names in alone.values()):
            return None  # not a power of C
        alpha, beta = (abs(own[names[0]]) for names in alone.values())
        return beta / (alpha + beta)

    def law_file(self, name: str, parameters: ParameterKind, provenance: dict[str, Any]) -> LawFile:
        """Convert the fit to a law's file."""
        n, d = self.runs.columns["N"], self.runs.columns["D"]
        errors = {k: v for k, v in self.standard_errors.items() if math.isfinite(v)}
        drawn = self.bootstrap
        return LawFile(
            name,
            self.form.kind,
            self.fit.coefficients,
            parameters,
            Range(float(n.min()), float(n.max())),
            Range(float(d.min()), float(d.max())),
            f"fit of {self.runs.source}, {len(self.runs.labels)} runs",
            errors,
            () if drawn is None else tuple(tuple(map(float, row)) for row in drawn.draws),
            None if drawn is None else drawn.seed,
            provenance,
            terms=fitted_terms(self.form, self.fit.coefficients),
            ranges=feature_ranges(self.form, self.runs.columns),
            fixed=tuple(self.form.fixed),
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert the study to a mapping for JSON."""
        runs, found, held = self.runs, self.fit, self.hold_out
        predicted = np.exp(found.design.log_loss + found.residuals)
        rows = zip(runs.labels, runs.loss, predicted, found.residuals, strict=True)
        curved, drawn = self.curvature, self.bootstrap
        return {
            "complete": self.complete,
            "stop": self.stop,
            "converged": self.converged,
            "law": self.form.name,
            "form": self.form.text,
            "coefficients": found.coefficients,
            "standard_errors": {k: _plain(v) for k, v in self.standard_errors.items()},
            "standard_errors_from": self.errors_from,
            "fixed": dict(self.form.fixed),
            "intervals_90": {k: list(v) for k, v in self.intervals.items()},
            "covariance": [[_plain(v) for v in row] for row in self.covariance],
            "objective": found.objective,
            "huber": found.delta,
            "runs": {
                "used": len(runs.labels),
                "dropped": len(self.dropped) + len(runs.unusable),
            },
            "dropped": [*self.dropped, *runs.unusable],
            "skipped": dict(runs.skipped),
            "columns": dict(runs.used_names),
            "r2": _plain(self.r_squared),
            "outliers": [{"run": run, "residual": value} for run, value in self.outliers],
            "residuals": [
                {"run": run, "loss": float(y), "predicted": float(p), "residual": float(r)}
                for run, y, p, r in rows
            ],
            "starts": {"followed": found.starts, "agreeing": found.agreeing},
            "curvature": {
                "standard_errors": {
                    name: _plain(error)
                    for name, error in zip(
                        self.form.coefficients, curved.standard_errors, strict=True
                    )
                    if name in self.form.free
                },
                "condition_number": _plain(curved.condition),
            },
            "bootstrap": None
            if drawn is None
            else {
                "samples": len(drawn.draws),
                "seed": drawn.seed,
                "of": "models" if drawn.clustered else "runs",
                "groups": drawn.groups,
                "seconds": self.bootstrap_seconds,
            },
            "hold_out": None
            if held is None
            else {name: getattr(held, name) for name in held.__dataclass_fields__},
            "cross_checks": [
                {
                    "approach": one.name,
                    "exponent": one.exponent,
                    "standard_error": one.standard_error,
                    "law": self.size_exponent,
                    "budgets": [
                        {"training_flops": float(c), "parameters": float(n)}
                        for c, n in zip(one.flops, one.best_n, strict=True)
                    ],
                }
                for one in self.approaches
            ],
            "warnings": list(self.warnings),
            "seconds": self.fit_seconds,
        }


def _plain(value: float) -> float | None:
    """A number for JSON; None if not finite."""
    return float(value) if math.isfinite(value) else None


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
    made: tuple[Approach, ...] = ()
    unmade: tuple[str, ...] = ()
    with ending:
        if options.hold_out is not None and ending.complete:
            clock.check()
            held = hold_out(found, used.columns["C"], options.hold_out, clock)
        if options.cross_check and ending.complete:
            clock.check()
            made, unmade = _cross_checks(used)
    said = _warnings(used, found, curved, drawn)
    return Study(
        used,
        tuple(lost.labels[i] for i in order),
        found,
        curved,
        drawn,
        held,
        made,
        unmade,
        (*_lacks(ending.stop, converged, drawn, options.samples), *of_signs, *said),
        fitted - start,
        done - fitted,
        ending.stop,
        converged,
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
    said.extend(runs.notes)
    return said
