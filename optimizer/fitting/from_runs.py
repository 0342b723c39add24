"""Read a table of runs, fit a law to it and compute diagnostics: the function `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelsizer.optimizer.fitting.bootstrap import LEAST_DRAWS
from modelsizer.optimizer.fitting.forms import FORMS, Form
from modelsizer.optimizer.fitting.own_forms import form_of
from modelsizer.optimizer.fitting.procedure import DELTA, SAMPLES, FitOptions, study
from modelsizer.optimizer.fitting.runs import read_runs
from modelsizer.optimizer.fitting.study import Study
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.errors import ArgumentError, ModelsizerError, did_you_mean, require_type
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.machine import available_memory


def fit(
    runs: str | Path,
    law: str | Path = "chinchilla",
    *,
    columns: Mapping[str, str] | None = None,
    where: Sequence[str] = (),
    drop_worst: int = 0,
    drop_outliers: int = 0,
    huber: float = DELTA,
    bootstrap: int = SAMPLES,
    seed: int = 0,
    hold_out: float | None = None,
    cross_check: bool = False,
    any_sign: bool = False,
    parameters: ParameterKind | None = None,
    compare: bool = True,
    at: float | None = None,
    time_limit: float | None = None,
) -> Study:
    """Fit a loss law to training runs.

    The Huber loss of ln loss is minimized from a grid of starts (Hoffmann et al. 2022,
    arXiv 2203.15556, appendix D.3); standard errors come from a bootstrap.

    Parameters
    ----------
    runs : str or Path
        A table: .csv, .tsv, .jsonl or .parquet. If it has FLOPs but no tokens, D = C / 6N.
    law : str or Path
        ``"chinchilla"``, ``"chinchilla-outer"``, ``"gemstones"``, ``"bian"``, or the ``.toml``
        file of a law of form ``"terms"``.
    columns : mapping of str to str, optional
        Names of the table's columns by key, such as ``{"N": "params", "C": "flops*1e9"}``;
        common names are recognised, and units in names.
    where : sequence of str
        Conditions that rows must meet, such as ``"tokens>=100B"``.
    drop_worst, drop_outliers : int
        Numbers of runs to leave out: those of highest loss, then those of largest residual in a
        first fit.
    huber : float
        Absolute residual of ln loss at which Huber's loss turns from quadratic to linear.
    bootstrap : int
        Number of bootstrap samples; 0 for none.
    seed : int
        Seed of the bootstrap.
    hold_out : float, optional
        Fit also without this share of the runs, those of largest compute, and predict them.
    cross_check : bool
        Also estimate the compute-optimal size by isoFLOP parabolas and by training curves.
    any_sign : bool
        Let exponents take the opposite sign to the form's.
    parameters : {"total", "non_embedding", "active"}, optional
        Which count of parameters to take where the table has several.
    compare : bool
        Compare the form with Chinchilla's, with and without an outer power, by their errors on the
        largest runs when fitted to the others, and by the best size at `at`.
    at : float, optional
        Training FLOPs; by default 1e24, or ten times the largest run if that is more.
    time_limit : float, optional
        Seconds; on reaching it, the coefficients are those reached, with the samples so far.

    Returns
    -------
    Study

    Raises
    ------
    ArgumentError
        If an argument has an invalid value.
    ModelsizerError
        If the table or the form cannot be read, or there are too few runs.

    Examples
    --------
    >>> found = fit("docs/runs.csv", bootstrap=0)
    >>> round(found.r_squared, 2)
    1.0
    """
    if not 0 < huber < float("inf"):
        raise ArgumentError("huber", f"{huber} is not a positive number")
    if 0 < bootstrap < LEAST_DRAWS:
        raise ArgumentError(
            "bootstrap", f"{bootstrap} samples make no standard error; take {LEAST_DRAWS} or 0"
        )
    if hold_out is not None and not 0 < hold_out < 1:
        raise ArgumentError("hold_out", f"{hold_out} is not a share between 0 and 1")
    if at is not None and not 0 < at < float("inf"):
        raise ArgumentError("at", f"{at} is not a positive number of training FLOPs")
    clock = Clock.of(time_limit)
    form = form_named(law)
    _check_room(bootstrap, len(form.coefficients))
    require_type("runs", runs, str | Path)
    require_type("law", law, str | Path)
    table = read_runs(Path(runs), form, columns, where, parameters)
    options = FitOptions(
        huber,
        drop_worst,
        drop_outliers,
        bootstrap,
        seed,
        hold_out,
        cross_check,
        any_sign,
        compare,
        at,
    )
    try:
        return study(table, form, options, clock)
    except ValueError as error:
        raise ModelsizerError(f"{runs}: {error}") from None


_BYTES_A_DRAW = (
    200  # of a coefficient: arrays, their sorting, numbers of JSON and of the law's file
)


def _check_room(samples: int, coefficients: int) -> None:
    """Refuse more bootstrap samples than fit in memory."""
    needed, left = samples * coefficients * _BYTES_A_DRAW, available_memory()
    if left is not None and needed > left:
        raise ArgumentError(
            "bootstrap",
            f"{samples:,} samples of {coefficients} coefficients take {needed / 1e9:.3g} GB, and "
            f"{left / 1e9:.3g} GB is free; take fewer",
        )


def form_named(law: str | Path) -> Form:
    """Return a form by name, or read it from a law's file.

    Raises
    ------
    ArgumentError
        If no form has that name.
    ProblemError
        If the file cannot be read, or its form is not ``"terms"``.
    """
    name = str(law)
    if name in FORMS:
        return FORMS[name]
    if not name.endswith(".toml"):
        known = f"known: {', '.join(FORMS)}, or your own's .toml"
        raise ArgumentError("law", f"unknown form {name!r}{did_you_mean(name, FORMS)}; {known}")
    return form_of(Path(name))
