"""The tables [budgets], [objective] and [laws.NAME] of a problem file."""

from __future__ import annotations

from typing import Annotated

from modelsizer.problems.errors import did_you_mean
from modelsizer.problems.laws.laws import ANYWHERE, ParameterKind, PowerLaw, Range, TokenLaw
from modelsizer.problems.laws.terms import TermLaw, read_terms, write_terms
from modelsizer.problems.quantities import QUANTITIES, Sense
from modelsizer.problems.tables.menus import Interval, interval_parser
from modelsizer.problems.tables.tables import Table, limit
from pydantic import (
    BeforeValidator,
    Field,
    InstanceOf,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)


class Budgets(Table):
    """``[budgets]``: hard limits, each a number (the most) or ``{min, max}``."""

    training_flops: Annotated[Interval | None, limit("FLOPs")] = None
    layers: Annotated[Interval | None, limit("count")] = None
    d_model: Annotated[Interval | None, limit("count")] = None
    parameters: Annotated[Interval | None, limit("parameters")] = None
    non_embedding_parameters: Annotated[Interval | None, limit("parameters")] = None
    tokens: Annotated[Interval | None, limit("tokens")] = None
    kv_cache: Annotated[Interval | None, limit("bytes")] = None
    kv_bytes_per_token: Annotated[Interval | None, limit("bytes")] = None
    serving_memory: Annotated[Interval | None, limit("bytes")] = None
    inference_flops_per_token: Annotated[Interval | None, limit("FLOPs")] = None
    training_memory: Annotated[Interval | None, limit("bytes")] = None
    training_time: Annotated[Interval | None, limit("seconds")] = None
    training_cost: Annotated[Interval | None, limit("dollars")] = None
    training_energy: Annotated[Interval | None, limit("kWh")] = None
    lifetime_flops: Annotated[Interval | None, limit("FLOPs")] = None
    lifetime_cost: Annotated[Interval | None, limit("dollars")] = None
    decode_latency: Annotated[Interval | None, limit("seconds")] = None
    decode_throughput: Annotated[Interval | None, limit("tokens/s")] = None
    prefill_latency: Annotated[Interval | None, limit("seconds")] = None
    loss: Annotated[Interval | None, limit("nats")] = None

    @field_validator(*(name for name, q in QUANTITIES.items() if q.only is not None))
    @classmethod
    def _one_sided(cls, value: Interval | None, info: ValidationInfo) -> Interval | None:
        """Refuse an end of a limit that is no linear row, or that nobody means."""
        assert info.field_name is not None
        only = QUANTITIES[info.field_name].only
        if value is None:
            return value
        if only == "max" and value.min is not None:
            raise ValueError(f"{info.field_name} has an upper limit only: write a number")
        if only == "min" and value.max is not None:
            raise ValueError(
                f"{info.field_name} has a lower limit only: write {{min = {value.max}}}"
            )
        return value

    @property
    def limits(self) -> dict[str, Interval]:
        """The budgets that were given, by name."""
        given = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: limit for name, limit in given if limit is not None}


class Objective(Table):
    """``[objective]``.

    Parameters
    ----------
    minimize, maximize : str
        A quantity; one of the two, ``minimize = "loss"`` by default.
    law, shape : str
        Names of a law and a shape law; `DEFAULT_SHAPE` where the law is blind to width and
        depth, and none where it prices them itself.
    """

    minimize: str | None = None
    maximize: str | None = None
    law: str = "besiroglu-2024"
    shape: str | None = None

    @model_validator(mode="after")
    def _sought(self) -> Objective:
        if self.minimize is not None and self.maximize is not None:
            raise ValueError("give minimize or maximize, not both")
        if self.quantity not in QUANTITIES:
            hint = did_you_mean(self.quantity, QUANTITIES)
            raise ValueError(
                f"unknown quantity {self.quantity!r}{hint}; known: {', '.join(QUANTITIES)}"
            )
        if self.quantity == "decode_throughput":
            raise ValueError("minimize decode_latency: decode_throughput is batch_size over it")
        row = QUANTITIES[self.quantity]
        if self.maximize is not None and (
            row.only == "max" or row.form in ("loss", "flops", "lifetime")
        ):
            raise ValueError(f"{self.maximize} can be minimized only")
        return self

    @property
    def quantity(self) -> str:
        """Name of the quantity sought."""
        return self.maximize or self.minimize or "loss"

    @property
    def sense(self) -> Sense:
        """Whether less or more of it is better."""
        return "maximize" if self.maximize is not None else "minimize"


def _read_range(value: object) -> Range:
    if isinstance(value, Range):
        return value
    limits = interval_parser("count")(value)
    low = None if limits.min is None else float(limits.min)
    return Range(low, None if limits.max is None else float(limits.max))


_Range = Annotated[
    InstanceOf[Range],
    BeforeValidator(_read_range),
    PlainSerializer(
        lambda r: {k: v for k, v in (("min", r.low), ("max", r.high)) if v is not None}
    ),
]


_Terms = Annotated[
    InstanceOf[tuple],  # type: ignore[type-arg]
    BeforeValidator(read_terms),
    PlainSerializer(write_terms),
]
_Ranges = dict[str, _Range]
_FORMS = (
    "give A, alpha, B and beta, for E + (A / N^alpha + B / D^beta) ^ outer; or terms, for E + the "
    "sum of terms"
)


class LawTable(Table):
    """``[laws.NAME]``: one's own law.

    ``E + (A / N^alpha + B / D^beta) ^ outer``, or with `terms` a sum of power terms; see
    `modelsizer.problems.laws.terms`.
    """

    E: float
    A: float | None = None
    alpha: float | None = None
    B: float | None = None
    beta: float | None = None
    outer: float | None = None
    terms: _Terms | None = None
    parameters: ParameterKind = "total"
    parameter_range: _Range = ANYWHERE
    token_range: _Range = ANYWHERE
    ranges: _Ranges = Field(default_factory=dict)
    source: str = ""

    @model_validator(mode="after")
    def _coefficients(self) -> LawTable:
        self.law("x")
        return self

    def law(self, name: str) -> TokenLaw:
        """The law of this table."""
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
        )
