"""One's own form of law: a sum of power terms of any features, read from the file of a law.

The file is that of a law of form ``"terms"``; its numbers are where the fit starts, and their signs
are kept. A term is fitted in its coefficient and in the exponent of each of its features, but for
what ``fixed`` names.
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

_NAMES = {column: feature for feature, column in FEATURES.items()}
_ALWAYS = ("N", "D")  # columns that give a law its range, and runs their FLOPs


def form_of(path: Path) -> Form:
    """The form of a file, with where its fit starts.

    Raises
    ------
    ProblemError
        If there is no such file, it is of another form, or anything in it is wrong.
    """
    law = load_law(path)
    if faults := faults_of(law):
        raise ProblemError(faults, str(path))
    return form_from(law)


def faults_of(law: LawFile) -> list[Fault]:
    """What a law may be and no fit starts from."""
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
            f"{term.coefficient:g} is not positive: fits are of positive coefficients; let the "
            "exponent's sign say whether the loss rises or falls with the feature",
        )
        for term in law.terms
        if term.coefficient <= 0
    ]
    if set(law.names) <= set(law.fixed):
        found.append(Fault("law.fixed", "every coefficient is fixed, so there is nothing to fit"))
    return found


def form_from(law: LawFile) -> Form:
    """The form of such a law; its numbers are where a fit starts."""
    own = dict(law.coefficients)
    features = dict.fromkeys(FEATURES[f] for term in law.terms for f in term.exponents)
    columns = dict.fromkeys((*_ALWAYS, *(c for f in features for c in columns_of(f))))
    sums = tuple(
        Term(term.name, tuple(Power(FEATURES[f], f"{term.name}.{f}", +1) for f in term.exponents))
        for term in law.terms
    )
    products = (
        " ".join([term.name, *(f"{f}^{term.name}.{f}" for f in term.exponents)])
        for term in law.terms
    )
    return Form(
        law.name,
        " + ".join(["E", *products]),
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
    """The terms of a form of one's own with fitted numbers; none of the other forms."""
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
    """Where the features of a form lie in runs, but for N and D."""
    found = {}
    seen = {power.feature for term in form.terms for power in term.powers}
    for column, logs in features_of(columns, form).items():
        if column in seen and column not in _ALWAYS:
            low, high = (float(f"{math.exp(end):.6g}") for end in (logs.min(), logs.max()))
            found[_NAMES[column]] = Range(low, high)
    return found
