"""The tables [budgets], [objective] and [laws.NAME] of a problem file."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BeforeValidator,
    InstanceOf,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from problems.errors import did_you_mean
from problems.laws import ANYWHERE, ParameterKind, PowerLaw, Range
from problems.menus import Interval, interval_parser
from problems.quantities import QUANTITIES, Sense
from problems.tables import Table, limit


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
