"""``[laws.NAME]``: user-defined laws."""

from __future__ import annotations

from typing import Annotated

from modelsizer.problems.laws.laws import (
    ANYWHERE,
    ParameterKind,
    PowerLaw,
    PowerTerm,
    Range,
    TokenLaw,
)
from modelsizer.problems.laws.terms import TermLaw, read_terms, terms_schema, write_terms
from modelsizer.problems.tables.menus import interval_parser
from modelsizer.problems.tables.tables import Real, Table
from modelsizer.problems.typed_keys import Kind, made
from modelsizer.problems.value_forms import Amount, Limit, Special, Within


def _read_range(value: object) -> Range:
    if isinstance(value, Range):
        return value
    limits = interval_parser("count")(value)
    low = None if limits.min is None else float(limits.min)
    return Range(low, None if limits.max is None else float(limits.max))


def _write_range(ends: Range) -> dict[str, float]:
    return {k: v for k, v in (("min", ends.low), ("max", ends.high)) if v is not None}


def _positive(unit: str, example: float) -> Kind:
    """Kind of a number that the law refuses if it is not above 0."""
    return Kind(form=Amount(unit, example, range=Within(above=0)))


def _fitted(low: float, high: float) -> Kind:
    """Kind of where a law was fitted, with an example."""
    return Kind(_read_range, _write_range, Limit("", {"min": low, "max": high}))


_Terms = Annotated[
    tuple[PowerTerm, ...],
    Kind(
        read_terms,
        write_terms,
        Special("", [{"coefficient": 482.0, "parameters": -0.35}], terms_schema),
    ),
]
_Ranges = dict[str, Annotated[Range, _fitted(7e7, 1.6e10)]]
_FORMS = (
    "give A, alpha, B and beta, for E + (A / N^alpha + B / D^beta) ^ outer; or terms, for E + the "
    "sum of terms"
)


class LawTable(Table):
    """``[laws.NAME]``: a user-defined law.

    ``E + (A / N^alpha + B / D^beta) ^ outer``, or with `terms` a sum of power terms; see
    `modelsizer.problems.laws.terms`.

    Parameters
    ----------
    E : number
        Loss that no size and no data undercut, in nats a token.
    A, alpha : number
        The term in parameters N: ``A / N^alpha``.
    B, beta : number
        The term in tokens D: ``B / D^beta``.
    outer : number
        Exponent of the sum of both terms; 1 by default.
    terms : list of tables
        In place of A, alpha, B and beta: each term has a `coefficient` and the exponents of
        features, such as ``{coefficient = 482.0, parameters = -0.35}``; `name` is optional.
    parameters : {"total", "non_embedding", "active"}
        Which parameters N counts.
    parameter_range, token_range : {min, max}
        Parameters (`parameter_range`) and tokens (`token_range`) with which the law was fitted;
        designs outside get a warning.
    ranges : dict of {min, max}
        Where a law of `terms` was fitted, by feature; designs outside get a warning.
    source : str
        Where the law is from.
    rms : number
        Root of the mean squared error on the runs that it was fitted to, in nats a token.
    """

    E: Annotated[Real, Kind(form=Amount("nats a token", 1.69))]
    A: Annotated[Real | None, _positive("", 406.4)] = None
    alpha: Annotated[Real | None, _positive("", 0.34)] = None
    B: Annotated[Real | None, _positive("", 410.7)] = None
    beta: Annotated[Real | None, _positive("", 0.28)] = None
    outer: Annotated[Real | None, _positive("", 1.0)] = None
    terms: _Terms | None = None
    parameters: ParameterKind = "total"
    parameter_range: Annotated[Range, _fitted(7e7, 1.6e10)] = ANYWHERE
    token_range: Annotated[Range, _fitted(1e9, 5e11)] = ANYWHERE
    ranges: _Ranges = made(dict)
    source: str = ""
    rms: Annotated[Real | None, _positive("nats a token", 0.01)] = None

    def _check(self) -> None:
        self.law("x")
        if self.rms is not None and self.rms <= 0:
            raise ValueError(f"@.rms must be a positive number of nats a token, not {self.rms:g}")

    def law(self, name: str) -> TokenLaw:
        """The law that this table defines."""
        powers = (self.A, self.alpha, self.B, self.beta)
        if self.terms is not None:
            if any(value is not None for value in (*powers, self.outer)):
                raise ValueError(f"@.terms {_FORMS}; not both")
            return TermLaw(
                name,
                self.E,
                self.terms,
                self.parameters,
                self.parameter_range,
                self.token_range,
                self.source,
                ranges=self.ranges,
                rms=self.rms,
            )
        if self.ranges:
            raise ValueError("@.ranges a law of N and D has parameter_range and token_range only")
        A, alpha, B, beta = powers
        if A is None or alpha is None or B is None or beta is None:
            named = {"A": A, "alpha": alpha, "B": B, "beta": beta}
            missing = next(key for key, value in named.items() if value is None)
            raise ValueError(f"@.{missing} this key is required: {_FORMS}")
        return PowerLaw(
            name,
            self.E,
            A,
            alpha,
            B,
            beta,
            1.0 if self.outer is None else self.outer,
            self.parameters,
            self.parameter_range,
            self.token_range,
            self.source,
            rms=self.rms,
        )
