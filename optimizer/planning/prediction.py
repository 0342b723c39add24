"""Uncertainty after runs are made: predicted by linear theory, and checked by simulation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.fit import fit_form
from modelsizer.optimizer.fitting.forms import Array, Design
from modelsizer.optimizer.planning.best_size import size_slope
from modelsizer.optimizer.planning.information import Criterion, Linearised, Question, of_weights
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.records import dataclass

LEAST_SQUARES = 1e3
"""Huber's delta, above every residual of ln loss: with normal noise the fit is least squares."""
_ENDS = (0.05, 0.95)  # quantiles over the draws


@dataclass(frozen=True)
class Prediction:
    """Predicted uncertainty after a set of runs.

    Parameters
    ----------
    sd : float
        Standard deviation of ln loss at the target, under the law's own coefficients.
    drawn_sd : float
        Geometric mean of it over the points that the plan averages over.
    drawn_ends : (float, float)
        Its 5 and 95 % quantiles over those points.
    loss : float
        Predicted loss at the target, nats per token.
    standard_errors : mapping
        Standard errors of the learnt coefficients, by name.
    best_size_sd : float or None
        Standard deviation of ln N of least loss at the target's FLOPs (delta method), with the
        shape held; None if the law has no best size.
    """

    sd: float
    drawn_sd: float
    drawn_ends: tuple[float, float]
    loss: float
    standard_errors: Mapping[str, float]
    best_size_sd: float | None

    @property
    def nats(self) -> float:
        """Standard deviation of the loss at the target, to first order."""
        return self.loss * self.sd

    def to_dict(self) -> dict[str, Any]:
        """Convert the prediction to a mapping for JSON."""
        return {
            "sd_ln_loss": self.sd,
            "sd_nats": self.nats,
            "sd_ln_loss_over_draws": {
                "geometric_mean": self.drawn_sd,
                "p5": self.drawn_ends[0],
                "p95": self.drawn_ends[1],
            },
            "standard_errors": dict(self.standard_errors),
            "sd_ln_best_parameters": self.best_size_sd,
        }


@dataclass(frozen=True)
class PredictionInputs:
    """Inputs of predictions.

    Parameters
    ----------
    point : LawPoint
    drawn : Linearised
        Linearised at the points that the plan averages over.
    own : Linearised
        Linearised at the law's own coefficients.
    target : mapping of array, shape (1,)
        Columns of the target.
    targets : mapping of array, shape (targets,)
        Columns of the predictions in the criterion: the target, and sizes around it.
    target_flops : float
    have : mapping of array, shape (runs,)
        Columns of runs already made.
    have_weights : array, shape (runs,)
    """

    point: LawPoint
    drawn: Linearised
    own: Linearised
    target: Mapping[str, Array]
    targets: Mapping[str, Array]
    target_flops: float
    have: Mapping[str, Array] | None = None
    have_weights: Array | None = None

    def question(
        self, criterion: Criterion, rows: Array, *, own: bool = False, alone: bool = False
    ) -> Question:
        """The criterion over some rows, at the law's own coefficients, for the target alone."""
        linear = self.own if own else self.drawn
        points, _, p = rows.shape
        have = np.zeros((points, p, p))
        if self.have is not None and self.have_weights is not None:
            have = of_weights(linear.rows(self.have), self.have_weights)
        wanted = self.target if alone else self.targets
        return Question(criterion, rows, linear.rows(wanted), have)

    def predict(self, columns: Mapping[str, Array]) -> Prediction:
        """Predict the uncertainty after runs with these columns."""
        noise = self.point.noise
        ones = np.ones(len(columns["N"]))
        rows = self.drawn.rows(columns)
        drawn = self.question("target", rows, alone=True)
        sds = noise * np.sqrt(drawn.variances(drawn.information(ones))[:, 0])
        mine = self.question("target", self.own.rows(columns), own=True, alone=True)
        told = mine.information(ones)
        covariance = noise**2 * self.own.covariance(told)[0]
        form, values = self.point.form, self.point.values
        slope = size_slope(form, values, self.target_flops, self.target)
        low, high = np.quantile(sds, _ENDS)
        errors = np.sqrt(np.diag(covariance))
        return Prediction(
            noise * float(np.sqrt(mine.variances(told)[0, 0])),
            float(np.exp(np.log(sds).mean())),
            (float(low), float(high)),
            float(np.exp(self.own.log_predicted(self.target)[0, 0])),
            {name: float(errors[form.position(name)]) for name in form.free},
            None if slope is None else float(np.sqrt(slope @ covariance @ slope)),
        )


@dataclass(frozen=True)
class Simulated:
    """Fits to losses simulated from the law.

    Parameters
    ----------
    repetitions : int
    sd : float
        Standard deviation over the fits of predicted ln loss at the target.
    bias : float
        Mean difference of predicted and true ln loss there.
    """

    repetitions: int
    sd: float
    bias: float


def simulate(
    inputs: PredictionInputs,
    columns: Mapping[str, Array],
    repetitions: int,
    seed: int,
    clock: Clock | None = None,
) -> Simulated | None:
    """Simulate losses of runs from the law with normal noise, fit, and predict the target.

    Runs already made are simulated too, each with its weight. Fewer repetitions where the clock
    stops it; None if fewer than two are left.
    """
    clock = Clock() if clock is None else clock
    point, generator = inputs.point, np.random.default_rng(seed)
    form, kept, weights = point.form, dict(columns), np.ones(len(columns["N"]))
    if inputs.have is not None and inputs.have_weights is not None:
        kept = {k: np.concatenate([v, inputs.have[k]]) for k, v in kept.items() if k in inputs.have}
        weights = np.concatenate([weights, inputs.have_weights])
    truth = np.log(form.loss(point.values, kept))
    at_target = float(np.log(form.loss(point.values, inputs.target))[0])
    only = {name: kept[name] for name in form.columns}
    errors = []
    with suppress(StoppedError):
        for _ in range(repetitions):
            clock.check()
            seen = truth + point.noise * generator.standard_normal(len(truth)) / np.sqrt(weights)
            design = Design(form, only, seen)
            found = fit_form(design, LEAST_SQUARES, weights=weights, clock=clock)
            clock.check()  # a fit that the clock stopped has not converged
            errors.append(float(np.log(form.loss(found.values, inputs.target))[0]) - at_target)
    if len(errors) < min(repetitions, 2):
        return None
    return Simulated(len(errors), float(np.std(errors, ddof=1)), float(np.mean(errors)))
