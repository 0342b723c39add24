"""Where a law is linearised: its coefficients or draws of them, and the noise of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fitting.forms import FORMS, Array, Form
from modelsizer.optimizer.fitting.own_forms import faults_of, form_from
from modelsizer.optimizer.fitting.terms import FEATURES
from modelsizer.problems.errors import ModelsizerError, ProblemError, did_you_mean
from modelsizer.problems.laws.catalogue import coefficients_of, law_rows, without_logarithms
from modelsizer.problems.laws.files import TERMS, LawFile, term_values
from modelsizer.problems.laws.laws import ParameterKind, PowerLaw, PowerTerm, TokenLaw
from modelsizer.problems.laws.stack_values import OWN, base_name
from modelsizer.problems.laws.terms import TermLaw
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_number

DRAWS = 16
"""Default number of bootstrap draws that a plan averages over; each adds to every step."""
NOISE = 0.0075
"""Default standard deviation of ln loss of a run about its law: that of the residuals of the 240
runs of Hoffmann et al. 2022 (arXiv 2203.15556, figure 4) about the refit of Besiroglu et al. 2024
(arXiv 2404.10102). It includes the residuals' heavy tails and the error of reading a figure."""
_NOISE_FROM = "residuals of Hoffmann's 240 runs"
_BISECTIONS = 80
_WIDEST = 1.0  # standard deviation of ln loss, above that of any fit
SHAPE_LAWS_BY_FORM = {"gemstones": "gemstones-2025", "bian": "bian-2025"}
"""The published law of each form that depends on the shape."""


@dataclass(frozen=True)
class LawPoint:
    """A law with its coefficients and noise, as input of a plan.

    Parameters
    ----------
    name : str
    form : Form
    values : array, shape (coefficients,)
        In the order of the form.
    draws : array, shape (draws, coefficients)
        Bootstrap draws that the plan averages over; `values` alone if there are none.
    drawn : bool
        Whether `draws` are bootstrap draws.
    kind : {"total", "non_embedding", "active"}
        Parameters that N counts.
    smallest : float or None
        Parameters of the smallest model that the law was fitted on.
    noise : float
        Standard deviation of ln loss of a run.
    noise_from : str
    """

    name: str
    form: Form
    values: Array
    draws: Array
    drawn: bool
    kind: ParameterKind
    smallest: float | None
    noise: float
    noise_from: str

    @property
    def own(self) -> bool:
        """Whether the law is a user's own sum of terms."""
        return self.form.kind == TERMS

    def feature(self, column: str) -> str:
        """Name in a law's file of a feature of the form."""
        return next(name for name, one in FEATURES.items() if one == column)

    @property
    def seen(self) -> frozenset[str]:
        """Features of the terms to be learnt."""
        return frozenset(
            power.feature
            for term in self.form.terms
            for power in term.powers
            if not {term.scale, power.exponent}.isdisjoint(self.form.free)
        )


def of_law(law: TokenLaw) -> LawPoint:
    """A published law, or one written in the problem.

    Raises
    ------
    ProblemError
        If it is neither of Chinchilla's form, with or without an outer power, nor a sum of power
        terms, or has no irreducible loss.
    """
    for form, named in SHAPE_LAWS_BY_FORM.items():
        if law.name == named:
            return of_form(form)
    if isinstance(law, TermLaw):
        return _of_terms(law_file(law), f"laws.{law.name}", 0)
    if not isinstance(law, PowerLaw):
        raise ProblemError.of(
            "objective.law",
            f"runs cannot be planned for {law.name!r}: its form is its own, and only coefficients "
            "of E + (A/N^alpha + B/D^beta)^outer and of sums of power terms are fitted; take "
            "another by --law, or a file of `fit`",
        )
    own = FORMS["chinchilla" if law.outer == 1.0 else "chinchilla-outer"]
    values = {name: float(getattr(law, name)) for name in own.coefficients}
    return _point(law.name, own, values, law.parameter_kind, law.parameter_range.low)


def law_file(law: TermLaw) -> LawFile:
    """A law's file for a sum of power terms; unnamed terms are numbered."""
    terms = tuple(
        PowerTerm(
            term.coefficient,
            {base_name(feature): power for feature, power in term.exponents.items()},
            term.name or str(i),
        )
        for i, term in enumerate(law.terms, start=1)
    )
    return LawFile(
        law.name, TERMS, term_values(law.E, terms), law.parameter_kind, law.parameter_range,
        law.token_range, law.source, terms=terms, ranges=law.ranges,
    )  # fmt: skip


def of_form(form: str) -> LawPoint:
    """The published law of a form that depends on the shape.

    Raises
    ------
    ModelsizerError
        If there is no published law of that form.
    """
    if form not in SHAPE_LAWS_BY_FORM:
        hint = did_you_mean(form, SHAPE_LAWS_BY_FORM)
        raise ModelsizerError(
            f"--form: {form!r} is none that has a published law here{hint}; known: "
            f"{', '.join(SHAPE_LAWS_BY_FORM)}"
        )
    published = without_logarithms(coefficients_of(law_rows()[SHAPE_LAWS_BY_FORM[form]]))
    values = {name: published[name] for name in FORMS[form].coefficients}
    return _point(SHAPE_LAWS_BY_FORM[form], FORMS[form], values, "total", None)


def of_file(law: LawFile, most: int = DRAWS) -> LawPoint:
    """A fitted law, with its first bootstrap draws.

    Parameters
    ----------
    law : LawFile
    most : int
        Greatest number of draws; 0 for none.

    Raises
    ------
    ProblemError
        If it has no irreducible loss, or a coefficient of the wrong sign.
    """
    if law.form == TERMS:
        return _of_terms(law, "law", most)
    return _of_file(law, FORMS[law.form], most)


def _of_terms(law: LawFile, table: str, most: int) -> LawPoint:
    """A sum of power terms, whose own form is to be learnt."""
    if stacks := sorted({name for term in law.terms for name in term.exponents} & set(OWN)):
        raise ProblemError.of(
            f"{table}.terms",
            f"{', '.join(stacks)}: runs are planned of dense models whose layers are alike; leave "
            "these terms out",
            law.path,
        )
    if faults := faults_of(law):
        named = [replace(fault, key=table + fault.key.removeprefix("law")) for fault in faults]
        raise ProblemError(named, law.path)
    return _of_file(law, form_from(law), most)


def _of_file(law: LawFile, form: Form, most: int) -> LawPoint:
    noise = noise_of(law.provenance)
    source = _NOISE_FROM if noise is None else f"residuals of {law.name}"
    found = _point(
        law.name,
        form,
        law.coefficients,
        law.parameters,
        law.parameter_range.low,
        NOISE if noise is None else noise,
        source,
    )
    draws = np.array(law.draws[:most], float).reshape(-1, len(found.values))
    # Without a floor the form has no slope in it; with another sign the form is another.
    free = [form.position(name) for name in form.free]
    draws = draws[(draws * _signs(form) > 0)[:, free].all(axis=1)]
    if not len(draws):
        return found
    return replace(found, draws=draws, drawn=True)


def _signs(form: Form) -> Array:
    """Sign of each coefficient in the form, 1 or -1."""
    return np.array([-1.0 if name in form.negative else 1.0 for name in form.coefficients])


def _point(
    name: str,
    form: Form,
    values: Mapping[str, float],
    kind: ParameterKind,
    smallest: float | None,
    noise: float = NOISE,
    noise_from: str = _NOISE_FROM,
) -> LawPoint:
    row = np.array([values[key] for key in form.coefficients], float)
    for key, value in zip(form.coefficients, row * _signs(form), strict=True):
        if key in form.free and not value > 0:
            raise ProblemError.of(
                "objective.law",
                f"runs cannot be planned for {name!r}: its {key} is "
                f"{format_number(values[key])}, and a "
                "coefficient that is to be learnt must be positive",
            )
    return LawPoint(name, form, row, row[None, :], False, kind, smallest, noise, noise_from)


def noise_of(provenance: Mapping[str, object]) -> float | None:
    """Standard deviation of normal residuals that a fit's objective implies.

    `fit` writes its delta and the sum over its runs of Huber's loss of the residuals; the mean of
    Huber's loss over a normal distribution increases with its standard deviation, so one matches.
    """
    keys = ("objective", "used", "delta")
    given = [provenance.get(key) for key in keys]
    if not all(isinstance(v, int | float) and math.isfinite(v) and v > 0 for v in given):
        return None
    objective, used, delta = (float(v) for v in given)  # type: ignore[arg-type]
    low, high = 0.0, _WIDEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = mean_huber(middle, delta) > objective / used
        low, high = (low, middle) if above else (middle, high)
    return high


def mean_huber(sigma: float, delta: float) -> float:
    """Mean of Huber's loss over a normal distribution of mean zero.

    ``E[r^2/2; |r| < d] + E[d (|r| - d/2); |r| > d]`` with z = d/sigma and phi, Phi of the normal:
    ``sigma^2 (Phi(z) - 1/2 - z phi(z)) + 2 d sigma phi(z) - d^2 (1 - Phi(z))``.
    """
    if sigma == 0:
        return 0.0
    z = delta / sigma
    phi = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    tail = math.erfc(z / math.sqrt(2)) / 2
    return sigma**2 * (0.5 - tail - z * phi) + 2 * delta * sigma * phi - delta**2 * tail
