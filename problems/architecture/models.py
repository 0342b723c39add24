"""The catalogue of published models; their parameters are counted, not typed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.huggingface import read_config


@dataclass(frozen=True)
class PublishedModel:
    """A published model.

    Parameters
    ----------
    name : str
    config : mapping
        Fields of its Hugging Face configuration that set its shape.
    tokens : float or None
        Tokens trained on, where the source says it.
    year : int
    source : str
        Where shape and tokens come from.
    note : str
        What the configuration cannot say.
    """

    name: str
    config: Mapping[str, Any]
    tokens: float | None
    year: int
    source: str
    note: str = ""

    @property
    def architecture(self) -> Architecture:
        """Read from the configuration."""
        return read_config(self.config)

    @property
    def parameters(self) -> Parameters:
        """Counted."""
        return count_parameters(self.architecture)


@cache
def models() -> Mapping[str, PublishedModel]:
    """Every model of the catalogue by name."""
    file = resources.files(__package__) / "models.toml"
    rows = tomllib.loads(file.read_text("utf-8"))
    return {
        name: PublishedModel(
            name,
            row["config"] | dict.fromkeys(row.get("null", [])),
            row.get("tokens"),
            int(row["year"]),
            row["source"],
            row.get("note", ""),
        )
        for name, row in rows.items()
    }
