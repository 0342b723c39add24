"""Published laws of the best batch size and peak learning rate, in `hyperparameters.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modelsizer.problems.laws.catalogue import range_of
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_quantity

_DIMENSIONS = {"N": "parameters", "D": "tokens", "C": "FLOPs"}
LEARNING_RATE, BATCH_SIZE = "learning_rate", "batch_size"
UNITS: Mapping[str, str] = MappingProxyType({BATCH_SIZE: "tokens", LEARNING_RATE: ""})
"""The hyperparameters that laws suggest, with their units."""


@dataclass(frozen=True, slots=True)
class Power:
    """``coefficient x N^... x D^... x C^...``."""

    coefficient: float
    exponents: Mapping[str, float]

    def at(self, scale: Mapping[str, float]) -> float:
        """Its value at values of N, D and C."""
        value = self.coefficient
        for name, power in self.exponents.items():
            value *= scale[name] ** power
        return value


@dataclass(frozen=True, slots=True)
class HyperparameterLaw:
    """A published law.

    Parameters
    ----------
    name : str
    designs : {"dense", "mixtures", "any"}
        What it was fitted on.
    powers : mapping of Power
        By the names of `UNITS`.
    ranges : mapping of Range
        Of N, D or C in the fit.
    counts, source, checked : str
    """

    name: str
    designs: str
    powers: Mapping[str, Power]
    ranges: Mapping[str, Range]
    counts: str
    source: str
    checked: str

    @property
    def fitted_on(self) -> str:
        """The ranges of the fit in words."""
        return ", ".join(_words(name, ends) for name, ends in self.ranges.items())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "designs": self.designs,
            **{
                name: {"coefficient": power.coefficient, **power.exponents}
                for name, power in self.powers.items()
            },
            "ranges": {
                name: {"min": ends.low, "max": ends.high} for name, ends in self.ranges.items()
            },
            "counts": self.counts,
            "source": self.source,
            "checked": self.checked,
        }

    def suits(self, *, mixture: bool) -> bool:
        """Whether it was fitted on such designs."""
        return self.designs in ("any", "mixtures" if mixture else "dense")

    def outside(self, scale: Mapping[str, float]) -> tuple[str, ...]:
        """The ends of the fit that are passed, such as "above 2e19 FLOPs"."""
        found = []
        for name, ends in self.ranges.items():
            for end, word, passed in (
                (ends.low, "below", ends.low is not None and scale[name] < ends.low),
                (ends.high, "above", ends.high is not None and scale[name] > ends.high),
            ):
                if passed and end is not None:
                    found.append(f"{word} {_written(end, name)} {_DIMENSIONS[name]}")
        return tuple(found)


def _words(name: str, ends: Range) -> str:
    low, high = (None if end is None else _written(end, name) for end in (ends.low, ends.high))
    between = f"{low} to {high}" if low and high else f"to {high}" if high else f"from {low}"
    return f"{between} {_DIMENSIONS[name]}"


def _written(end: float, name: str) -> str:
    return format_quantity(end, _DIMENSIONS[name], 2).removesuffix(f" {_DIMENSIONS[name]}")


@cache
def hyperparameter_laws() -> tuple[HyperparameterLaw, ...]:
    """Every law of the catalogue."""
    return tuple(_law(name, row) for name, row in _read("hyperparameters.toml").items())


@cache
def trained_models() -> Mapping[str, Mapping[str, Any]]:
    """How published models were trained, by their names in the catalogue of models."""
    return _read("trained_models.toml")


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text("utf-8"))


def _law(name: str, row: Mapping[str, Any]) -> HyperparameterLaw:
    return HyperparameterLaw(
        name,
        row["designs"],
        {
            each: Power(
                row[each]["coefficient"], {k: v for k, v in row[each].items() if len(k) == 1}
            )
            for each in UNITS
        },
        {variable: range_of(row["ranges"], variable) for variable in row["ranges"]},
        row["counts"],
        row["source"],
        row["checked"],
    )
