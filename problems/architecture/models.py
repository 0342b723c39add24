"""The catalogue of published models; their parameters are computed from their configurations."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.records import dataclass


@dataclass(frozen=True)
class PublishedModel:
    """A published model in the catalogue.

    Parameters
    ----------
    name : str
    config : mapping
        Fields of its Hugging Face configuration that determine its shape.
    tokens : float or None
        Training tokens, if the source states them.
    year : int
    source : str
        Source of shape and tokens.
    note : str
        Facts that the configuration does not contain.
    """

    name: str
    config: Mapping[str, Any]
    tokens: float | None
    year: int
    source: str
    note: str = ""

    @cached_property
    def architecture(self) -> Architecture:
        """Architecture read from the configuration."""
        return read_config(self.config)

    @property
    def parameters(self) -> Parameters:
        """Parameter counts of the architecture."""
        return count_parameters(self.architecture)


@cache
def models() -> Mapping[str, PublishedModel]:
    """All models of the catalogue, by name."""
    file = Path(__file__).parent / "models.toml"
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
