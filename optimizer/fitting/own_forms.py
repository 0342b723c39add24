"""A user's own form of law, a sum of power terms in any features, read from a law's file.

The law has the form ``"terms"``; the fit starts from its numbers and keeps their signs. The
coefficient of each term and the exponents of its features are fitted, except those named by
``fixed``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from modelsizer.optimizer.fitting.terms import (
    FEATURES,
    Array,
    Form,
    Power,
    Term,
    columns_of,
    features_of,
)
from modelsizer.problems.errors import Fault, ProblemError
from modelsizer.problems.laws.files import TERMS, LawFile
from modelsizer.problems.laws.laws import PowerTerm, Range
from modelsizer.problems.laws.reading import load_law
from modelsizer.problems.units import format_number

_NAMES = {column: feature for feature, column in FEATURES.items()}
_ALWAYS = ("N", "D")  # columns that set a law's range and give runs their FLOPs


def form_of(path: Path) -> Form:
    """Read a form and its starting values from a file.

    Raises
    ------
    ProblemError
        If the file does not exist, has another form, or contains errors.
    """
    law = load_law(path)
    if faults := faults_of(law):
        raise ProblemError(faults, str(path))
    return form_from(law)


def faults_of(law: LawFile) -> list[Fault]:
    """Reasons for which a valid law cannot start a fit."""
    if law.form != TERMS:
        return [
            Fault("law.form", f'{law.form!r} is not "{TERMS}": --law takes a file of that form')
        ]
    found = []
    if (floor := law.coefficients["E"]) < 0:
        found.append(Fault("law.E", f"{floor!r} is negative; a loss has a floor of zero or more"))
    found += [
        Fault(
            f"law.terms.{term.name}.coefficient",
            f"{format_number(term.coefficient)} is not positive: fits are of positive "
            "coefficients; let the "
            "exponent's sign say whether the loss rises or falls with the feature",
        )
        for term in law.terms
        if term.coefficient <= 0
    ]
    if set(law.names) <= set(law.fixed):
        found.append(Fault("law.fixed", "every coefficient is fixed, so there is nothing to fit"))
    return found


def form_from(law: LawFile) -> Form:
    """The form of such a law, with its numbers as starting values."""
    own = dict(law.coefficients)
    features = dict.fromkeys(FEATURES[f] for term in law.terms for f in term.exponents)
    columns = dict.fromkeys((*_ALWAYS, *(c for f in features for c in columns_of(f))))
    sums = tuple(
        Term(term.name, tuple(Power(FEATURES[f], f"{term.name}.{f}", +1) for f in term.exponents))
        for term in law.terms
    )
    return Form(
        law.name,
        law.formula,
        law.names,
        ((Term("E"), *sums),),
        tuple(columns),
        "one's own",
        TERMS,
        frozenset(name for name, value in own.items() if value < 0),
        {name: own[name] for name in law.fixed},
        own,
        counts=law.parameters,
    )


def fitted_terms(form: Form, values: Mapping[str, float]) -> tuple[PowerTerm, ...]:
    """Terms of a user's own form with fitted numbers; empty for the other forms."""
    if form.kind != TERMS:
        return ()
    return tuple(
        PowerTerm(
            values[term.scale],
            {_NAMES[power.feature]: values[power.exponent] for power in term.powers},
            term.scale,
        )
        for term in form.terms
        if term.powers and term.scale is not None
    )


def feature_ranges(form: Form, columns: Mapping[str, Array]) -> dict[str, Range]:
    """Ranges of the form's features over the runs, other than N and D."""
    found = {}
    seen = {power.feature for term in form.terms for power in term.powers}
    for column, logs in features_of(columns, form).items():
        if column in seen and column not in _ALWAYS:
            low, high = (float(f"{math.exp(end):.6g}") for end in (logs.min(), logs.max()))
            found[_NAMES[column]] = Range(low, high)
    return found
