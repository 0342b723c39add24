"""A fit together with its diagnostics."""

from __future__ import annotations

import math
from typing import Any

from modelsizer.optimizer.fitting.approaches import Approach
from modelsizer.optimizer.fitting.bootstrap import Bootstrap
from modelsizer.optimizer.fitting.diagnostics import (
    Curvature,
    HoldOut,
    outliers,
    poor_fit,
    r_squared,
)
from modelsizer.optimizer.fitting.fit import Fit
from modelsizer.optimizer.fitting.form_comparison import FormComparison
from modelsizer.optimizer.fitting.forms import Array, Form
from modelsizer.optimizer.fitting.own_forms import feature_ranges, fitted_terms
from modelsizer.optimizer.fitting.runs import Runs
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.brief import counted
from modelsizer.problems.laws.files import LawFile
from modelsizer.problems.laws.laws import ParameterKind, Range
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled

INTERVAL = 0.9


@dataclass(frozen=True)
class Study(Tabled, Drawn):
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
    compared : FormComparison or None
        The form beside Chinchilla's, with and without an outer power.
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
    compared: FormComparison | None = None

    def _words(self) -> str:
        own = ", ".join(f"{k} {v:.4g}" for k, v in self.fit.coefficients.items())
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return f"of {counted(len(self.runs.labels), 'run')}, {self.form.kind}: {own}{whole}"

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
        """R^2 of ln loss over the runs used; NaN if every run has the same loss."""
        return r_squared(self.fit)

    @property
    def poor(self) -> bool:
        """Whether the law explains less than half of the variance of ln loss."""
        return bool(poor_fit(self.fit))

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
            rms=self.fit.rms or None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert the study to a mapping for JSON."""
        runs, found, held = self.runs, self.fit, self.hold_out
        rows = zip(runs.labels, runs.loss, found.predicted, found.residuals, strict=True)
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
            "read_as": {key: column.to_dict(key) for key, column in runs.read_as.items()},
            "tokens_from": runs.tokens_from or None,
            "r2": _plain(self.r_squared),
            "rms": found.rms,
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
            "compared": None if self.compared is None else self.compared.to_dict(),
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
