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
from modelsizer.problems.laws.terms import TermLaw, read_terms, write_terms
from modelsizer.problems.tables.menus import interval_parser
from modelsizer.problems.tables.tables import Real, Table
from modelsizer.problems.typed_tables import Kind, made


def _read_range(value: object) -> Range:
    if isinstance(value, Range):
        return value
    limits = interval_parser("count")(value)
    low = None if limits.min is None else float(limits.min)
    return Range(low, None if limits.max is None else float(limits.max))


def _write_range(ends: Range) -> dict[str, float]:
    return {k: v for k, v in (("min", ends.low), ("max", ends.high)) if v is not None}


_Range = Annotated[Range, Kind(_read_range, _write_range)]
_Terms = Annotated[tuple[PowerTerm, ...], Kind(read_terms, write_terms)]
_Ranges = dict[str, _Range]
_FORMS = (
    "give A, alpha, B and beta, for E + (A / N^alpha + B / D^beta) ^ outer; or terms, for E + the "
    "sum of terms"
)


class LawTable(Table):
    """``[laws.NAME]``: a user-defined law.

    ``E + (A / N^alpha + B / D^beta) ^ outer``, or with `terms` a sum of power terms; see
    `modelsizer.problems.laws.terms`.
    """

    E: Real
    A: Real | None = None
    alpha: Real | None = None
    B: Real | None = None
    beta: Real | None = None
    outer: Real | None = None
    terms: _Terms | None = None
    parameters: ParameterKind = "total"
    parameter_range: _Range = ANYWHERE
    token_range: _Range = ANYWHERE
    ranges: _Ranges = made(dict)
    source: str = ""
    rms: Real | None = None

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
