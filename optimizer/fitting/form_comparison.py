"""Compare forms of law on the same runs: errors on the largest runs held out, and the best size.

Forms that describe the runs alike may disagree by a factor of twenty about the best size at a
thousand times their compute. The runs of largest compute, predicted from the cheaper ones, tell
which form extrapolates; how far the best N moves between forms is how little the runs determine it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.fit import Fit, fit_form
from modelsizer.optimizer.fitting.forms import CHINCHILLA, CHINCHILLA_OUTER, Array, Form
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_quantity

HELD_OUT = 0.4
"""Share of the runs held out, those of largest compute."""
LEAST_TARGET = 1e24
TIMES_LARGEST = 10.0
"""Target by default: 1e24 FLOPs, or so many times the largest run if that is more."""
APART = 2.0
"""Ratio of the best sizes of two forms from which a warning is given."""
_ALWAYS = (CHINCHILLA, CHINCHILLA_OUTER)


@dataclass(frozen=True, slots=True)
class FormError:
    """Root mean square error of a law on some runs.

    Parameters
    ----------
    nats : float
        Of predicted - seen loss.
    relative : float
        Of predicted / seen - 1.
    """

    nats: float
    relative: float


@dataclass(frozen=True, slots=True)
class FormRow:
    """One form on the runs.

    Parameters
    ----------
    form : str
    error : FormError
        Over all runs, of the law fitted to them.
    held_out : FormError or None
        Over the largest runs, of a law fitted to the others; None if too few are left.
    parameters, tokens : float or None
        The best N and D at the target, C = 6ND; None if the form has no single term of each.
    """

    form: str
    error: FormError
    held_out: FormError | None
    parameters: float | None
    tokens: float | None


@dataclass(frozen=True, slots=True)
class FormComparison:
    """Several forms on the same runs.

    Parameters
    ----------
    rows : tuple of FormRow
        The fitted form first.
    held : int
        Number of runs held out.
    from_flops : float
        Least training FLOPs of these.
    target_flops : float
    """

    rows: tuple[FormRow, ...]
    held: int
    from_flops: float
    target_flops: float

    @property
    def spread(self) -> float:
        """Ratio of the largest to the smallest best N; 1 if fewer than two forms have one."""
        sizes = [row.parameters for row in self.rows if row.parameters is not None]
        return max(sizes) / min(sizes) if sizes else 1.0

    @property
    def best(self) -> FormRow | None:
        """The form of least error on the runs held out."""
        known = [row for row in self.rows if row.held_out is not None]
        return min(known, key=_held_error) if known else None

    def warnings(self) -> list[str]:
        """How far the best size moves between the forms, if it moves far."""
        if self.spread < APART:
            return []
        sized = sorted(
            ((row.parameters, row.form) for row in self.rows if row.parameters is not None),
        )
        ends = [
            f"{format_quantity(size, 'parameters', 3)} by {form}"
            for size, form in (sized[0], sized[-1])
        ]
        best = self.best
        nearer = f"; {best.form} predicts the largest runs best" if best is not None else ""
        return [
            f"these runs do not determine the best size at "
            f"{format_quantity(self.target_flops, 'FLOPs', 3)} FLOPs: {ends[0]}, {ends[1]}, "
            f"{self.spread:.3g} times as many{nearer}"
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "held_out_runs": self.held,
            "held_out_from_flops": self.from_flops,
            "target_flops": self.target_flops,
            "spread": self.spread,
            "forms": [
                {
                    "form": row.form,
                    "rms": asdict(row.error),
                    "held_out_rms": None if row.held_out is None else asdict(row.held_out),
                    "parameters": row.parameters,
                    "tokens": row.tokens,
                }
                for row in self.rows
            ],
        }


def compare_forms(
    found: Fit,
    columns: Mapping[str, Array],
    target_flops: float | None = None,
    clock: Clock | None = None,
) -> FormComparison:
    """Fit the form, Chinchilla's and that with an outer power to all runs and to the cheapest.

    Parameters
    ----------
    found : Fit
    columns : mapping of array, shape (runs,)
        N, D, C and the other columns of the runs used.
    target_flops : float, optional
        By default 1e24, or ten times the largest run if that is more.
    clock : Clock, optional

    Raises
    ------
    StoppedError
        If the clock stops a fit.
    """
    clock = Clock() if clock is None else clock
    flops = columns["C"]
    target = target_flops or max(LEAST_TARGET, TIMES_LARGEST * float(flops.max()))
    order = np.argsort(flops, kind="stable")
    held = round(HELD_OUT * len(order))
    rest, last = order[: len(order) - held], order[len(order) - held :]
    rows = []
    for form in _forms(found.form):
        design = replace(found.design, form=form, columns=columns, middle=None)
        few = len(rest) <= len(form.free)
        if form != found.form and len(order) <= len(form.free):
            continue
        own = found if form == found.form else fit_form(design, found.delta, clock=clock)
        clock.check()
        cheap = None if few or not held else fit_form(design.take(rest), found.delta, clock=clock)
        clock.check()
        size = best_size(form, own.coefficients, target)
        held_out = None
        if cheap is not None:
            held_out = _error(form, cheap.values, columns, design.log_loss, last)
        rows.append(
            FormRow(
                form.name,
                _error(form, own.values, columns, design.log_loss, order),
                held_out,
                size,
                None if size is None else target / (SIX_ND * size),
            )
        )
    least = float(flops[last].min()) if held else math.inf
    return FormComparison(tuple(rows), held, least, target)


def best_size(form: Form, values: Mapping[str, float], flops: float) -> float | None:
    """The N of least loss at C = 6ND, with everything else as it is.

    ``N = (alpha A / (beta B))^(1/(alpha + beta)) (C/6)^(beta/(alpha + beta))`` of ``A/N^alpha +
    B/D^beta`` (Hoffmann et al. 2022, arXiv 2203.15556, eq. 4), whatever the outer power. None if
    the form has not just one term in N and one in D, or these do not fall.
    """
    found = []
    for feature in ("N", "D"):
        terms = [t for t in form.terms if any(p.feature == feature for p in t.powers)]
        if len(terms) != 1 or len(terms[0].powers) != 1 or terms[0].scale is None:
            return None
        (power,) = terms[0].powers
        falls = -power.sign * values[power.exponent]
        if not (falls > 0 and values[terms[0].scale] > 0):
            return None
        found.append((values[terms[0].scale], falls))
    (A, alpha), (B, beta) = found
    logs = math.log(alpha) + math.log(A) - math.log(beta) - math.log(B)
    return math.exp((logs + beta * math.log(flops / SIX_ND)) / (alpha + beta))


def _forms(fitted: Form) -> Sequence[Form]:
    others = [form for form in _ALWAYS if form.name != fitted.name]
    return [fitted, *(replace(form, any_sign=fitted.any_sign) for form in others)]


def _held_error(row: FormRow) -> float:
    return math.inf if row.held_out is None else row.held_out.relative


def _error(
    form: Form, values: Array, columns: Mapping[str, Array], log_loss: Array, rows: Array
) -> FormError:
    at = {name: np.asarray(columns[name])[rows] for name in form.columns}
    seen = np.exp(log_loss[rows])
    off = form.loss(values, at) - seen
    return FormError(float(np.sqrt((off**2).mean())), float(np.sqrt(((off / seen) ** 2).mean())))
