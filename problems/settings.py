"""The tables of a problem file beside [space]: training, serving, budgets, objective, laws."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    InstanceOf,
    PlainSerializer,
    field_validator,
    model_validator,
)

from problems.accounting import FlopsConvention
from problems.errors import did_you_mean
from problems.laws import ANYWHERE, ParameterKind, PowerLaw, Range
from problems.menus import Interval, WrittenValue, interval_parser
from problems.quantities import QUANTITIES, Sense
from problems.units import Number, exact, parse_quantity

MAX_COUNT = 2**31  # batch, context, accelerators: more is a slip, and would overflow exact tables


class Table(BaseModel):
    """A frozen table that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _read_count(value: object) -> int:
    number = parse_quantity(value, "count")
    if not isinstance(number, int) or not 1 <= number <= MAX_COUNT:
        raise ValueError(f"{value!r} must be a whole number from 1 to {MAX_COUNT}")
    return number


def _read_bytes(value: object) -> Number:
    number = parse_quantity(value, "bytes")
    if not 0 < number <= 64:
        raise ValueError(f"{value!r} is not a number of bytes for each value, such as 2, 1 or 0.5")
    return number


def _read_tokens(value: object) -> Number:
    number = parse_quantity(value, "tokens")
    if number <= 0:
        raise ValueError(f"{value!r} is not positive; a number of tokens must be above 0")
    return number


def _read_flops(value: object) -> str:
    known = ("exact", "causal", "6ND")
    if value not in known:
        raise ValueError(f"{value!r} is not a FLOPs convention; write one of {', '.join(known)}")
    return str(value)


def _limit(dimension: str) -> WrittenValue:
    return WrittenValue(interval_parser(dimension))


_Count = Annotated[int, BeforeValidator(_read_count)]
_Bytes = Annotated[int | float, BeforeValidator(_read_bytes)]
_Tokens = Annotated[int | float, BeforeValidator(_read_tokens)]

DEFAULT_SEQUENCE_LENGTH = 4096


class Training(Table):
    """``[training]``.

    Parameters
    ----------
    sequence_length : int
        Tokens of a training sequence; attention scores are counted at it.
    flops : {"exact", "causal", "6ND"}
        How training FLOPs are counted.
    tokens : number or {min, max}
        Limits on training tokens; a number is exactly that many.
    unique_tokens : number
        Tokens of the data set; repeating them more than four times is warned about.
    tensor_parallel : int
        Ways that heads, kv_heads, d_ff and vocabulary must divide by.
    """

    sequence_length: _Count = DEFAULT_SEQUENCE_LENGTH
    flops: Annotated[FlopsConvention, BeforeValidator(_read_flops)] = "exact"
    tokens: Annotated[Interval | None, _limit("tokens")] = None
    unique_tokens: _Tokens | None = None
    tensor_parallel: _Count = 1

    @field_validator("tokens")
    @classmethod
    def _fixed(cls, value: Interval | None) -> Interval | None:
        """A bare number of tokens is not a limit but the number."""
        if value is not None and value.written_as_number:
            return Interval(value.max, value.max, written_as_number=True)
        return value


class Serving(Table):
    """``[serving]``.

    Parameters
    ----------
    accelerators : int
        Over which weights and cache are split evenly; `tensor_parallel` by default.
    tensor_parallel : int
        Ways that heads, kv_heads, d_ff and vocabulary must divide by; where it is wider than
        kv_heads, each kv head is held more than once.
    batch_size : int
        Sequences in the cache.
    context_length : int
        Tokens of each; `training.sequence_length` by default.
    weight_bytes, kv_bytes : number
        Bytes of a weight and of a cached value: 2, 1, 0.5.
    """

    accelerators: _Count | None = None
    tensor_parallel: _Count = 1
    batch_size: _Count = 1
    context_length: _Count | None = None
    weight_bytes: _Bytes = 2
    kv_bytes: _Bytes = 2

    @model_validator(mode="after")
    def _layout(self) -> Serving:
        if self.devices % self.tensor_parallel:
            raise ValueError(
                f"accelerators = {self.accelerators} is not a multiple of "
                f"tensor_parallel = {self.tensor_parallel}"
            )
        return self

    @property
    def devices(self) -> int:
        """Accelerators, with the default filled in."""
        return self.accelerators if self.accelerators is not None else self.tensor_parallel

    @property
    def exact_weight_bytes(self) -> Fraction:
        """Bytes of a weight, exactly."""
        return exact(self.weight_bytes)

    @property
    def exact_kv_bytes(self) -> Fraction:
        """Bytes of a cached value, exactly."""
        return exact(self.kv_bytes)


class Budgets(Table):
    """``[budgets]``: hard limits, each a number (the most) or ``{min, max}``."""

    training_flops: Annotated[Interval | None, _limit("FLOPs")] = None
    parameters: Annotated[Interval | None, _limit("parameters")] = None
    non_embedding_parameters: Annotated[Interval | None, _limit("parameters")] = None
    tokens: Annotated[Interval | None, _limit("tokens")] = None
    kv_cache: Annotated[Interval | None, _limit("bytes")] = None
    kv_bytes_per_token: Annotated[Interval | None, _limit("bytes")] = None
    serving_memory: Annotated[Interval | None, _limit("bytes")] = None
    inference_flops_per_token: Annotated[Interval | None, _limit("FLOPs")] = None
    loss: Annotated[Interval | None, _limit("nats")] = None

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
        Names of a token law and a shape law.
    """

    minimize: str | None = None
    maximize: str | None = None
    law: str = "besiroglu-2024"
    shape: str = "gemstones-2025"

    @model_validator(mode="after")
    def _sought(self) -> Objective:
        if self.minimize is not None and self.maximize is not None:
            raise ValueError("give minimize or maximize, not both")
        if self.quantity not in QUANTITIES:
            hint = did_you_mean(self.quantity, QUANTITIES)
            raise ValueError(
                f"unknown quantity {self.quantity!r}{hint}; known: {', '.join(QUANTITIES)}"
            )
        if self.maximize in ("loss", "training_flops"):
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


class LawTable(Table):
    """``[laws.NAME]``: one's own law ``E + (A / N^alpha + B / D^beta) ^ outer``."""

    E: float
    A: float
    alpha: float
    B: float
    beta: float
    outer: float = 1.0
    parameters: ParameterKind = "total"
    parameter_range: _Range = ANYWHERE
    token_range: _Range = ANYWHERE
    source: str = ""

    @model_validator(mode="after")
    def _coefficients(self) -> LawTable:
        self.law("x")
        return self

    def law(self, name: str) -> PowerLaw:
        """The law of this table."""
        return PowerLaw(
            name,
            self.E,
            self.A,
            self.alpha,
            self.B,
            self.beta,
            self.outer,
            self.parameters,
            self.parameter_range,
            self.token_range,
            self.source,
        )
