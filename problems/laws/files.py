"""Files of fitted laws, which `modelsizer fit` writes and ``law = "file:PATH"`` reads.

``[law]`` has the form, the coefficients and the ranges of the fit. ``[law.standard_errors]``,
``[bootstrap]`` and ``[provenance]`` give their uncertainty and origin. In the form "terms", a
coefficient has the name of its term, and an exponent that name and its feature, as in "A" and
"A.parameters". `modelsizer.problems.laws.reading` reads the files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from modelsizer.problems.laws.laws import (
    ANYWHERE,
    ParameterKind,
    PowerLaw,
    PowerTerm,
    Range,
    TokenLaw,
)
from modelsizer.problems.laws.terms import TermLaw, bian_terms, gemstones_terms, write_terms
from modelsizer.problems.records import dataclass

TERMS = "terms"
"""Form of a law that lists its own terms."""
COEFFICIENTS: Mapping[str, tuple[str, ...]] = {
    "chinchilla": ("E", "A", "alpha", "B", "beta"),
    "chinchilla-outer": ("E", "A", "alpha", "B", "beta", "outer"),
    "gemstones": ("E", "A", "a", "B", "b", "G", "g", "T", "t"),
    "bian": ("E", "A", "B", "alpha", "gamma"),
}
"""Coefficients of each form except `TERMS`, in the order of a file."""
_POWERS = {
    "chinchilla": "E + A/N^alpha + B/D^beta",
    "chinchilla-outer": "E + (A/N^alpha + B/D^beta)^outer",
}
_EXPANDED = {"gemstones": gemstones_terms, "bian": bian_terms}
_DIGITS = 12  # significant digits in a file; standard errors are far larger
_DRAWN_DIGITS = 8  # significant digits of a draw; there may be thousands of draws


@dataclass(frozen=True, slots=True)
class LawFile:
    """A fitted law.

    Parameters
    ----------
    name : str
    form : str
        A key of `COEFFICIENTS`, or `TERMS`.
    coefficients : mapping
        Values by name; see `names`.
    parameters : {"total", "non_embedding", "active"}
        Parameters that N counts.
    parameter_range, token_range : Range
        Ranges of the runs.
    source : str
    standard_errors : mapping
        By coefficient; some may be missing.
    draws : tuple of tuple of float
        Coefficients of each bootstrap sample, in the order of `names`.
    seed : int or None
        Seed of the bootstrap.
    provenance : mapping
    path : str
        File that the law was read from.
    terms : tuple of PowerTerm
        Terms of the form `TERMS`, with the same numbers as `coefficients`.
    ranges : mapping of Range
        Ranges of other features of the runs.
    fixed : tuple of str
        Coefficients that a fit keeps constant.
    rms : float or None
        Root mean square of the errors on the runs, nats a token.
    """

    name: str
    form: str
    coefficients: Mapping[str, float]
    parameters: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    draws: tuple[tuple[float, ...], ...] = ()
    seed: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    terms: tuple[PowerTerm, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    rms: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients, in the order of a file and of `draws`."""
        return term_names(self.terms) if self.form == TERMS else COEFFICIENTS[self.form]

    @property
    def formula(self) -> str:
        """The formula with the names of its coefficients."""
        if self.form != TERMS:
            return self.law.form
        terms = (
            " ".join([term.name, *(f"{name}^{term.name}.{name}" for name in term.exponents)])
            for term in self.terms
        )
        return " + ".join(["E", *terms])

    @property
    def law(self) -> TokenLaw:
        """The law to solve with.

        Raises
        ------
        ValueError
            If the coefficients are invalid.
        """
        return self._law([self.coefficients[name] for name in self.names])

    @property
    def drawn_laws(self) -> tuple[TokenLaw, ...]:
        """One law for each bootstrap sample; see `law`."""
        return tuple(self._law(row, f", draw {i}") for i, row in enumerate(self.draws, start=1))

    def _law(self, values: Sequence[float], which: str = "") -> TokenLaw:
        found = dict(zip(self.names, values, strict=True))
        name = self.name + which
        limits = (self.parameters, self.parameter_range, self.token_range, self.source)
        if self.form in _POWERS:
            E, A, alpha, B, beta, outer = (*values, 1.0)[:6]
            return PowerLaw(
                name, E, A, alpha, B, beta, outer, *limits, form=_POWERS[self.form], rms=self.rms
            )
        if self.form == TERMS:
            E, terms = found["E"], with_values(self.terms, found)
        else:
            E, terms = _EXPANDED[self.form](found)
        return TermLaw(name, E, terms, *limits, ranges=self.ranges, rms=self.rms)


def term_names(terms: Sequence[PowerTerm]) -> tuple[str, ...]:
    """Names of the coefficients of a sum of terms: E, then scale and exponents of each term."""
    found = ["E"]
    for term in terms:
        found += [term.name, *(f"{term.name}.{feature}" for feature in term.exponents)]
    return tuple(found)


def term_values(constant: float, terms: Sequence[PowerTerm]) -> dict[str, float]:
    """Coefficients of a sum of terms, by the names of `term_names`."""
    found = {"E": constant}
    for term in terms:
        found[term.name] = term.coefficient
        found |= {f"{term.name}.{feature}": power for feature, power in term.exponents.items()}
    return found


def with_values(terms: Sequence[PowerTerm], values: Mapping[str, float]) -> tuple[PowerTerm, ...]:
    """The same terms with other coefficients, by the names of `term_names`."""
    return tuple(
        replace(
            term,
            coefficient=values[term.name],
            exponents={feature: values[f"{term.name}.{feature}"] for feature in term.exponents},
        )
        for term in terms
    )


# Writing


def _text(value: Any) -> str:
    """A TOML value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        text = f"{value:.{_DIGITS}g}"
        return text if any(c in text for c in ".e") else f"{text}.0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(_text(v) for v in value) + "]"


def _drawn(value: float) -> float:
    return float(f"{value:.{_DRAWN_DIGITS}g}")


def _key(name: str) -> str:
    return name if name.replace("_", "a").replace("-", "a").isalnum() else json.dumps(name)


def _range(ends: Range) -> dict[str, float]:
    return {k: v for k, v in (("min", ends.low), ("max", ends.high)) if v is not None}


def law_text(law: LawFile) -> str:
    """Text of the TOML file of a law."""
    names = law.names
    head: dict[str, Any] = {"name": law.name, "form": law.form, "parameters": law.parameters}
    if law.form == TERMS:
        head["E"] = float(law.coefficients["E"])
        head["terms"] = write_terms(with_values(law.terms, law.coefficients))
        head |= {"fixed": law.fixed} if law.fixed else {}
    else:
        head |= {name: float(law.coefficients[name]) for name in names}
    for key, ends in (("parameter_range", law.parameter_range), ("token_range", law.token_range)):
        if _range(ends):
            head[key] = _range(ends)
    if law.ranges:
        head["ranges"] = {name: _range(ends) for name, ends in law.ranges.items()}
    if law.rms is not None:
        head["rms"] = law.rms
    if law.source:
        head["source"] = law.source
    tables: dict[str, Mapping[str, Any]] = {"law": head}
    if law.standard_errors:
        tables["law.standard_errors"] = {k: float(v) for k, v in law.standard_errors.items()}
    if law.provenance:
        tables["provenance"] = law.provenance
    lines = []
    for table, content in tables.items():
        lines.append(f"[{table}]")
        for key, value in content.items():
            if key == TERMS:  # one a line
                rows = [f"    {_text(row)}," for row in value]
                lines += [f"{key} = [", *rows, "]"]
            else:
                lines.append(f"{_key(key)} = {_text(value)}")
        lines.append("")
    if law.draws:
        lines += ["[bootstrap]"]
        lines += [f"seed = {law.seed}"] if law.seed is not None else []
        lines += [f"coefficients = {_text(names)}", "draws = ["]
        lines += [f"    {_text([_drawn(v) for v in row])}," for row in law.draws]
        lines += ["]", ""]
    return "\n".join(lines)
