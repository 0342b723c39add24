"""Limits with their unit where a bare number is refused, for problems smaller than any real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.quantities.rows import QUANTITIES


def spelled(tables: Mapping[str, Any]) -> dict[str, Any]:
    """A problem's tables with limits that `Problem.from_tables` takes for what they are."""

    def limit(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {end: limit(name, each) if end == "max" else each for end, each in value.items()}
        row = QUANTITIES[name]
        bare = not isinstance(value, str) and value > 0
        return row.bare.written(value, row.dimension) if bare else value

    found = dict(tables)
    if "budgets" in tables:
        found["budgets"] = {name: limit(name, value) for name, value in tables["budgets"].items()}
    training = tables.get("training", {})
    if "tokens" in training:
        found["training"] = {**training, "tokens": limit("tokens", training["tokens"])}
    return found
